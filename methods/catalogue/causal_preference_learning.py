"""The Base model of Kobalczyk & van der Schaar (ICML 2025): a Bradley-Terry head that reads the objective.

One network on ``[e; c]``: text features beside the context's indicators. It may let the prompt stand in
for the objective where the two come together, which is what heads by context and the adversary
are meant to prevent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmark.contract import Fitting, Harness, Log, Method, Tags, Texts, Train
from benchmark.harness.training.model import Model
from methods.catalogue.objectives_by_context import read_contexts
from methods.objectives.pairwise import BradleyTerry
from methods.recipe import Recipe
from methods.rows import make_tags

SEPARATOR = "\x1f"


def mark(number: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """Prompts that carry their context's number, shape (n,), object dtype."""
    return number.astype(int).astype(str).astype(object) + SEPARATOR + np.asarray(prompts, dtype=object)


def head_with_context(harness: Harness, contexts: int, hidden: int) -> Model:
    """A fresh head that reads marked prompts: the usual features, then one indicator a context."""
    plain = harness.reward_head(hidden).architecture

    def encode(prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        split = [prompt.partition(SEPARATOR) for prompt in prompts]
        bare = np.array([part[2] for part in split], dtype=object)
        number = np.array([int(part[0]) for part in split])
        indicators = (number[:, None] == np.arange(contexts)) * plain.spread
        return np.column_stack([harness.encode(bare, texts), indicators])

    centre = np.r_[np.broadcast_to(plain.centre, plain.width), np.zeros(contexts)]
    head = replace(
        plain,
        source=f"{plain.source}+{contexts} contexts",
        width=plain.width + contexts,
        encode=encode,
        centre=centre,
    )
    return Model(head, head.initial(harness.rng("head with context")))


@dataclass(frozen=True, eq=False)
class ConditionedReward:
    """The reward of a head that reads the context.

    Attributes:
        fitted: A fitted head that reads marked prompts.
        column: Context column.
        values: Context values, shape (contexts,).
    """

    fitted: Any
    column: str
    values: np.ndarray

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """The reward in each text's context, or the mean over contexts without one; shape (n,)."""
        if context and self.column in context:
            given = np.asarray(context[self.column], dtype=np.float64)
            number = np.abs(given[:, None] - self.values).argmin(axis=1)
            return self.fitted.reward(mark(number, prompts), texts)
        every = [np.full(len(texts), k) for k in range(len(self.values))]
        return np.mean([self.fitted.reward(mark(number, prompts), texts) for number in every], axis=0)


@dataclass(frozen=True)
class ConditionedHead:
    """Bradley-Terry on text features and context together.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        hidden: Units of the hidden layer.
    """

    name: str
    tags: Tags
    hidden: int = 32

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        column, values, number = read_contexts(log)
        fields, columns = Recipe("pairs").training_set(log, harness)
        marked = {name: Texts(mark(number, side.prompts), side.texts) for name, side in fields.items()}
        start = head_with_context(harness, len(values), self.hidden)
        model = yield Train(start, marked, columns, BradleyTerry())
        return ConditionedReward(harness.fitted_head(model), column, values)


METHODS: tuple[Method, ...] = (
    ConditionedHead(
        "conditioned-head",
        make_tags(
            "One network reads text features and the objective side by side.",
            "Kobalczyk & van der Schaar 2025, arXiv 2506.05967 (Base)",
            "context",
            kinds=("pairs",),
        ),
    ),
)
