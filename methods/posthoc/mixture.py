"""A mixture of policies, such as the one that MMRA finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp


@dataclass(frozen=True, eq=False)
class PolicyMixture:
    """``sum_k w_k pi_k``: one member is drawn for each prompt.

    Source: Chidambaram et al. 2024 give the weights; drawing a member a prompt is our reading.

    Attributes:
        members: Fitted policies whose reward is ``log pi_k - log pi_ref`` with one reference.
        weights: Shape (members,), sums to 1.
        rng: For drawing members.
    """

    members: tuple[Any, ...]
    weights: np.ndarray
    rng: np.random.Generator

    def reward(
        self, prompts: np.ndarray, texts: np.ndarray, context: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """``log sum_k w_k pi_k / pi_ref``, shape (n,)."""
        rewards = np.stack([member.reward(prompts, texts, context) for member in self.members])
        return logsumexp(rewards, axis=0, b=self.weights[:, None])

    def sample(self, prompts: np.ndarray, n: int) -> np.ndarray:
        """Texts of shape (len(prompts), n); all n of a prompt come from one member."""
        drawn = self.rng.choice(len(self.members), size=len(prompts), p=self.weights)
        texts = np.empty((len(prompts), n), dtype=object)
        for k in np.unique(drawn):
            texts[drawn == k] = self.members[k].sample(prompts[drawn == k], n)
        return texts

    def divergence(self, prompts: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """KL to the reference of each prompt in nats, the mean log ratio of its own samples; shape (m,)."""
        rewards = self.reward(np.repeat(prompts, samples.shape[1]), samples.ravel())
        return rewards.reshape(samples.shape).mean(axis=1)
