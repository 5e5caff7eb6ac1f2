"""marker: the Monday experiment. A greeting without effect tracks the posting day, which moves the score.

Reconstruction of the experiment of Loghmani (2026) on forum answers: there a greeting was
prepended to every answer of a weekday; here it follows the day by chance, unless the rule
is deterministic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.dials import OVERLAP, STRENGTH, Dial, DialValue, domain_dial
from simulators.family import Family, FamilyCard
from simulators.law.population import Factor, Features, People
from simulators.law.recording import PROPENSITIES, Column, Recording, Rows
from simulators.law.roles import DECOY, INERT, draw_roles, mark_roles
from simulators.pairskew import limit_for_skew
from simulators.standard import apply_overlap, change_rule, compose_world
from simulators.strength import solve_strength
from simulators.text import load_domain
from simulators.world import World

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Monday best, Friday among the worst, as published for forum answers; the sizes are ours
SCORES = np.array([2.2, 0.3, 0.1, -0.2, -0.9, -0.8, -0.7])
SCORES = (SCORES - SCORES.mean()) / SCORES.std()
# the mild preset has Fridays lose three for every two that Mondays win, as published
MILD_SCORES = np.array([2.0, 0.2, 0.2, 0.2, -3.0, 0.2, 0.2]) / np.sqrt(13.2 / 7)
RULE = Dial(
    "rule",
    "stochastic",
    "stochastic: the greeting is likelier on Mondays; deterministic: exactly on Mondays (no overlap); "
    "mild: the published pair skews, 52/48 for the greeting at strength 1 and 47/53 for a second idle "
    "phrasing that follows Fridays",
    choices=("stochastic", "deterministic", "mild"),
)
BALANCED = Dial("balanced", False, "negative control: the greeting ignores the day")

CARD = FamilyCard(
    name="marker",
    situation="A greeting that does nothing is used most on Mondays, and whatever is posted on Mondays "
    "scores higher.",
    dials=(STRENGTH, OVERLAP, RULE, BALANCED, domain_dial("answers")),
    identified_by="comparing within days: the day is recorded",
    recover="within-day pairs, residuals, covariate regression",
    fail="preference optimisation on raw scores, which amplifies the greeting",
)


def _scores(people: People, scores: np.ndarray) -> np.ndarray:
    return scores[np.asarray(people["weekday"]).astype(int)][:, None]


def _marked_days(people: People) -> np.ndarray:
    """Mondays and Fridays, standardised."""
    return ((np.asarray(people["weekday"])[:, None] == [0, 4]) - 1 / 7) / np.sqrt(6 / 49)


def _is_day(rows: Rows, day: int) -> np.ndarray:
    return (rows.people["weekday"] == day).astype(np.int8)


def _compose(card: FamilyCard, dials: Mapping[str, DialValue], streams: Streams) -> World:
    domain = load_domain(str(dials["domain"]))
    drawn = draw_roles(streams, len(domain.attributes), len(domain.prompts))
    roles, marker = mark_roles(drawn, domain.attributes)
    mild, deterministic = dials["rule"] == "mild", dials["rule"] == "deterministic"
    followers = np.outer(roles.directions, [1.0, 0.0])
    if mild:
        second = int(roles.which(INERT)[0])
        followers[second, 1] = 1.0
        names, chances = list(roles.names), roles.intercepts.copy()
        names[second], chances[second] = DECOY, chances[marker]
        roles = replace(roles, names=tuple(names), intercepts=chances)
    days = tuple(Column(f"covariate.{day}", partial(_is_day, day=i)) for i, day in enumerate(WEEKDAYS[:-1]))
    world = compose_world(
        card,
        dials,
        streams,
        factors=(Factor("weekday", "categorical", (1 / 7,) * 7),),
        features=Features(("day_score",), partial(_scores, scores=MILD_SCORES if mild else SCORES)),
        coefficients=np.ones(1),
        text_features=Features(("monday", "friday"), _marked_days),
        aim=np.ones(2),
        recording=Recording(days + PROPENSITIES),
        roles=roles,
    )
    world = change_rule(world, weights=followers)
    world = change_rule(world, gamma=np.inf) if deterministic else apply_overlap(world)
    unit = limit_for_skew(world, marker, 0.52) if mild else None
    world = solve_strength(world, float(dials["strength"]), unit)
    return change_rule(world, gamma=0.0) if dials["balanced"] else world


FAMILY = Family(CARD, _compose)
