"""judge: an automatic judge scores every text and likes a style; people scored a few.

Texts were assigned at random. The judge gives ``r*(p, x) + sum_k b_k a_k + noise``, b drawn for the
attributes that respond to people elsewhere; people's own scores are recorded for a random share of rows.
Some styles are logged as columns: all that the judge minds, and some that it does not. The naive limit of
this family is the judge's score taken at face value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families.observed import CONFOUNDERS
from simulators.law.codes import all_attributes, encode
from simulators.law.population import Factor, standardised
from simulators.law.recording import Column, LogEdits, Recording, Rows, attribute_columns, factors
from simulators.law.roles import DECOY, RESPONSE_RANGE
from simulators.law.wording import Wording
from simulators.parameters import STRENGTH, Parameter, Value, text_parameters
from simulators.standard import compose_world, randomise
from simulators.strength import with_delta
from simulators.world import SimulatedWorld

SHARE = Parameter("share", 0.1, "share of rows that people scored", 0.01, 1.0)
ERROR = Parameter("error", 0.7, "standard deviation of the judge's own error", 0.0, 5.0)

CARD = FamilyCard(
    name="judge",
    situation="An automatic judge scored every text and likes or dislikes some phrasings more than readers "
    "do; readers scored a few texts.",
    parameters=(STRENGTH, SHARE, ERROR, *text_parameters()),
    strategies=("randomised",),
    recover="judge calibration",
    fail="the raw judge; partialling out every logged style, for readers do care for some",
)


@dataclass(frozen=True, eq=False)
class _Judge:
    """The judge's view of mean outcomes (by code), and of rows."""

    bias: np.ndarray
    error: float
    base: np.ndarray
    wording: Wording | None

    def __call__(self, means: np.ndarray) -> np.ndarray:
        return means + all_attributes(len(self.bias)) @ self.bias

    def score(self, rows: Rows) -> np.ndarray:
        seen = self.base[0, rows.prompt_ids, encode(rows.attributes[0])]
        if self.wording is not None and rows.phrases is not None:
            seen = seen + self.wording.shift(rows.phrases[0])
        return seen + rows.attributes[0] @ self.bias + self.error * rows.people["judge_error"]


def _read(rows: Rows) -> np.ndarray:
    return np.asarray(rows.people["reader"]).astype(np.int8)


def _outcome(rows: Rows) -> np.ndarray:
    return np.where(rows.people["reader"] == 1, rows.outcomes[0], np.nan)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    extra = (Factor("reader", "bernoulli", (float(parameters["share"]),)), Factor("judge_error", nodes=1))
    world = randomise(
        compose_world(
            card,
            parameters,
            streams,
            factors=(*CONFOUNDERS, *extra),
            features=standardised(*CONFOUNDERS),
            recording=Recording(),
        )
    )
    roles, rng = world.roles, streams.rng("judge")
    bias = roles.directions * rng.uniform(*RESPONSE_RANGE, len(roles.names))
    bias *= float(parameters["strength"]) * roles.largest_effect / bias[roles.which(DECOY)].max()
    unminded = rng.permutation(np.flatnonzero(roles.directions == 0))
    minded = np.flatnonzero(roles.directions)
    logged = np.sort(np.concatenate([minded, unminded[: rng.integers(1, len(unminded) + 1)]]))
    judge = _Judge(bias, float(parameters["error"]), world.mechanism.base, world.wording)
    names = world.domain.attributes
    columns = (
        *factors("engagement", "recency", "mobile"),
        *attribute_columns(names, logged),
        Column("observed", _read),
        Column("judge", judge.score),
    )
    recording = Recording(columns, outcome=_outcome)
    return replace(with_delta(world, 0.5), edits=LogEdits(recorded_mean=judge), recording=recording)


FAMILY = Family(CARD, _compose)
