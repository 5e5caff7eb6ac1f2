"""Rewards by objective (Kobalczyk and van der Schaar 2025): one head for all, by context, adversarial.

For pair logs whose context moves both which prompts occur and what is preferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import Fitting, Harness, Incompatible, Log, Method, Tags, Train
from methods.objectives.adversarial import Adversarial, Multihead
from methods.objectives.pairwise import BradleyTerry
from methods.recipe import Loss, Recipe
from methods.rows import make_tags

PAPER = "Kobalczyk & van der Schaar 2025, arXiv 2506.05967"
MOST_CONTEXTS = 12


@dataclass(frozen=True, eq=False)
class HeadByContext:
    """A reward with one head a context.

    Attributes:
        model: A trained reward head.
        column: Context column that picks the head.
        values: Context value of each head, shape (contexts,).
    """

    model: Any
    column: str
    values: np.ndarray

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """The head of each text's context, or the mean over heads without one; shape (n,)."""
        heads = self.model.architecture.outputs_of(self.model.weights, prompts, texts)
        heads = heads[:, : len(self.values)]
        if not context or self.column not in context:
            return heads.mean(axis=1)
        given = np.asarray(context[self.column], dtype=np.float64)
        index = np.abs(given[:, None] - self.values).argmin(axis=1)
        return heads[np.arange(len(heads)), index]


@dataclass(frozen=True)
class ByContext:
    """A reward head trained on pairs with the context's number as a column.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        objective: A loss on ``chosen``, ``rejected`` and ``context``.
        hidden: Units of the shared layer.
        adversarial: Whether the head has an adversary.
    """

    name: str
    tags: Tags
    objective: Loss
    hidden: int = 32
    adversarial: bool = False

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        column, values, number = read_contexts(log)
        fields, columns = Recipe("pairs").training_set(log, harness)
        context = np.tile(number, len(fields["chosen"]) // len(log)).astype(np.float64)
        start = harness.reward_head(
            self.hidden, outputs=len(values), adversary=len(values) if self.adversarial else 0
        )
        model = yield Train(start, fields, {**columns, "context": context}, self.objective)
        return HeadByContext(model, column, values)


def read_contexts(log: Log) -> tuple[str, np.ndarray, np.ndarray]:
    """The first context's name, its distinct values, and the number of each row's value, shape (n,).

    Raises:
        Incompatible: If it takes more values than a head can have outputs.
    """
    column = log.names("context")[0]
    values, number = np.unique(log.numbers(f"context.{column}"), return_inverse=True)
    if len(values) > MOST_CONTEXTS:
        raise Incompatible(f"context {column!r} has {len(values)} values, at most {MOST_CONTEXTS} fit")
    return column, values, number


METHODS: tuple[Method, ...] = (
    Recipe(
        "single-head",
        objective=BradleyTerry(),
        model="head",
        head=(("hidden", 32),),
        tags=make_tags("One nonlinear Bradley-Terry head ignores the objective.", PAPER, kinds=("pairs",)),
    ),
    ByContext(
        "multi-head",
        make_tags("Each objective has a head on shared features.", PAPER, "context", kinds=("pairs",)),
        Multihead(),
    ),
    ByContext(
        "adversarial-head",
        make_tags(
            "Each objective has a head on shared features from which an adversary cannot tell the objective.",
            PAPER,
            "context",
            kinds=("pairs",),
        ),
        Adversarial(),
        adversarial=True,
    ),
)
