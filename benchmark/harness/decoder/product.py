"""Matrix products in float32, by the library that uses the whole processor.

PyTorch multiplies float32 matrices on a CPU with MKL, which leaves the 512-bit units of
other makers' processors idle; oneDNN, which PyTorch carries too, uses them. Both are
exact to float32: no number is rounded to fewer bits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor


def multiply(x: Tensor, weight: Tensor) -> Tensor:
    """x (N, in) times weight (in, out), shape (N, out); differentiable once."""
    if x.is_cpu and x.dtype == torch.float32 and _has_onednn():
        return _Product.apply(x, weight)
    return x @ weight


@lru_cache(maxsize=1)
def _has_onednn() -> bool:
    """Whether PyTorch carries oneDNN and the operator that calls it on ordinary tensors."""
    vectors = torch.backends.cpu.get_cpu_capability()
    if not (torch.backends.mkldnn.is_available() and vectors.startswith("AVX")):
        return False
    return hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _onednn(x: Tensor, transposed: Tensor) -> Tensor:
    """x (N, in) times the transpose of (out, in)."""
    return torch.ops.mkldnn._linear_pointwise(x, transposed, None, "none", [], "")


class _Product(torch.autograd.Function):
    """The product and its two gradients, all three by oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn(x, weight.t())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        for_x = _onednn(gradient, weight) if ctx.needs_input_grad[0] else None
        for_weight = None
        if ctx.needs_input_grad[1]:
            # oneDNN copies its first factor into rows: let that be the smaller one.
            small = x.shape[1] <= gradient.shape[1]
            for_weight = _onednn(x.t(), gradient.t()) if small else _onednn(gradient.t(), x.t()).t()
        return for_x, for_weight
