"""proxy: the confounder is unrecorded, but noisy measurements of it are.

Proxies come from two sources, in turn: ``w_i = l_i mood + error (sqrt(c) e_source + sqrt(1 - c) e_i)``.
Errors within a source are correlated (c), between sources they are independent, so a proxy of one source
instruments those of the other.
"""

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
SOURCES = ("survey", "browsing")
WITHIN = 0.5
LOADING_RANGE = (0.6, 1.0)
ERROR = Parameter("error", 0.8, "standard deviation of each measurement's error", 0.05, 5.0)
PROXIES = Parameter("proxies", 4, "how many measurements were recorded, in turn from two sources", 2, 12)

CARD = FamilyCard(
    name="proxy",
    situation="What decides both phrasing and score was not recorded, but surveys and browsing behaviour "
    "measure it with error, and errors of the same source go together.",
    parameters=(STRENGTH, OVERLAP, ERROR, PROXIES, *text_parameters()),
    strategies=("proxies",),
    recover="proximal two-stage regression",
    fail="adjusting for the proxies as if they were the confounder, which gets part of the way",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    rng, error = streams.rng("proxies"), float(parameters["error"])
    errors, proxies = [Factor(f"{source}_error", nodes=1) for source in SOURCES], []
    for i in range(int(parameters["proxies"])):
        source = SOURCES[i % 2]
        name = f"{source}_{i // 2 + 1}"
        errors.append(Factor(f"{name}_error", nodes=1))
        measured = {
            "mood": float(rng.uniform(*LOADING_RANGE) * rng.choice([-1.0, 1.0])),
            f"{source}_error": float(error * np.sqrt(WITHIN)),
            f"{name}_error": float(error * np.sqrt(1 - WITHIN)),
        }
        proxies.append(combination(f"proxy.{name}", **measured))
    signs = rng.choice([-1.0, 1.0], 2)
    return apply_parameters(
        compose_world(
            card,
            parameters,
            streams,
            factors=(MOOD, MOBILE, *errors),
            features=standardised(MOOD, MOBILE),
            coefficients=signs * [0.92, 0.39],
            recording=Recording((*factors("mobile"), *proxies)),
        )
    )


FAMILY = Family(CARD, _compose)
