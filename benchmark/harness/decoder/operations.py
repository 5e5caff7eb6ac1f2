"""Operations of the decoder, most of them with a gradient written by hand.

On a CPU a step is bound by passes over memory: each gradient here is found in few passes and
written once. All of them are differentiable once. A product is done in the type of its weight
and gives the type of what is multiplied, so that weights say how precise products are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.harness.decoder.product import multiply

EPSILON = 1e-5
ROPE_BASE = 10_000.0


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """x (K, N, in) times weight (K, in, out), in the type of x."""
    factor = x.to(weight.dtype)
    found = multiply(factor[0], weight[0])[None] if len(weight) == 1 else torch.bmm(factor, weight)
    return found.to(x.dtype)


def embed(table: Tensor, tokens: Tensor) -> Tensor:
    """Rows of table (K, V, d) at tokens (K, N), shape (K, N, d)."""
    members, size, _ = table.shape
    if members == 1:
        return F.embedding(tokens[0], table[0])[None]
    shift = torch.arange(members, device=tokens.device)[:, None] * size
    return F.embedding(tokens + shift, table.flatten(0, 1))


class _Normalise(torch.autograd.Function):
    """Rows of unit root mean square, in few passes each way."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=2, keepdim=True)
        scale = length.square_().div_(x.shape[2]).add_(EPSILON).rsqrt_()
        unit = x * scale
        ctx.save_for_backward(unit, scale)
        return unit

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        unit, scale = ctx.saved_tensors
        along = (gradients[0] * unit).mean(2, keepdim=True)
        return torch.addcmul(gradients[0], unit, along, value=-1).mul_(scale)


def normalise(x: Tensor) -> Tensor:
    """RMSNorm (Zhang and Sennrich 2019) of x (K, N, d) before its gain."""
    return _Normalise.apply(x)


def normalised_linear(x: Tensor, gain: Tensor, weight: Tensor) -> Tensor:
    """RMSNorm of x (K, N, d) with gain (K, d), times weight (K, d, out).

    The gain is put on the weight, which has fewer rows than x.
    """
    return linear(normalise(x), weight * gain[..., None].to(weight.dtype))


class _Gate(torch.autograd.Function):
    """silu(gate) * up of a joint tensor, with one gradient for the joint tensor."""

    @staticmethod
    def forward(ctx: Any, joint: Tensor) -> Tensor:
        gate, up = joint.chunk(2, dim=-1)
        share = gate.sigmoid()
        ctx.save_for_backward(joint, share)
        return (gate * share).mul_(up)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        joint, share = ctx.saved_tensors
        gate, up = joint.chunk(2, dim=-1)
        found = torch.empty_like(joint)
        for_gate, for_up = found.chunk(2, dim=-1)
        active = gate * share
        torch.mul(gradients[0], active, out=for_up)
        # d silu(g) / dg = s + silu(g) (1 - s) with s = sigmoid(g).
        slope = torch.addcmul(share + active, active, share, value=-1, out=active)
        torch.mul(slope.mul_(up), gradients[0], out=for_gate)
        return found


def gate(joint: Tensor) -> Tensor:
    """silu of the first half of the columns times the second (SwiGLU, Shazeer 2020)."""
    return _Gate.apply(joint)


# -- attention ----------------------------------------------------------------
@lru_cache(maxsize=64)
def turns(length: int, size: int, device: torch.device) -> Tensor:
    """Rotations as unit complex numbers, shape (length, size / 2)."""
    rate = ROPE_BASE ** (-torch.arange(0, size, 2, dtype=torch.float32, device=device) / size)
    angle = torch.arange(length, dtype=torch.float32, device=device)[:, None] * rate
    return torch.polar(torch.ones_like(angle), angle)


@lru_cache(maxsize=64)
def _later(length: int, dtype: torch.dtype) -> Tensor:
    """Minus infinity where a key comes after the query, shape (length, length)."""
    return torch.full((length, length), float("-inf"), dtype=dtype).triu(1)


def _as_complex(x: Tensor) -> Tensor:
    return torch.view_as_complex(x.unflatten(-1, (-1, 2)))


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021): neighbours of x (..., d) turned by turn (..., d / 2)."""
    return torch.view_as_real(_as_complex(x) * turn).flatten(-2)


class _Attend(torch.autograd.Function):
    """Rotation and causal attention of short rows: products of small matrices, one a row and head."""

    @staticmethod
    def forward(ctx: Any, joint: Tensor, turn: Tensor) -> Tensor:
        rows, length, _, heads, size = joint.shape
        apart = joint.permute(2, 0, 3, 1, 4)
        turned = joint.new_empty(2, rows, heads, length, size)
        torch.mul(_as_complex(apart[:2]), turn, out=_as_complex(turned))
        query, key = turned.flatten(1, 2).unbind(0)
        value = apart[2].reshape(rows * heads, length, size)
        mask = _later(length, joint.dtype)
        share = torch.baddbmm(mask, query, key.transpose(1, 2), alpha=size**-0.5).softmax(-1)
        mixed = torch.bmm(share, value)
        ctx.save_for_backward(turned, value, share, mixed, turn)
        return mixed.view(rows, heads, length, size).transpose(1, 2).reshape(rows, length, heads * size)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        turned, value, share, mixed, turn = ctx.saved_tensors
        _, rows, heads, length, size = turned.shape
        gradient = gradients[0].reshape(rows, length, heads, size).transpose(1, 2).reshape(mixed.shape)
        query, key = turned.flatten(1, 2).unbind(0)
        found = gradient.new_empty(rows, length, 3, heads, size)
        apart = found.permute(2, 0, 3, 1, 4)
        apart[2] = torch.bmm(share.transpose(1, 2), gradient).view(apart[2].shape)
        # The gradient of a softmax p is p (g - sum p g), and here sum p g = gradient . mixed.
        along = (gradient * mixed).sum(-1, keepdim=True)
        slope = torch.baddbmm(along, gradient, value.transpose(1, 2), beta=-1).mul_(share)
        back = torch.empty_like(turned)
        torch.bmm(slope, key, out=back[0].flatten(0, 1))
        torch.bmm(slope.transpose(1, 2), query, out=back[1].flatten(0, 1))
        torch.mul(_as_complex(back), turn.conj() * size**-0.5, out=_as_complex(apart[:2]))
        return found, None


def attend(joint: Tensor, dtype: torch.dtype) -> Tensor:
    """Causal attention with rotary positions.

    Args:
        joint: Queries, keys and values, shape (rows, length, 3, heads, size).
        dtype: Type in which products are done.

    Returns:
        Shape (rows, length, heads * size), in the type of ``joint``.
    """
    turn = turns(joint.shape[1], joint.shape[4], joint.device)
    if joint.is_cpu and dtype == joint.dtype:
        return _Attend.apply(joint, turn)
    query, key, value = split_heads(joint, turn[:, None, None], dtype)
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    return mixed.transpose(1, 2).flatten(2).to(joint.dtype)


def split_heads(joint: Tensor, turn: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Rotated queries and keys, and values, each (rows, heads, length, size); arguments as for ``attend``."""
    turned, value = joint.split((2, 1), dim=2)
    query, key = rotate(turned, turn).to(dtype).unbind(2)
    return query.transpose(1, 2), key.transpose(1, 2), value.squeeze(2).to(dtype).transpose(1, 2)


# -- output -------------------------------------------------------------------
class _PickRows(torch.autograd.Function):
    """Rows of a matrix, none of them twice."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.size = len(x)
        return x.index_select(0, rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (rows,) = ctx.saved_tensors
        found = gradients[0].new_zeros(ctx.size, gradients[0].shape[1])
        return found.index_copy_(0, rows, gradients[0]), None


def pick_rows(x: Tensor, rows: Tensor) -> Tensor:
    """Rows of x (N, d) at rows (M,), which must be distinct; shape (M, d)."""
    return _PickRows.apply(x, rows)


class _LogProbability(torch.autograd.Function):
    """log_softmax and gather, whose gradient is written once instead of three times."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        found = logits.log_softmax(1)
        ctx.save_for_backward(found, targets)
        return found.gather(1, targets[:, None])[:, 0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        found, targets = ctx.saved_tensors
        gradient = gradients[0][:, None]
        found = found.exp().mul_(-gradient)
        return found.scatter_add_(1, targets[:, None], gradient), None


def log_probability(logits: Tensor, targets: Tensor) -> Tensor:
    """Log-softmax of logits (N, V) at targets (N,), shape (N,)."""
    return _LogProbability.apply(logits, targets)
