"""overlap: texts follow recorded segments ever more closely, until they cannot be told apart.

``P(a_k = 1 | segment_k) = (1 +- r) / 2`` with r the correlation of the attribute and its segment, and
confounding is a weighted sum of the segments, so at r = 1 it is a weighted sum of the
attributes and nothing identifies their effects. Which value of a segment an attribute goes with, and
what the segment is worth, are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, standardised
from simulators.law.recording import PROPENSITIES, Recording, factors
from simulators.law.roles import RESPONSE_RANGE, draw_roles
from simulators.parameters import STRENGTH, Parameter, Value, text_parameters
from simulators.standard import change_rule, choose_domain, compose_world
from simulators.strength import orient_confounding, solve_strength
from simulators.world import SimulatedWorld

CORRELATION = Parameter(
    "correlation",
    0.9,
    "how closely each responding attribute follows its segment; 1 is exactly",
    0.05,
    1.0,
    formerly="rho",
)

CARD = FamilyCard(
    name="overlap",
    situation="Each reader segment is shown nearly always the same phrasing, so few rows tell the phrasing's "
    "effect from the segment's.",
    parameters=(STRENGTH, CORRELATION, *text_parameters()),
    strategies=("back-door", "propensity"),
    recover="covariate regression below correlation 1; nothing at 1",
    fail="weights, which explode",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain = choose_domain(parameters)
    roles = draw_roles(streams, len(domain.attributes), len(domain.prompts))
    responding = np.flatnonzero(roles.directions)
    names = tuple(f"segment_{i + 1}" for i in range(len(responding)))
    rng = streams.rng("segments")
    follows = rng.choice([-1.0, 1.0], len(names))
    worth = follows * roles.directions[responding] * rng.uniform(*RESPONSE_RANGE, len(names))
    segments = tuple(Factor(name, "bernoulli") for name in names)
    world = compose_world(
        card,
        parameters,
        streams,
        factors=segments,
        features=standardised(*segments),
        coefficients=worth / np.linalg.norm(worth),
        roles=replace(roles, intercepts=np.where(roles.directions != 0, 0.0, roles.intercepts)),
        recording=Recording(factors(*names) + PROPENSITIES),
    )
    weights = np.zeros((len(roles.names), len(names)))
    weights[responding, np.arange(len(names))] = follows
    r = float(parameters["correlation"])
    gamma = np.inf if r == 1 else float(np.log1p(r) - np.log1p(-r))
    world = orient_confounding(change_rule(world, weights=weights, gamma=gamma))
    return solve_strength(world, float(parameters["strength"]))


FAMILY = Family(CARD, _compose)
