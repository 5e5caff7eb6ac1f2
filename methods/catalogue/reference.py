"""The reference points of every board: the log at face value, the ceiling, and the canaries.

The ceiling is no entrant: a plan fits it on the complete, correctly measured randomised twin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import Fitted, Harness, Log, Method, RewardFunction, Tags
from benchmark.contract.roles import role_of
from methods.adjust.partial import PartialOut
from methods.recipe import Recipe
from methods.rows import ALL_KINDS, make_tags

CEILING = Recipe(
    "ceiling",
    adjust=PartialOut(roles=("covariate", "time", "slot")),
    tags=make_tags(
        "A covariate-adjusted regression reads the complete randomised twin; it is a reference, no entrant.",
        kinds=ALL_KINDS,
        adjusts=True,
        calibrated=True,
        intervals=True,
    ),
)


@dataclass(frozen=True)
class FaceValue:
    """Believes the log: outcomes are regressed on texts, and nothing else that was recorded is looked at."""

    name: str
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Any:
        """Regress what came of texts on the texts, whatever the context they were for."""
        kept = [column for column in log.table.column_names if role_of(column) != "context"]
        return Recipe(self.name, tags=self.tags).fit(Log(log.table.select(kept), log.feedback), harness)


NAIVE = FaceValue(
    "naive",
    make_tags(
        "Outcomes are regressed on text features alone; on preferences Bradley-Terry is fitted instead.",
        kinds=ALL_KINDS,
        calibrated=True,
        intervals=True,
    ),
)


@dataclass(frozen=True)
class Constant:
    """Rewards every text alike."""

    name: str
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Learn nothing."""
        return RewardFunction(lambda prompts, texts: np.zeros(len(texts)))


@dataclass(frozen=True)
class Random:
    """Rewards texts at random: a random direction of the text features."""

    name: str
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Learn nothing; draw a direction."""
        rng = harness.rng("direction")
        width = harness.encode(log.prompts[:1], log.strings(_text_column(log))[:1]).shape[1]
        direction = rng.standard_normal(width)
        return RewardFunction(lambda prompts, texts: harness.encode(prompts, texts) @ direction)


@dataclass(frozen=True)
class CopyNaive:
    """The naive method under another name: must tie with it exactly."""

    name: str
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Any:
        """Fit the naive method."""
        return NAIVE.fit(log, harness)


def _text_column(log: Log) -> str:
    return {"outcome": "text", "pairs": "chosen", "rankings": "first"}[log.kind]


METHODS: tuple[Method, ...] = (
    NAIVE,
    Constant(
        "canary-constant",
        make_tags("Every text gets zero, which must score like a coin.", kinds=ALL_KINDS, canary=True),
    ),
    Random(
        "canary-random",
        make_tags("A random linear reward scores like a coin on average.", kinds=ALL_KINDS, canary=True),
    ),
    CopyNaive(
        "canary-copy-naive",
        make_tags(
            "A copy of naive must tie with it.",
            kinds=ALL_KINDS,
            canary=True,
            calibrated=True,
            intervals=True,
        ),
    ),
)
