"""Named parameters as views of one flat vector a member.

An ensemble of K models is one tensor (K, P): stacking is concatenation, taking a
member is a slice, clipping is a row norm, and an optimiser sees a single tensor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """Names and shapes of parameters, in the order in which they lie in the vector.

    Attributes:
        shapes: (name, shape without the ensemble axis) of each parameter.
        decayed: Names on which weight decay acts.
    """

    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    decayed: frozenset[str] = frozenset()

    @cached_property
    def sizes(self) -> list[int]:
        """Number of weights of each parameter."""
        return [math.prod(shape) for _, shape in self.shapes]

    @property
    def size(self) -> int:
        """Number of weights of one member."""
        return sum(self.sizes)

    def split(self, weights: Tensor) -> dict[str, Tensor]:
        """Views (K, *shape) of weights (K, P), by name."""
        parts = weights.split(self.sizes, dim=1)
        return {
            name: part.view(len(weights), *shape)
            for (name, shape), part in zip(self.shapes, parts, strict=True)
        }

    def join(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """Weights (K, P) of named parameters (K, *shape)."""
        return torch.cat([parameters[name].flatten(1) for name, _ in self.shapes], dim=1)

    def decay_mask(self, like: Tensor) -> Tensor:
        """1 where weight decay acts and 0 elsewhere, shape (P,), in the type of another tensor."""
        marks = [
            torch.full((size,), float(name in self.decayed))
            for (name, _), size in zip(self.shapes, self.sizes, strict=True)
        ]
        return torch.cat(marks).to(like)
