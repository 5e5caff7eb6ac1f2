"""position: the slot on the page decides who sees a text, and texts are not dealt evenly to slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.codes import encode
from simulators.law.population import Factor, People, scaled_features
from simulators.law.recording import PROPENSITIES, Column, LogEdits, Recording, Rows
from simulators.parameters import OVERLAP, STRENGTH, Value, text_parameters
from simulators.standard import apply_parameters, compose_world
from simulators.world import SimulatedWorld

SLOT = Factor("slot", "categorical", (0.2,) * 5)

CARD = FamilyCard(
    name="position",
    situation="Texts from a large stock are shown in slots of a page; upper slots are seen more, and some "
    "phrasings sit there more often.",
    parameters=(STRENGTH, OVERLAP, *text_parameters()),
    strategies=("back-door", "propensity"),
    recover="inverse propensity scores, self-normalised, and kernels over similar texts",
    fail="taking the outcome at face value",
)


def _exposure(people: People) -> np.ndarray:
    return 1 / np.sqrt(1 + np.asarray(people["slot"]))[:, None]


def _slot(rows: Rows) -> np.ndarray:
    return np.asarray(rows.people["slot"]).astype(np.int8)


@dataclass(frozen=True, eq=False)
class _Arms:
    """Numbers of the texts in the stock, by prompt and attribute code, in no order; shape (P, 2**K)."""

    numbers: np.ndarray

    def __call__(self, rows: Rows) -> np.ndarray:
        return np.asarray(self.numbers[rows.prompt_ids, encode(rows.attributes[0])])


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(SLOT,),
        features=scaled_features(("exposure",), (SLOT,), _exposure),
        coefficients=np.ones(1),
        recording=Recording(),
    )
    stock = world.outcome.base.shape[1:]
    drawn = world.domain.draw_choices(stock[0] * stock[1], streams.rng("arms"))
    arms = _Arms(streams.rng("arm numbers").permutation(len(drawn)).reshape(stock))
    return apply_parameters(
        replace(
            world,
            edits=LogEdits(wording=drawn.reshape(*stock, -1)),
            recording=Recording((Column("slot", _slot), Column("arm", arms), *PROPENSITIES)),
        )
    )


FAMILY = Family(CARD, _compose)
