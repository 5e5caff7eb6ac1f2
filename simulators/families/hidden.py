"""hidden: much of what drives both text and outcome is never recorded.

Every attribute that responds follows an urge of its own, which also moves the outcome and is not recorded.
A recorded column is ``x_j = l_j . u + sqrt(1 - |l_j|^2) e_j``: it carries a drawn share of the urges u, and
its own part e_j moves both text and outcome too. So adjusting removes some of the confounding, as it does
with real covariates, and no column is an instrument or a measurement of the confounder alone. What the log
tells of the columns (how many, whom they go with, what they are worth) is drawn independently of the size
and direction of the confounding that remains.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, standardised
from simulators.law.recording import Column, Recording, combination
from simulators.law.roles import RESPONSE_RANGE, draw_roles
from simulators.parameters import OVERLAP, STRENGTH, Value, text_parameters
from simulators.standard import apply_overlap, change_rule, choose_domain, compose_world
from simulators.strength import orient_confounding, solve_strength
from simulators.world import SimulatedWorld

COLUMNS = ("engagement", "recency", "loyalty")
FEWEST = 2
SHARE_RANGE = (0.1, 0.4)  # of a column's variance that the urges make
OWN_RANGE = (0.15, 0.4)  # how far attributes follow a column's own part, and what it is worth

CARD = FamilyCard(
    name="hidden",
    situation="Things nobody recorded decide both which phrasing is shown and how it is received; what was "
    "recorded does so too, and goes with them only in part.",
    parameters=(STRENGTH, OVERLAP, *text_parameters()),
    strategies=(),
    recover="nothing; adjusting helps a little, honest bounds widen",
    fail="every method that sees the log alone, together",
)


def _draw_signed(rng: np.random.Generator, bounds: tuple[float, float], *shape: int) -> np.ndarray:
    """Sizes uniform between bounds, with fair signs."""
    return rng.uniform(*bounds, shape) * rng.choice([-1.0, 1.0], shape)


def compose_unrecorded(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    """A world whose confounders are mostly unrecorded, before its parameter for strength is applied."""
    domain = choose_domain(parameters)
    roles = draw_roles(streams, len(domain.attributes), len(domain.prompts))
    responding = np.flatnonzero(roles.directions)
    rng, n_urges = streams.rng("unrecorded"), len(responding)
    names = COLUMNS[: rng.integers(FEWEST, len(COLUMNS) + 1)]
    urges = tuple(Factor(f"urge_{i + 1}", "bernoulli") for i in range(n_urges))
    # eight nodes integrate what is this smooth in an own part to seven digits
    own = tuple(Factor(f"{name}_itself", nodes=8) for name in names)

    follows = _draw_signed(rng, RESPONSE_RANGE, n_urges)
    moved = np.sign(follows) * roles.directions[responding] * rng.uniform(*RESPONSE_RANGE, n_urges)
    coefficients = np.concatenate([moved / np.linalg.norm(moved), _draw_signed(rng, OWN_RANGE, len(names))])
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(*urges, *own),
        features=standardised(*urges, *own),
        coefficients=coefficients,
        roles=roles,
        domain=domain,
        recording=Recording(tuple(_draw_column(rng, name, n_urges) for name in names)),
    )
    weights = np.zeros((len(roles.names), len(coefficients)))
    weights[responding, np.arange(n_urges)] = follows
    weights[responding, n_urges:] = _draw_signed(rng, OWN_RANGE, n_urges, len(names))
    return orient_confounding(apply_overlap(change_rule(world, weights=weights)))


def _draw_column(rng: np.random.Generator, name: str, n_urges: int) -> Column:
    """A column that carries a drawn share of the urges, in a drawn direction, and its own part."""
    share, towards = rng.uniform(*SHARE_RANGE), rng.normal(size=n_urges)
    # an urge is 0 or 1, so its standard deviation is a half
    loadings = 2 * np.sqrt(share) * towards / np.linalg.norm(towards)
    carried = {f"urge_{i + 1}": float(loading) for i, loading in enumerate(loadings)}
    return combination(f"covariate.{name}", **carried, **{f"{name}_itself": float(np.sqrt(1 - share))})


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    return solve_strength(compose_unrecorded(card, parameters, streams), float(parameters["strength"]))


FAMILY = Family(CARD, _compose)
