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
from simulators.pairskew import limit_for_skew
from simulators.population import Factor, Features, People
from simulators.recording import PROPENSITIES, Column, Recording, Rows
from simulators.roles import DECOY, INERT, Roles, draw_roles
from simulators.standard import apply_overlap, change_rule, compose_world
from simulators.strength import solve_strength
from simulators.text import load_domain
from simulators.world import World

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Monday best, Friday among the worst, as published for forum answers; the sizes are ours
SCORES = np.array([2.2, 0.3, 0.1, -0.2, -0.9, -0.8, -0.7])
SCORES = (SCORES - SCORES.mean()) / SCORES.std()
RULE = Dial(
    "rule",
    "stochastic",
    "stochastic: the greeting is likelier on Mondays; deterministic: exactly on Mondays (no overlap); "
    "mild: strength is in units of the naive limit that skews mixed pairs 52/48",
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


def _scores(people: People) -> np.ndarray:
    return SCORES[np.asarray(people["weekday"]).astype(int)][:, None]


def _mondays(people: People) -> np.ndarray:
    return ((np.asarray(people["weekday"]) == 0) - 1 / 7)[:, None] / np.sqrt(6 / 49)


def _is_day(rows: Rows, day: int) -> np.ndarray:
    return (rows.people["weekday"] == day).astype(np.int8)


def mark_roles(roles: Roles, attributes: tuple[str, ...]) -> tuple[Roles, int]:
    """The roles with one attribute as the only decoy: the greeting, where there is one; and which it is."""
    drawn = int(roles.which(DECOY)[0])
    marker = next((k for k, name in enumerate(attributes) if "greet" in name), drawn)
    names, effects = list(roles.names), roles.effects.copy()
    names[drawn], names[marker] = names[marker], names[drawn]
    effects[[drawn, marker]] = effects[[marker, drawn]]
    names = [INERT if name == DECOY and k != marker else name for k, name in enumerate(names)]
    directions = (np.arange(len(names)) == marker).astype(np.float64)
    return replace(roles, names=tuple(names), effects=effects, directions=directions), marker


def _compose(card: FamilyCard, dials: Mapping[str, DialValue], streams: Streams) -> World:
    domain = load_domain(str(dials["domain"]))
    roles, marker = mark_roles(draw_roles(streams, len(domain.attributes), len(domain.prompts)), domain.attributes)
    days = tuple(Column(f"covariate.{day}", partial(_is_day, day=i)) for i, day in enumerate(WEEKDAYS[:-1]))
    world = compose_world(
        card,
        dials,
        streams,
        factors=(Factor("weekday", "categorical", (1 / 7,) * 7),),
        features=Features(("day_score",), _scores),
        coefficients=np.ones(1),
        text_features=Features(("monday",), _mondays),
        recording=Recording(days + PROPENSITIES),
        roles=roles,
    )
    deterministic = dials["rule"] == "deterministic"
    world = change_rule(world, gamma=np.inf) if deterministic else apply_overlap(world)
    unit = limit_for_skew(world, marker, 0.52) if dials["rule"] == "mild" else None
    world = solve_strength(world, float(dials["strength"]), unit)
    return change_rule(world, gamma=0.0) if dials["balanced"] else world


FAMILY = Family(CARD, _compose)
