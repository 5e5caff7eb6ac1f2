"""corrupt: part of a randomised log has its outcomes negated (the stress test of CPO).

After Lin, Ben-Michael and Morency (UAI 2024), who trained outcome models on negated outcomes
and kept the weighted term on clean ones. Clean rows are flagged as randomised; the text law
is known in all rows. This is sign corruption, not confounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families.observed import CONFOUNDERS
from simulators.law.population import Factor, standardised
from simulators.law.recording import PROPENSITIES, Column, LogEdits, Recording, Rows, factors
from simulators.parameters import Parameter, Value, text_parameters
from simulators.standard import compose_world, randomise
from simulators.strength import with_delta
from simulators.world import SimulatedWorld

CLEAN = Parameter("clean", 0.3, "share of rows with true outcomes", 0.02, 1.0)

CARD = FamilyCard(
    name="corrupt",
    situation="Texts were assigned at random, but in the unflagged rows, most of the log, every outcome has "
    "the wrong sign.",
    parameters=(CLEAN, *text_parameters()),
    strategies=("slice",),
    recover="weighting the flagged rows; doubly robust means, whatever the outcome model",
    fail="an outcome model trained on the log",
)


@dataclass(frozen=True)
class _Negated:
    clean: float

    def __call__(self, means: np.ndarray) -> np.ndarray:
        return (2 * self.clean - 1) * means


def _flag(rows: Rows) -> np.ndarray:
    return np.asarray(rows.people["checked"]).astype(np.int8)


def _negate(rows: Rows) -> np.ndarray:
    return np.where(rows.people["checked"] == 1, 1.0, -1.0) * rows.outcomes[0]


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    clean = float(parameters["clean"])
    checked = Factor("checked", "bernoulli", (clean,))
    columns = (*factors("engagement", "recency", "mobile"), Column("randomised", _flag), *PROPENSITIES)
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(*CONFOUNDERS, checked),
        features=standardised(*CONFOUNDERS),
        recording=Recording(columns, outcome=_negate),
    )
    return replace(randomise(with_delta(world, 0.5)), edits=LogEdits(recorded_mean=_Negated(clean)))


FAMILY = Family(CARD, _compose)
