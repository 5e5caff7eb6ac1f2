"""marker: the Monday experiment. A greeting without effect tracks the posting day, which moves the score.

Reconstruction of the experiment of Loghmani (2026) on forum answers, where "Happy Monday!" or "Happy
Friday!" was prepended to every answer of its day: ``marker[greeting=monday,rule=deterministic]``. By
default the greeting has several wordings and follows the day by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import ndtr

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.codes import all_attributes, encode, product_law
from simulators.law.curves import NODES, interpolation_matrix, place_nodes
from simulators.law.population import Factor, Features, People
from simulators.law.recording import PROPENSITIES, Column, Recording, Rows
from simulators.law.roles import draw_roles, mark_roles
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import apply_overlap, change_rule, choose_domain, compose_world
from simulators.strength import solve_strength, with_delta
from simulators.world import SimulatedWorld

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Monday best, Friday among the worst, as published for forum answers; the sizes are ours
SCORES = np.array([2.2, 0.3, 0.1, -0.2, -0.9, -0.8, -0.7])
SCORES = (SCORES - SCORES.mean()) / SCORES.std()
# Of pairs with exactly one answer of the day, that answer won 958 and lost 887 on Mondays, won 859 and lost
# 965 on Fridays (Loghmani 2026).
SKEWS = {"monday": 958 / (958 + 887), "friday": 859 / (859 + 965)}
RULE = Parameter(
    "rule",
    "stochastic",
    "stochastic: the greeting is likelier on its day; deterministic: exactly on its day (no overlap), as in "
    "the published experiment",
    choices=("stochastic", "deterministic"),
)
GREETING = Parameter(
    "greeting",
    "several",
    "several: six greetings for Mondays; monday, friday: 'Happy Monday!' or 'Happy Friday!' alone, and "
    "strength counts in units of the published confounding, at which the greeting wins .519 of mixed pairs "
    "on Mondays and .471 on Fridays",
    choices=("several", *SKEWS),
)
BALANCED = Parameter("balanced", False, "negative control: the greeting ignores the day")


def _published_scores() -> np.ndarray:
    """Scores of days, mean 0 and variance 1, at which one confounding gives both published skews.

    To first order a skew beyond one half is proportional to the day's score less the mean of the other
    days, hence to the score itself. The other five days score alike.
    """
    monday, friday = SKEWS["monday"] - 0.5, SKEWS["friday"] - 0.5
    scores = np.full(7, -(monday + friday) / 5)
    scores[[0, 4]] = monday, friday
    return scores / scores.std()


PUBLISHED_SCORES = _published_scores()

CARD = FamilyCard(
    name="marker",
    situation="A greeting that does nothing is used most on Mondays, and whatever is posted on Mondays "
    "scores higher.",
    parameters=(STRENGTH, OVERLAP, RULE, GREETING, BALANCED, *text_parameters("answers")),
    strategies=("back-door", "propensity"),
    recover="within-day pairs, residuals, covariate regression",
    fail="preference optimisation on raw scores, which amplifies the greeting",
)


def _scores(people: People, scores: np.ndarray) -> np.ndarray:
    return scores[np.asarray(people["weekday"]).astype(int)][:, None]


def _on_day(people: People, day: int) -> np.ndarray:
    """Whether the day is the greeting's, standardised."""
    return ((np.asarray(people["weekday"])[:, None] == day) - 1 / 7) / np.sqrt(6 / 49)


def _is_day(rows: Rows, day: int) -> np.ndarray:
    return (rows.people["weekday"] == day).astype(np.int8)


def measure_pair_skew(world: SimulatedWorld, attribute: int) -> float:
    """How often the text with the marker wins a same-prompt pair of logged impressions.

    For two impressions of one prompt, one with attribute k and one without,
    ``P(Y_on > Y_off) = E Phi((Delta base + delta Delta g) / (sqrt 2 sd))``, people following their law
    given the attribute, the other attributes P_int. Exact for normal noise when the marker alone
    responds to people.
    """
    if world.texture is not None:
        return _measure_worded_skew(world, attribute)
    chance = world.law.probabilities[:, attribute]
    weights = world.law.weights.sum(axis=1)
    on, off = weights * chance, weights * (1 - chance)
    pushed = world.outcome.delta * world.outcome.confounding(world.law.people)
    others = np.delete(np.arange(len(world.roles.names)), attribute)
    codes = encode(np.insert(all_attributes(len(others)), attribute, 0, axis=1))
    law = product_law(world.marginals[0, others])
    base = world.outcome.base[0, 0]
    left = (base[codes + (1 << attribute)][:, None] + pushed).ravel()
    right = (base[codes][:, None] + pushed).ravel()
    left_law = np.outer(law, on / on.sum()).ravel()
    right_law = np.outer(law, off / off.sum()).ravel()
    scale = np.sqrt(2 * world.feedback.noise_variance)
    return float(left_law @ ndtr((left[:, None] - right) / scale) @ right_law)


def _measure_worded_skew(world: SimulatedWorld, attribute: int) -> float:
    """The same where wording and interactions count, averaged over prompts."""
    assert world.wording is not None
    chance, weights = world.law.probabilities[:, attribute], world.law.weights.sum(axis=1)
    pushed = world.outcome.delta * world.outcome.confounding(world.law.people)
    n_attributes = len(world.roles.names)
    span = world.wording.span(n_attributes)
    worded, shifts = world.wording.law(n_attributes, NODES // 3, span), place_nodes(NODES // 3, span)
    has = all_attributes(n_attributes)[:, attribute] == 1
    scale, won = np.sqrt(2 * world.feedback.noise_variance), []
    topics = world.wording.phrases.topics
    for p in np.unique(topics, return_index=True)[1]:  # an intercept of the prompt cancels within a pair
        index = world.mechanism.base[0, p][:, None, None] + pushed[:, None] + shifts
        reach = float(index.min()), float(index.max())
        sides = []
        for texts, people in ((has, weights * chance), (~has, weights * (1 - chance))):
            law = world.text_law[p, texts][:, None, None] * (people / people.sum())[:, None]
            law = law / law.sum() * worded[topics[p], texts][:, None]
            sides.append(law.ravel() @ interpolation_matrix(NODES, reach, index[texts].ravel()))
        nodes = place_nodes(NODES, reach)
        won.append(
            (sides[0] @ ndtr((nodes[:, None] - nodes) / scale) @ sides[1], (topics == topics[p]).sum())
        )
    values, counts = np.array(won).T
    return float(np.average(values, weights=counts))


def find_scale_for_skew(world: SimulatedWorld, attribute: int, skew: float) -> float:
    """The scale of confounding at which an attribute has a pair skew near one half."""

    def excess(delta: float) -> float:
        return measure_pair_skew(with_delta(world, delta), attribute) - skew

    return float(root_scalar(excess, x0=0.0, x1=0.1, xtol=1e-9, method="secant").root)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain, greeting = choose_domain(parameters), str(parameters["greeting"])
    published = greeting in SKEWS
    day = 4 if greeting == "friday" else 0
    roles, marker = mark_roles(
        draw_roles(streams, len(domain.attributes), len(domain.prompts)), domain.attributes
    )
    days = tuple(Column(f"covariate.{day}", partial(_is_day, day=i)) for i, day in enumerate(WEEKDAYS[:-1]))
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(Factor("weekday", "categorical", (1 / 7,) * 7),),
        features=Features(("day_score",), partial(_scores, scores=PUBLISHED_SCORES if published else SCORES)),
        coefficients=np.ones(1),
        text_features=Features((WEEKDAYS[day],), partial(_on_day, day=day)),
        aim=np.ones(1),
        recording=Recording(days + PROPENSITIES),
        roles=roles,
    )
    world = change_rule(world, weights=roles.directions[:, None])
    world = (
        change_rule(world, gamma=np.inf) if parameters["rule"] == "deterministic" else apply_overlap(world)
    )
    strength = float(parameters["strength"])
    if published:
        world = with_delta(world, strength * find_scale_for_skew(world, marker, SKEWS[greeting]))
    else:
        world = solve_strength(world, strength)
    return change_rule(world, gamma=0.0) if parameters["balanced"] else world


FAMILY = Family(CARD, _compose)
