"""Requests: what a method may ask of the harness while it fits.

A training method is a generator that yields requests and receives their answers.
The driver stacks requests of equal signature, so that the same method runs alone,
batched and sandboxed. Nothing here computes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.contract.harness import Model


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts with their prompts, as one field of a training set.

    Attributes:
        prompts: Shape (n,), object dtype.
        texts: Shape (n,), object dtype.
    """

    prompts: np.ndarray
    texts: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, eq=False)
class Train:
    """Train a model.

    Attributes:
        model: A harness model (``harness.policy()``, ``harness.reward_head()``) or one
            already trained, which is then the starting point.
        fields: Named text columns, each of length n: ``{"chosen": Texts, "rejected": Texts}``.
        values: Named number columns, each of shape (n,) or (n, d): weights, margins, labels.
        loss: ``(Scores, Batch) -> (K, B)`` per-example losses, or ``(K,)`` for penalties over
            a batch. Frozen dataclasses compare equal, so equal losses can be stacked.
        steps: Optimiser steps; None takes the budget's.
        batch_size: Rows a step; None takes the budget's.
        learning_rate: None takes the model's default.
        weight_decay: Decoupled weight decay.
        full_batch: Use every row at every step (tabular and theory work).
    """

    model: Model
    fields: Mapping[str, Texts]
    values: Mapping[str, np.ndarray]
    loss: Callable[[Any, Any], Any]
    steps: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    weight_decay: float = 0.0
    full_batch: bool = False


@dataclass(frozen=True, eq=False)
class Score:
    """Score texts with a model; the answer has shape (n,).

    A policy answers with sequence log-probabilities, a reward model with rewards.
    """

    model: Model
    prompts: np.ndarray
    texts: np.ndarray


@dataclass(frozen=True, eq=False)
class Sample:
    """Sample ``n`` texts a prompt from a policy; the answer has shape (len(prompts), n)."""

    model: Model
    prompts: np.ndarray
    n: int
    temperature: float = 1.0


@dataclass(frozen=True, eq=False)
class Encode:
    """Encode texts as features; the answer has shape (n, d), float64 (see the harness encoders)."""

    prompts: np.ndarray
    texts: np.ndarray


@dataclass(frozen=True, eq=False)
class Ask:
    """Spend oracle budget: show texts to fresh random people.

    The answer has shape (n,): one noisy outcome each. Only the oracle track answers.
    """

    prompts: np.ndarray
    texts: np.ndarray
    context: Mapping[str, np.ndarray] = field(default_factory=dict)


Request = Train | Score | Sample | Encode | Ask
