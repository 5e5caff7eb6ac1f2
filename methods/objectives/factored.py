"""Factored rewards: one part of the representation carries the reward, the other is kept from it.

Which part is causal is decided by what predicts the labels; on confounded labels the confounded
wording predicts them too, and lands in the causal part.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.harness.training.model import reverse_gradient
from methods.objectives.pairwise import logistic
from methods.objectives.terms import Batch, FieldScores, Scores

REWARD, ADVERSARY, SKETCH = 0, 1, 2


@dataclass(frozen=True)
class Factored:
    """Bradley-Terry on the first ``causal`` units, an adversary on the rest, and a reconstruction.

    ``L(z_c) + adversary * L(reversed z_nc) + reconstruction * |sketch - decode(z)|^2 + spread * |z|^2``
    with L the Bradley-Terry loss; the reversed gradient makes z_nc useless for the reward. Head 0 is the
    reward, head 1 the adversary, the rest decode a sketch of the text (columns ``chosen_sketch``,
    ``rejected_sketch``).

    Source: factored CausalRM (Yang et al. 2026, arXiv 2601.21350) with its strengths; the variational
    part is replaced by the penalty on z, its limit without sampling noise (reconstruction).

    Attributes:
        causal: Units of z_c.
        adversary: Strength of the adversary.
        reconstruction: Strength of the reconstruction.
        spread: Strength of the penalty on z.
    """

    causal: int
    adversary: float = 0.05
    reconstruction: float = 0.001
    spread: float = 0.001

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        heads = scores.parameters["heads"]
        sides = scores["chosen"], scores["rejected"]
        reward = [self.reward(side.representation, heads) for side in sides]
        rest = [self._adversary(side.representation, heads) for side in sides]
        losses = logistic(reward[0] - reward[1], batch)
        losses = losses + self.adversary * logistic(rest[0] - rest[1], batch)
        for side, name in zip(sides, ("chosen_sketch", "rejected_sketch"), strict=True):
            losses = losses + self._bottleneck(side, batch[name])
        return losses

    def reward(self, representation: Tensor, heads: Tensor) -> Tensor:
        """Rewards (K, B) of representations (K, B, D) under head weights (K, D, H)."""
        c = self.causal
        return torch.einsum("kbd,kd->kb", representation[..., :c], heads[:, :c, REWARD])

    def _adversary(self, representation: Tensor, heads: Tensor) -> Tensor:
        rest = reverse_gradient(representation[..., self.causal :])
        return torch.einsum("kbd,kd->kb", rest, heads[:, self.causal :, ADVERSARY])

    def _bottleneck(self, side: FieldScores, sketch: Tensor) -> Tensor:
        error = (side.heads[..., SKETCH:] - sketch.to(side.heads.dtype)).square().sum(-1)
        return self.reconstruction * error + self.spread * side.representation.square().sum(-1)
