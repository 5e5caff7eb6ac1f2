"""The tiny decoder, written once for an ensemble of K members: tokens (K, B, T) to hidden states.

The architecture is Llama's (Touvron et al. 2023): RMSNorm before each part, rotary
positions, SwiGLU, no biases, embedding tied to the output. Parameters carry a leading
axis K. With K = 1 every product is a plain matrix product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.harness.layout import Layout
from benchmark.harness.product import multiply

EPSILON = 1e-5
ROPE_BASE = 10_000.0


@dataclass(frozen=True)
class DecoderShape:
    """Sizes of a decoder.

    Attributes:
        vocabulary: Number of tokens.
        width: Size of the hidden state.
        layers: Number of blocks.
        heads: Attention heads; must divide the width.
        inner: Size inside the SwiGLU.
    """

    vocabulary: int
    width: int = 64
    layers: int = 2
    heads: int = 4
    inner: int = 128

    @property
    def layout(self) -> Layout:
        """Where each parameter lies in the flat vector."""
        d, n = self.width, self.layers
        shapes = (
            ("embedding", (self.vocabulary, d)),
            ("attention_in", (n, d, 3 * d)),
            ("attention_out", (n, d, d)),
            ("mlp_in", (n, d, 2 * self.inner)),
            ("mlp_out", (n, self.inner, d)),
            ("norms", (2 * n + 1, d)),
        )
        return Layout(shapes, frozenset(name for name, _ in shapes) - {"norms"})


def initial_weights(shape: DecoderShape, rng: np.random.Generator) -> Tensor:
    """Fresh weights, shape (1, P), float32: small embeddings, 1/sqrt(fan-in) matrices, unit norms."""
    scale = {
        "embedding": 0.02,
        "attention_in": shape.width**-0.5,
        "attention_out": (2 * shape.layers * shape.width) ** -0.5,
        "mlp_in": shape.width**-0.5,
        "mlp_out": (2 * shape.layers * shape.inner) ** -0.5,
    }
    parts = [
        np.ones(size) if name == "norms" else rng.normal(0.0, scale[name], size)
        for (name, _), size in zip(shape.layout.shapes, shape.layout.sizes, strict=True)
    ]
    return torch.from_numpy(np.concatenate(parts).astype(np.float32))[None]


def hidden_states(parameters: Mapping[str, Tensor], shape: DecoderShape, tokens: Tensor) -> Tensor:
    """Final normalised hidden states.

    Args:
        parameters: Named parameters with leading axis K.
        shape: Sizes of the decoder.
        tokens: Token ids, shape (K, B, T), int64; padding on the right only.

    Returns:
        Shape (K, B, T, width).
    """
    members, rows, length = tokens.shape
    x = embed(parameters["embedding"], tokens.reshape(members, rows * length))
    turn = _turns(length, shape.width // shape.heads, x.device)[:, None, None]
    blocks = _blocks(parameters)
    norms = parameters["norms"].unbind(1)
    for layer, block in enumerate(blocks):
        query, key, value = _project(x, norms[2 * layer], block[0], shape, (members * rows, length), turn)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = _finish(x, mixed, norms[2 * layer + 1], block)
    return normalise(x, norms[-1]).view(members, rows, length, shape.width)


def prefill(
    parameters: Mapping[str, Tensor], shape: DecoderShape, tokens: Tensor
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Hidden states (K, B, T, width) and, for each layer, keys and values (K, B, heads, T, width / heads)."""
    members, rows, length = tokens.shape
    x = embed(parameters["embedding"], tokens.reshape(members, rows * length))
    turn = _turns(length, shape.width // shape.heads, x.device)[:, None, None]
    norms, cache = parameters["norms"].unbind(1), []
    for layer, block in enumerate(_blocks(parameters)):
        query, key, value = _project(x, norms[2 * layer], block[0], shape, (members * rows, length), turn)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        cache.append((key.unflatten(0, (members, rows)), value.unflatten(0, (members, rows))))
        x = _finish(x, mixed, norms[2 * layer + 1], block)
    return normalise(x, norms[-1]).view(members, rows, length, shape.width), cache


def step(
    parameters: Mapping[str, Tensor],
    shape: DecoderShape,
    tokens: Tensor,
    positions: Tensor,
    cache: list[tuple[Tensor, Tensor]],
    place: int,
    visible: Tensor,
) -> Tensor:
    """Advance every row by one token; keys and values are written into the cache at ``place``.

    Args:
        parameters: Named parameters with leading axis K.
        shape: Sizes of the decoder.
        tokens: Last token of each row, shape (K, B).
        positions: Its position in its own row, shape (K, B).
        cache: For each layer keys and values, shape (K, B, heads, places, width / heads).
        place: Where in the cache this token goes, the same for all rows.
        visible: Additive mask over cache places, shape (K * B, 1, 1, place + 1).

    Returns:
        Hidden states, shape (K, B, width).
    """
    members, rows = tokens.shape
    x = embed(parameters["embedding"], tokens)
    turns = _turns(cache[0][0].shape[3], shape.width // shape.heads, x.device)
    turn = turns[positions].view(-1, 1, 1, 1, turns.shape[1])
    norms = parameters["norms"].unbind(1)
    for layer, block in enumerate(_blocks(parameters)):
        query, key, value = _project(x, norms[2 * layer], block[0], shape, (members * rows, 1), turn)
        keys, values = cache[layer]
        keys[:, :, :, place] = key.view(members, rows, shape.heads, -1)
        values[:, :, :, place] = value.view(members, rows, shape.heads, -1)
        seen_keys = keys[:, :, :, : place + 1].flatten(0, 1)
        seen_values = values[:, :, :, : place + 1].flatten(0, 1)
        mixed = F.scaled_dot_product_attention(query, seen_keys, seen_values, attn_mask=visible)
        x = _finish(x, mixed, norms[2 * layer + 1], block)
    return normalise(x, norms[-1])


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """x (K, N, in) times weight (K, in, out)."""
    return multiply(x[0], weight[0])[None] if len(weight) == 1 else torch.bmm(x, weight)


def embed(table: Tensor, tokens: Tensor) -> Tensor:
    """Rows of table (K, V, d) at tokens (K, N), shape (K, N, d)."""
    members, size, _ = table.shape
    if members == 1:
        return F.embedding(tokens[0], table[0])[None]
    shift = torch.arange(members, device=tokens.device)[:, None] * size
    return F.embedding(tokens + shift, table.flatten(0, 1))


class _Normalise(torch.autograd.Function):
    """RMSNorm (Zhang and Sennrich 2019) in few passes, each way."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=2, keepdim=True)
        scale = length.square_().div_(x.shape[2]).add_(EPSILON).rsqrt_()
        unit = x * scale
        ctx.save_for_backward(unit, scale, gain)
        return unit * gain[:, None]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        unit, scale, gain = ctx.saved_tensors
        inner = gradients[0] * gain[:, None]
        along = (inner * unit).mean(2, keepdim=True)
        return inner.addcmul_(unit, along, value=-1).mul_(scale), (gradients[0] * unit).sum(1)


def normalise(x: Tensor, gain: Tensor) -> Tensor:
    """RMSNorm of x (K, N, d) with gain (K, d); differentiable once."""
    return _Normalise.apply(x, gain)


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


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021): neighbours of x (..., d) turned by turn (..., d / 2)."""
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * turn).flatten(-2)


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
    """Log-softmax of logits (N, V) at targets (N,), shape (N,); differentiable once."""
    return _LogProbability.apply(logits, targets)


@lru_cache(maxsize=64)
def _turns(length: int, size: int, device: torch.device) -> Tensor:
    """Rotations as unit complex numbers, shape (length, size / 2)."""
    rate = ROPE_BASE ** (-torch.arange(0, size, 2, dtype=torch.float32, device=device) / size)
    angle = torch.arange(length, dtype=torch.float32, device=device)[:, None] * rate
    return torch.polar(torch.ones_like(angle), angle)


def _blocks(parameters: Mapping[str, Tensor]) -> list[tuple[Tensor, ...]]:
    """The four matrices of each layer, each (K, in, out)."""
    names = ("attention_in", "attention_out", "mlp_in", "mlp_out")
    return list(zip(*(parameters[name].unbind(1) for name in names), strict=True))


def _project(
    x: Tensor, gain: Tensor, weight: Tensor, shape: DecoderShape, rows: tuple[int, int], turn: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Rotated queries and keys, and values, each (K * B, heads, T, width / heads)."""
    joint = linear(normalise(x, gain), weight).view(*rows, 3, shape.heads, -1)
    turned, value = joint.split((2, 1), dim=2)
    query, key = rotate(turned, turn).unbind(2)
    return query.transpose(1, 2), key.transpose(1, 2), value.squeeze(2).transpose(1, 2)


def _finish(x: Tensor, mixed: Tensor, gain: Tensor, block: tuple[Tensor, ...]) -> Tensor:
    """Attention output and the SwiGLU, both added to the stream x (K, N, d)."""
    _, attention_out, mlp_in, mlp_out = block
    x = x + linear(mixed.transpose(1, 2).reshape(x.shape), attention_out)
    return x + linear(_Gate.apply(linear(normalise(x, gain), mlp_in)), mlp_out)
