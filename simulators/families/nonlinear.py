"""nonlinear: every confounder is recorded, but acts through squares, products and waves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families.observed import CONFOUNDERS
from simulators.law.population import People, scaled_features
from simulators.law.recording import PROPENSITIES, Recording, factors
from simulators.parameters import OVERLAP, STRENGTH, Value, text_parameters
from simulators.standard import apply_parameters, compose_world
from simulators.world import SimulatedWorld

CARD = FamilyCard(
    name="nonlinear",
    situation="The most and the least engaged readers alike score higher and see other phrasings than those "
    "in between; all of it is recorded, none of it is linear.",
    parameters=(STRENGTH, OVERLAP, *text_parameters()),
    strategies=("back-door", "propensity"),
    recover="boosted and other flexible nuisances, doubly robust, logged propensities",
    fail="linear adjusters, about as badly as no adjustment",
)


def _columns(people: People) -> np.ndarray:
    # each is uncorrelated with every covariate, so that linear adjustment removes nothing
    engagement, recency = np.asarray(people["engagement"]), np.asarray(people["recency"])
    return np.stack([engagement**2, engagement * recency, np.cos(2.5 * recency)], axis=-1)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    names = ("engagement_squared", "engagement_recency", "recency_wave")
    return apply_parameters(
        compose_world(
            card,
            parameters,
            streams,
            factors=CONFOUNDERS,
            features=scaled_features(names, CONFOUNDERS, _columns),
            recording=Recording(factors("engagement", "recency", "mobile") + PROPENSITIES),
        )
    )


FAMILY = Family(CARD, _compose)
