"""proxy: the confounder is unrecorded, but two noisy measurements of it are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, standardised
from simulators.law.recording import Recording, combination, factors
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import apply_parameters, compose_world
from simulators.world import SimulatedWorld

MOOD, MOBILE = Factor("mood"), Factor("mobile", "bernoulli", (0.4,))
ERRORS = (Factor("survey_error", nodes=1), Factor("browsing_error", nodes=1))
ERROR = Parameter("error", 0.8, "standard deviation of each measurement's error", 0.05, 5.0)

CARD = FamilyCard(
    name="proxy",
    situation="What decides both phrasing and score was not recorded, but a survey and browsing behaviour "
    "each measure it with independent error.",
    parameters=(STRENGTH, OVERLAP, ERROR, *text_parameters()),
    strategies=("proxies",),
    recover="proximal two-stage regression",
    fail="adjusting for the proxies as if they were the confounder, which gets part of the way",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    error = float(parameters["error"])
    return apply_parameters(
        compose_world(
            card,
            parameters,
            streams,
            factors=(MOOD, MOBILE, *ERRORS),
            features=standardised(MOOD, MOBILE),
            coefficients=np.array([0.92, 0.39]),
            recording=Recording(
                (
                    *factors("mobile"),
                    combination("proxy.survey", mood=1.0, survey_error=error),
                    combination("proxy.browsing", mood=1.0, browsing_error=error),
                )
            ),
        )
    )


FAMILY = Family(CARD, _compose)
