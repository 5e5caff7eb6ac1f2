"""hidden: what drives both text and outcome is never recorded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, standardised
from simulators.law.recording import Recording, factors
from simulators.parameters import OVERLAP, STRENGTH, Value, text_parameters
from simulators.standard import apply_parameters, compose_world
from simulators.world import SimulatedWorld

RECENCY = Factor("recency", "uniform", nodes=16)
MOBILE = Factor("mobile", "bernoulli", (0.4,))
MOOD = Factor("mood", "normal")

CARD = FamilyCard(
    name="hidden",
    situation="Something nobody recorded decides both which phrasing is shown and how it is received; what "
    "was recorded moves the phrasing only.",
    parameters=(STRENGTH, OVERLAP, *text_parameters()),
    strategies=("instrument",),
    recover="nothing; honest bounds widen",
    fail="every method that sees the log alone, together",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    return apply_parameters(
        compose_world(
            card,
            parameters,
            streams,
            factors=(RECENCY, MOBILE, MOOD),
            features=standardised(MOOD),
            coefficients=np.ones(1),
            text_features=standardised(RECENCY, MOBILE, MOOD),
            aim=np.array([0.4, -0.4, 1.0]),
            recording=Recording(factors("recency", "mobile")),
        )
    )


FAMILY = Family(CARD, _compose)
