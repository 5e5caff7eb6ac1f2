"""What a method learns with, as types: the harness handed to it, its models, and what a fit returns.

``benchmark.harness.Harness`` is the harness of every run; a test may hand a method another object of this
shape. Nothing here computes anything or knows how models are trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True)
class Budget:
    """What one fit may spend; equal for all methods of a suite.

    Attributes:
        steps: Optimiser steps of one ``Train`` of a policy.
        batch_size: Rows (pairs or texts) a step.
        trainings: How many ``Train`` requests a fit may make.
        samples: Texts a fit may sample.
        asks: Oracle outcomes a fit may buy (oracle track alone).
    """

    steps: int = 60
    batch_size: int = 32
    trainings: int = 32
    samples: int = 8192
    asks: int = 0


class Model(Protocol):
    """A model to train, or one that was trained: what ``Train`` takes and answers.

    A method hands it to requests and to ``Harness.fitted_policy``; the harness knows what is inside.
    """

    @property
    def architecture(self) -> Any:
        """What the weights mean; ``architecture.name`` is "decoder", "loglinear", "hf" or "head"."""
        ...

    @property
    def weights(self) -> Any:
        """A tensor of shape (1, P), never changed in place."""
        ...

    @property
    def trained(self) -> bool:
        """False for a starting point, such as the reference policy itself."""
        ...

    def with_weights(self, weights: Any) -> Model:
        """The same architecture with other weights."""
        ...


@runtime_checkable
class Fitted(Protocol):
    """A fitted method.

    Three more methods are optional. ``sample(prompts, n) -> (len(prompts), n) texts`` makes
    it a policy. ``effect_interval(contrasts: Contrasts, level: float) -> (k, 2)`` gives
    intervals for the contrasts' mean effects, in the order of their ids.
    ``abstains(prompts, first, second, context=None) -> (m,) bool`` says of which pairs of texts it
    will not say which is better, because the log cannot tell; the order of a pair must not matter.
    """

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Rewards of texts, shape (n,), any scale; a policy gives log pi - log pi_ref."""
        ...


class Policy(Fitted, Protocol):
    """A fitted method that can also write texts."""

    def sample(self, prompts: np.ndarray, n: int) -> np.ndarray:
        """Sampled texts, shape (len(prompts), n), object dtype."""
        ...


class Harness(Protocol):
    """What ``Method.fit`` learns with: encoder, models, random streams and budget."""

    @property
    def budget(self) -> Budget:
        """What one fit may spend."""
        ...

    def rng(self, part: str) -> np.random.Generator:
        """The method's own random generator of a part; the same part gives the same stream."""
        ...

    def encode(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Features of texts, shape (n, d), float64, read-only."""
        ...

    def encode_prompts(self, prompts: np.ndarray) -> np.ndarray:
        """Features of prompts alone under the same encoder, shape (n, d'), float64, read-only."""
        ...

    def policy(self) -> Model:
        """The reference policy, as a starting point."""
        ...

    def reward_head(
        self,
        hidden: int = 0,
        *,
        outputs: int = 1,
        adversary: int = 0,
        features: str = "encoding",
        seed: int = 0,
    ) -> Model:
        """A fresh reward head.

        Args:
            hidden: Units of the hidden layer; 0 for a linear head.
            outputs: Reward heads on one representation; ``value`` is the first, ``heads`` all of them.
            adversary: Outputs of an adversary behind a gradient reversal; needs a hidden layer.
            features: "encoding" (word counts) or "decoder" (mean hidden state of the reference).
            seed: Distinguishes the initial weights of several heads of one fit.

        Raises:
            UsageError: If sizes are impossible or the backbone lacks the features.
        """
        ...

    def score(self, model: Model, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Log-probabilities (policies) or rewards (heads) of texts, shape (n,), float64."""
        ...

    def reference(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Log-probabilities of texts under the reference policy, shape (n,), float64."""
        ...

    def sample(
        self, model: Model, prompts: np.ndarray, n: int, *, temperature: float = 1.0, part: str = "fitted"
    ) -> np.ndarray:
        """Sample n texts a prompt, shape (len(prompts), n); the same part gives the same texts.

        Raises:
            ContractError: If the model cannot sample or the numbers are out of range.
        """
        ...

    def fitted_policy(self, model: Model, diagnostics: Mapping[str, float] | None = None) -> Policy:
        """A result whose reward is log pi - log pi_ref, and which can sample."""
        ...

    def fitted_head(self, model: Model, diagnostics: Mapping[str, float] | None = None) -> Fitted:
        """A result whose reward is the head's value."""
        ...
