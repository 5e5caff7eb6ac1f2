"""hidden: much of what drives both text and outcome is never recorded.

Some attributes follow an urge of their own each, which also moves the outcome and is not recorded. A
recorded column is ``x_j = l_j . u + sqrt(1 - |l_j|^2) e_j``: it carries a drawn share of the urges u, and
its own part e_j moves both text and outcome too. So adjusting removes some of the confounding, as it does
with real covariates, and no column is an instrument or a measurement of the confounder alone.

Every attribute goes with the columns. One without an urge follows the own parts e_j alone, and as closely as
if the columns carried an urge of its own: the covariance of attributes and columns has one law for all. So
what the log tells of the columns (how many, which attributes go with them and how, what they are worth) says
nothing of which attributes are confounded, how much, or in which direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, standardised
from simulators.law.recording import Column, Recording, combination
from simulators.law.roles import DECOY, INERT, RESPONSE_RANGE, draw_roles
from simulators.parameters import OVERLAP, STRENGTH, Value, text_parameters
from simulators.standard import apply_overlap, change_rule, choose_domain, compose_world
from simulators.strength import orient_confounding, solve_strength
from simulators.world import SimulatedWorld

COLUMNS = ("engagement", "recency", "loyalty")
FEWEST = 2
SHARE_RANGE = (0.2, 0.5)  # of a column's variance that the urges make
OWN_RANGE = (0.1, 0.3)  # how far attributes follow a column's own part, and what it is worth
# as many as three to five attributes leave elsewhere when each responds as much; here all of them respond
ALL_RESPONDING = replace(OVERLAP, default=0.15)

CARD = FamilyCard(
    name="hidden",
    situation="Things nobody recorded decide both which phrasing is shown and how it is received; what was "
    "recorded does so too, and goes with them only in part.",
    parameters=(STRENGTH, ALL_RESPONDING, *text_parameters()),
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
    roles = replace(roles, names=tuple(DECOY if name == INERT else name for name in roles.names))
    responding = np.flatnonzero(roles.directions)
    rng, n_urges = streams.rng("unrecorded"), len(responding)
    names = COLUMNS[: rng.integers(FEWEST, len(COLUMNS) + 1)]
    urges = tuple(Factor(f"urge_{i + 1}", "bernoulli") for i in range(n_urges))
    # eight nodes integrate what is this smooth in an own part to seven digits
    own = tuple(Factor(f"{name}_itself", nodes=8) for name in names)

    follows = _draw_signed(rng, RESPONSE_RANGE, n_urges)
    moved = np.sign(follows) * roles.directions[responding] * rng.uniform(*RESPONSE_RANGE, n_urges)
    coefficients = np.concatenate([moved / np.linalg.norm(moved), _draw_signed(rng, OWN_RANGE, len(names))])
    shares = rng.uniform(*SHARE_RANGE, len(names))
    loadings = np.sqrt(shares)[:, None] * _draw_directions(rng, len(names), n_urges)

    weights = np.zeros((len(roles.names), len(coefficients)))
    weights[:, n_urges:] = _draw_signed(rng, OWN_RANGE, len(roles.names), len(names))
    weights[responding, np.arange(n_urges)] = follows
    free = np.flatnonzero(roles.directions == 0)
    alike = _draw_signed(rng, RESPONSE_RANGE, len(free))[:, None] * np.stack(
        [_draw_directions(rng, len(free), n_urges)[:, 0] for _ in names], axis=1
    )
    weights[free, n_urges:] += alike * np.sqrt(shares / (1 - shares))
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(*urges, *own),
        features=standardised(*urges, *own),
        coefficients=coefficients,
        roles=roles,
        domain=domain,
        recording=Recording(
            tuple(_make_column(*column) for column in zip(names, shares, loadings, strict=True))
        ),
    )
    return orient_confounding(apply_overlap(change_rule(world, weights=weights)))


def _draw_directions(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Unit vectors, uniform on the sphere, shape (n, d)."""
    drawn = rng.normal(size=(n, d))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def _make_column(name: str, share: float, loadings: np.ndarray) -> Column:
    """A column that carries the standardised urges by loadings, and its own part."""
    # an urge is 0 or 1, so its standard deviation is a half
    carried = {f"urge_{i + 1}": 2 * float(loading) for i, loading in enumerate(loadings)}
    return combination(f"covariate.{name}", **carried, **{f"{name}_itself": float(np.sqrt(1 - share))})


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    return solve_strength(compose_unrecorded(card, parameters, streams), float(parameters["strength"]))


FAMILY = Family(CARD, _compose)
