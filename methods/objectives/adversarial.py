"""Rewards by context: one head a context, and an adversary that erases context from the features.

For logs where an observed objective drives both which prompts occur and what is preferred. Column
``context``: context number. The adversary takes context for spurious; where the type of prompt
itself moves the reward, erasing it does harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from methods.objectives.pairwise import logistic
from methods.objectives.terms import Batch, FieldScores, Scores, weigh


def select_head(score: FieldScores, context: Tensor) -> Tensor:
    """The head of each example's own context, shape (K, B), from heads (K, B, contexts)."""
    heads = score.heads
    chosen = context.long().expand(heads.shape[:2])
    return torch.gather(heads, 2, chosen[..., None]).squeeze(-1)


@dataclass(frozen=True)
class Multihead:
    """Bradley-Terry with one head a context: ``-log s(f_c(chosen) - f_c(rejected))``.

    Source: Kobalczyk & van der Schaar 2025 (arXiv 2506.05967), Multihead.

    Attributes:
        column: Name of the context column.
    """

    column: str = "context"

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        context = batch[self.column]
        margin = select_head(scores["chosen"], context) - select_head(scores["rejected"], context)
        return logistic(margin, batch)


@dataclass(frozen=True)
class Adversarial:
    """Multihead plus an adversary that predicts the context from the features.

    ``L_reward + strength * L_adversary``, L_adversary the cross-entropy of the context, averaged
    over both texts of a pair. The model must put a gradient reversal before the adversary
    (``reward_head(adversary=contexts)``): the adversary then minimises its loss while the features
    maximise it, which is the paper's ``min max L_R - lambda L_adv`` in one pass.

    Source: Kobalczyk & van der Schaar 2025, Adversarial (lambda 1; their printed loss lacks the logs).

    Attributes:
        strength: lambda.
        column: Name of the context column.
    """

    strength: float = 1.0
    column: str = "context"

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        guesses = [adversary_loss(scores[name], batch[self.column]) for name in ("chosen", "rejected")]
        adversary = weigh(0.5 * (guesses[0] + guesses[1]), batch)
        return Multihead(self.column)(scores, batch) + self.strength * adversary


def adversary_loss(score: FieldScores, context: Tensor) -> Tensor:
    """Cross-entropy of the context given the adversary's logits (K, B, contexts), shape (K, B)."""
    logits = score.adversary
    target = context.long().expand(logits.shape[:2])
    return cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view(target.shape)
