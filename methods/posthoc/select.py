"""Selection among reference texts by a fitted reward: best of n, and exponential tilting.

Both give a policy without training one. They optimise the reward they are handed, so its bias grows
with n or with the tilt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import Fitted, Harness


@dataclass(frozen=True, eq=False)
class Selected:
    """A ``Fitted`` whose samples are picked from a policy's by a reward.

    Attributes:
        scorer: Gives the reward.
        policy: Gives candidates by ``sample``.
        n: Candidates for each text asked for.
        beta: Pick with probability ``softmax(r / beta)``; 0 picks the best.
        rng: For the picks of a tilt.
    """

    scorer: Fitted
    policy: Any
    n: int
    beta: float
    rng: np.random.Generator

    def reward(
        self, prompts: np.ndarray, texts: np.ndarray, context: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """The scorer's rewards, shape (n,)."""
        return self.scorer.reward(prompts, texts, context)

    def sample(self, prompts: np.ndarray, n: int) -> np.ndarray:
        """Picked texts, shape (len(prompts), n)."""
        pool = self.policy.sample(prompts, n * self.n)
        rewards = self.scorer.reward(np.repeat(prompts, n * self.n), pool.ravel())
        rewards, pool = (x.reshape(len(prompts), n, self.n) for x in (rewards, pool))
        if self.beta > 0:
            # Gumbel-max: adding Gumbel noise to r / beta and taking the best samples the softmax.
            rewards = rewards / self.beta + self.rng.gumbel(size=rewards.shape)
        return np.take_along_axis(pool, rewards.argmax(-1)[..., None], -1)[..., 0]


@dataclass(frozen=True)
class BestOfN:
    """The best of n reference texts by the fitted reward.

    Removed from TRL in 2025; a few lines here.

    Attributes:
        n: Candidates, >= 1.
    """

    n: int = 8

    def __call__(self, fitted: Fitted, model: Any, harness: Harness) -> Fitted:
        """The fitted reward with a policy attached."""
        reference = harness.fitted_policy(harness.policy())
        return Selected(fitted, reference, self.n, 0.0, harness.rng("best of n"))


@dataclass(frozen=True)
class Tilt:
    """Reference texts picked with probability proportional to ``exp(r / beta)`` among a pool.

    Approximates ``pi_ref exp(r / beta)`` as the pool grows.

    Attributes:
        beta: Price of a nat of divergence, in units of the reward, > 0.
        pool: Candidates for each text.
    """

    beta: float = 0.5
    pool: int = 16

    def __call__(self, fitted: Fitted, model: Any, harness: Harness) -> Fitted:
        """The fitted reward with a policy attached."""
        reference = harness.fitted_policy(harness.policy())
        return Selected(fitted, reference, self.pool, self.beta, harness.rng("tilt"))
