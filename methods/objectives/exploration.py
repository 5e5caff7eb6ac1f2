"""Exploration terms: losses that reward leaving what the reference already says."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from methods.objectives.pairwise import DPO
from methods.objectives.terms import Batch, Scores, log_ratio, weigh


@dataclass(frozen=True)
class SELM:
    """Self-exploring language model: DPO that lowers what the reference would already say.

    ``-log s(beta d) + alpha beta (log pi(own) - log pi_ref(own))``; field ``own`` holds the
    reference's greedy answers. Offline it pushes towards where the outcome model is least supported.

    Source: Zhang et al. 2024 (arXiv 2405.19332), as coded: beta .01, alpha .001. TRL's XPO is the
    near twin with ``alpha log pi(own)``: no beta, no reference.

    Attributes:
        beta: As in DPO.
        alpha: Strength of the optimism.
    """

    beta: float = 0.01
    alpha: float = 0.001

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        optimism = weigh(self.alpha * self.beta * log_ratio(scores["own"]), batch)
        return DPO(self.beta)(scores, batch) + optimism
