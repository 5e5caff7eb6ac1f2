"""drift: taste and style both change over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, People, scaled_features
from simulators.law.recording import PROPENSITIES, Column, Recording, Rows
from simulators.parameters import OVERLAP, STRENGTH, Value, text_parameters
from simulators.standard import apply_parameters, compose_world
from simulators.world import SimulatedWorld

WHEN = Factor("when", "uniform", nodes=64)
DAYS = 365.0

CARD = FamilyCard(
    name="drift",
    situation="Over the year the house style changed while scores rose and fell with the season.",
    parameters=(STRENGTH, OVERLAP, *text_parameters()),
    strategies=("back-door", "propensity"),
    recover="adjustment for a smooth trend; the logged propensity",
    fail="pooling the year",
)


def _trends(people: People) -> np.ndarray:
    turn = np.pi * np.asarray(people["when"]) / np.sqrt(3.0)  # -pi to pi over the year
    return np.stack([turn, np.sin(turn), np.cos(turn)], axis=-1)


def _day(rows: Rows) -> np.ndarray:
    return DAYS * (np.asarray(rows.people["when"]) / np.sqrt(3.0) + 1) / 2


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    return apply_parameters(
        compose_world(
            card,
            parameters,
            streams,
            factors=(WHEN,),
            features=scaled_features(("trend", "season_sine", "season_cosine"), (WHEN,), _trends),
            recording=Recording((Column("time", _day), *PROPENSITIES)),
        )
    )


FAMILY = Family(CARD, _compose)
