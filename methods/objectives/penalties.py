"""Penalties over a batch: make a reward ignore a variable that is thought spurious.

Each returns one number a model, shape (K,), which a sum of losses spreads over the batch. They enforce
invariance; where the variable is entangled with causal text, invariance throws the cause out with it.
``sources`` names text fields and the column holding the variable for each: ``(("text", "spurious"),)``
or ``(("chosen", "spurious_chosen"), ("rejected", "spurious_rejected"))``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from methods.objectives.pairwise import logistic
from methods.objectives.terms import Batch, Scores

Sources = tuple[tuple[str, str], ...]
SINGLE: Sources = (("text", "spurious"),)
PAIR: Sources = (("chosen", "spurious_chosen"), ("rejected", "spurious_rejected"))


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson correlation over the batch, shape (K,), of two (K, B) tensors; 0 if one is constant."""
    first = first - first.mean(1, keepdim=True)
    second = second - second.mean(1, keepdim=True)
    scale = (first.square().mean(1) * second.square().mean(1)).clamp(min=1e-16).sqrt()
    return (first * second).mean(1) / scale


def gather(scores: Scores, batch: Batch, sources: Sources) -> tuple[Tensor, Tensor]:
    """Values and the variable of all sources side by side, each (K, B * sources)."""
    values = torch.cat([scores[field].value for field, _ in sources], 1)
    variable = torch.cat([batch[name] for _, name in sources], 1)
    return values, variable.to(values.dtype).expand_as(values)


@dataclass(frozen=True)
class Decorrelation:
    """``|corr(reward, variable)|`` over the batch: one head, invariance in the ODIN sense.

    Source: Chen et al. 2024 (ODIN), the term on the quality head; length replaced by any variable.

    Attributes:
        strength: >= 0.
        sources: Fields and columns.
    """

    strength: float = 1.0
    sources: Sources = SINGLE

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Penalties, shape (K,)."""
        return self.strength * correlation(*gather(scores, batch, self.sources)).abs()


@dataclass(frozen=True)
class ODIN:
    """Two-headed reward on pairs: head 0 is quality, head 1 soaks up the variable.

    ``-log s(sum of heads: chosen - rejected)`` plus, over chosen and rejected texts together,
    ``strength * [ |wQ.wC| + (1 - corr(C, rC)) + |corr(C, rQ)| + |corr(C, rQ + rC)| ]``; the rows of
    the head's weight matrix are centred and scaled to unit length in the first term. Only head 0
    is used afterwards.

    Source: Chen et al. 2024 as coded, all strengths 1. The code also computes rewards with the
    normalised weights; here only the orthogonality term does (reconstruction).

    Attributes:
        sources: Fields and columns of the variable.
        strength: Of the four terms together.
        parameter: Name of the head's weights in ``scores.parameters``, shape (K, ..., 2) with the
            two heads on the last axis; None leaves the orthogonality term out.
    """

    sources: Sources = PAIR
    strength: float = 1.0
    parameter: str | None = "heads"

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        heads = torch.cat([scores[field].heads for field, _ in self.sources], 1)
        variable = torch.cat([batch[name] for _, name in self.sources], 1).to(heads.dtype)
        variable = variable.expand(heads.shape[:2])
        quality, spurious = heads[..., 0], heads[..., 1]
        penalty = (
            (1.0 - correlation(variable, spurious))
            + correlation(variable, quality).abs()
            + correlation(variable, quality + spurious).abs()
        )
        if self.parameter is not None:
            penalty = penalty + overlap(scores.parameters[self.parameter])
        margin = (scores["chosen"].heads - scores["rejected"].heads)[..., :2].sum(-1)
        return logistic(margin, batch) + self.strength * penalty[:, None]


def overlap(weights: Tensor) -> Tensor:
    """``|wQ.wC|`` of centred unit vectors, shape (K,), from weights (K, ..., 2)."""
    flat = weights[..., :2].flatten(1, -2)
    flat = flat - flat.mean(1, keepdim=True)
    flat = flat / flat.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return (flat[..., 0] * flat[..., 1]).sum(1).abs()


@dataclass(frozen=True)
class MaximumMeanDiscrepancy:
    """Sum over pairs of bins of the squared MMD between what is said of texts in either bin.

    ``sum_{a<b} || mean embedding of bin a - of bin b ||^2`` with a Gaussian kernel on rewards, or on
    the representation the reward head reads. Columns hold bin numbers, as any number type.

    Source: Wang et al. 2025 (arXiv 2501.09620), unconditional form; kernel and width are ours. The
    width is the batch's root mean square distance, without gradient.

    Attributes:
        bins: Number of bins.
        strength: >= 0.
        sources: Fields and columns.
        representation: Compare representations, not rewards.
    """

    bins: int
    strength: float = 1.0
    sources: Sources = SINGLE
    representation: bool = False

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Penalties, shape (K,)."""
        values, labels = gather(scores, batch, self.sources)
        points = values[..., None]
        if self.representation:
            points = torch.cat([scores[field].representation for field, _ in self.sources], 1)
        squared = (points[:, :, None] - points[:, None]).square().sum(-1)
        width = squared.detach().mean((1, 2)).clamp(min=1e-12)
        kernel = torch.exp(-squared / (2.0 * width[:, None, None]))
        member = one_hot(labels.long(), self.bins).to(values.dtype)
        present = (member.sum(1) > 0).to(values.dtype)
        member = member / member.sum(1, keepdim=True).clamp(min=1.0)
        inner = member.transpose(1, 2) @ kernel @ member
        own = torch.diagonal(inner, dim1=1, dim2=2)
        distance = own[:, :, None] + own[:, None] - 2.0 * inner
        both = present[:, :, None] * present[:, None]
        # Each unordered pair of bins occurs twice in the sum, and a bin is at distance 0 from itself.
        return 0.5 * self.strength * (distance * both).sum((1, 2))
