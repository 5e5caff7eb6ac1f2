"""hidden: what drives both text and outcome is never recorded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.dials import OVERLAP, STRENGTH, DialValue, domain_dial
from simulators.family import Family, FamilyCard
from simulators.law.population import Factor, standardised
from simulators.law.recording import Recording, factors
from simulators.standard import apply_dials, compose_world
from simulators.world import World

RECENCY = Factor("recency", "uniform", nodes=16)
MOBILE = Factor("mobile", "bernoulli", (0.4,))
MOOD = Factor("mood", "normal")

CARD = FamilyCard(
    name="hidden",
    situation="Something nobody recorded decides both which phrasing is shown and how it is received; what "
    "was recorded moves the phrasing only.",
    dials=(STRENGTH, OVERLAP, domain_dial()),
    identified_by="nothing in the log",
    recover="nothing; honest bounds widen",
    fail="every method that sees the log alone, together",
)


def _compose(card: FamilyCard, dials: Mapping[str, DialValue], streams: Streams) -> World:
    return apply_dials(
        compose_world(
            card,
            dials,
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
