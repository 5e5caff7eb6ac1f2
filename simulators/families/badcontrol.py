"""badcontrol: beside the confounders, columns are recorded that came after the text.

A mediator carries part of the text's effect and a collider is moved by text and outcome;
adjusting for either is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families.observed import CONFOUNDERS
from simulators.law.population import Factor, standardised
from simulators.law.recording import PROPENSITIES, Column, Recording, Rows, factors
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import PROGNOSIS, apply_parameters, compose_world
from simulators.world import SimulatedWorld

LABELLED = Parameter(
    "labelled", True, "whether the late columns are recorded as such; otherwise as covariates"
)
KIND = Parameter("kind", "both", "which late columns are recorded", choices=("mediator", "collider", "both"))
SHARE = Parameter("share", 0.8, "share of each effect that passes through the mediator", 0.0, 1.0)
DWELL_ERROR = Factor("dwell_error", nodes=1)

CARD = FamilyCard(
    name="badcontrol",
    situation="Reading time and sharing were recorded beside what drives the phrasing, but both came after "
    "it: one carries its effect, the other follows from phrasing and score.",
    parameters=(STRENGTH, OVERLAP, KIND, SHARE, LABELLED, *text_parameters()),
    strategies=("back-door", "propensity"),
    recover="methods that adjust for covariates and leave out columns recorded as mediators",
    fail="adjusting for everything recorded",
)


@dataclass(frozen=True, eq=False)
class _After:
    """``loadings . a + by_outcome Y + error``: a column recorded after the text."""

    loadings: np.ndarray
    by_outcome: float = 0.0

    def __call__(self, rows: Rows) -> np.ndarray:
        late = rows.attributes[0] @ self.loadings + self.by_outcome * rows.outcomes[0]
        return late + rows.people["dwell_error" if self.by_outcome == 0 else "share_error"]


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(*CONFOUNDERS, Factor("share_error", nodes=1)),
        features=standardised(*CONFOUNDERS),
        # the mediator moves the outcome by PROGNOSIS a unit, hence so does its own error
        prognostic=DWELL_ERROR,
        recording=Recording(),
    )
    effects, rng = world.roles.effects, streams.rng("collider")
    shared = rng.permutation(len(effects)) < len(effects) // 2
    pushes = shared * rng.choice([-1.0, 1.0], len(effects)) * rng.uniform(0.75, 1.5, len(effects))
    group = "mediator" if parameters["labelled"] else "covariate"
    late = {
        "mediator": Column(f"{group}.dwell", _After(float(parameters["share"]) * effects / PROGNOSIS)),
        "collider": Column(f"{group}.shares", _After(pushes, 1.0)),
    }
    chosen = tuple(column for kind, column in late.items() if parameters["kind"] in (kind, "both"))
    before = factors("engagement", "recency", "mobile") + PROPENSITIES
    recording = Recording(before + chosen, after=tuple(column.role for column in chosen))
    return apply_parameters(replace(world, recording=recording))


FAMILY = Family(CARD, _compose)
