"""Minimising a loss over stacked weights: Adam for mini-batches, L-BFGS for full batches.

Every member has its own gradient norm, and its loss touches its own row of the weights
alone, so K members trained together are K members trained apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

WARMUP = 0.1
MAX_NORM = 1.0


def minimise(
    weights: Tensor,
    loss_at: Callable[[Tensor, int], Tensor],
    steps: int,
    learning_rate: float,
    *,
    weight_decay: float = 0.0,
    decayed: Tensor | None = None,
    max_norm: float = MAX_NORM,
) -> Tensor:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), linear warm-up and linear decay.

    Args:
        weights: Starting point, shape (K, P); not changed.
        loss_at: ``(weights, step) -> losses``, shape (K,).
        steps: Number of steps.
        learning_rate: Peak step size.
        weight_decay: Decoupled decay.
        decayed: 1 where decay acts, shape (P,); everywhere by default.
        max_norm: Gradient norm above which a member's gradient is scaled down.

    Returns:
        Weights, shape (K, P); NaN for a member whose loss was ever not finite.
    """
    weights = weights.detach().clone().requires_grad_()
    # A fused CPU optimiser would ignore the strides of gradients.
    optimiser = torch.optim.Adam([weights], lr=learning_rate, betas=(0.9, 0.99), fused=False)
    warm = max(1, math.ceil(WARMUP * steps))
    seen = weights.new_zeros(len(weights))
    for step in range(steps):
        rate = learning_rate * min((step + 1) / warm, (steps - step) / max(1, steps - warm))
        optimiser.param_groups[0]["lr"] = rate
        losses = loss_at(weights, step)
        seen += losses.detach()
        (gradient,) = torch.autograd.grad(losses.sum(), weights)
        norms = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
        weights.grad = gradient.mul_((max_norm / (norms + 1e-6)).clamp(max=1.0))
        if weight_decay:
            with torch.no_grad():
                shrink = rate * weight_decay
                weights.mul_(1 - shrink if decayed is None else 1 - shrink * decayed)
        optimiser.step()
    return _void(weights.detach(), seen)


def minimise_fully(
    weights: Tensor,
    loss_at: Callable[[Tensor, int], Tensor],
    steps: int,
    *,
    weight_decay: float = 0.0,
    decayed: Tensor | None = None,
) -> Tensor:
    """L-BFGS with strong Wolfe line search for one member and a loss that never changes.

    Weight decay is the penalty ``weight_decay / 2 * |weights|^2``.

    Args:
        weights: Starting point, shape (1, P); not changed.
        loss_at: ``(weights, step) -> losses``, shape (1,); step is always 0.
        steps: Most iterations.
        weight_decay: Strength of the penalty.
        decayed: 1 where the penalty acts, shape (P,).

    Returns:
        Weights, shape (1, P); NaN if the loss was ever not finite.
    """
    weights = weights.detach().clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [weights],
        max_iter=steps,
        max_eval=4 * steps,
        history_size=20,
        tolerance_grad=1e-10 if weights.dtype == torch.float64 else 1e-6,
        tolerance_change=1e-14 if weights.dtype == torch.float64 else 1e-9,
        line_search_fn="strong_wolfe",
    )
    seen = weights.new_zeros(1)
    penalised = 1.0 if decayed is None else decayed

    def evaluate() -> Tensor:
        optimiser.zero_grad()
        loss = loss_at(weights, 0).sum() + 0.5 * weight_decay * (penalised * weights**2).sum()
        seen.add_(loss.detach())
        loss.backward()
        return loss

    optimiser.step(evaluate)
    return _void(weights.detach(), seen)


def _void(weights: Tensor, losses: Tensor) -> Tensor:
    """Weights with NaN for members whose losses are not finite: a finite gradient must not hide them."""
    return torch.where(torch.isfinite(losses)[:, None], weights, torch.nan)
