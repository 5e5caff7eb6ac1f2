"""The tiny decoder, written once for an ensemble of K members: tokens (K, B, T) to hidden states.

The architecture is Llama's (Touvron et al. 2023): RMSNorm before each part, rotary
positions, SwiGLU, no biases, embedding tied to the output. Parameters carry a leading
axis K. With K = 1 every product is a plain matrix product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.harness.decoder.operations import (
    EPSILON,
    attend,
    embed,
    gate,
    linear,
    log_probability,
    normalise,
    normalised_linear,
    split_heads,
    turns,
)
from benchmark.harness.training.layout import Layout

__all__ = [
    "EPSILON",
    "MATRICES",
    "DecoderShape",
    "finish",
    "initial_weights",
    "log_probability",
    "predict_words",
    "prefill",
    "step",
    "stream",
]

MATRICES = ("attention_in", "attention_out", "mlp_in", "mlp_out")
"""Parameters of a block that are multiplied, in the order of use."""


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


def stream(parameters: Mapping[str, Tensor], shape: DecoderShape, tokens: Tensor) -> Tensor:
    """Hidden states before the last norm.

    Args:
        parameters: Named parameters with leading axis K.
        shape: Sizes of the decoder.
        tokens: Token ids, shape (K, B, T), int64; padding on the right only.

    Returns:
        Shape (K, B, T, width).
    """
    members, rows, length = tokens.shape
    x = embed(parameters["embedding"], tokens.reshape(members, rows * length))
    norms = parameters["norms"].unbind(1)
    for layer, block in enumerate(_blocks(parameters)):
        joint = _project(x, norms[2 * layer], block[0], shape, (members * rows, length))
        x = _finish(x, attend(joint, block[0].dtype), norms[2 * layer + 1], block)
    return x.view(members, rows, length, shape.width)


def finish(parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The last norm of hidden states (K, N, width)."""
    return normalise(x) * parameters["norms"][:, -1, None]


def predict_words(parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Logits (K, N, V) of the next token from hidden states (K, N, width) before the last norm."""
    return normalised_linear(x, parameters["norms"][:, -1], parameters["embedding"].transpose(1, 2))


def prefill(
    parameters: Mapping[str, Tensor], shape: DecoderShape, tokens: Tensor
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """As ``stream``, and for each layer keys and values (K, B, heads, T, width / heads)."""
    members, rows, length = tokens.shape
    x = embed(parameters["embedding"], tokens.reshape(members, rows * length))
    turn = turns(length, shape.width // shape.heads, x.device)[:, None, None]
    norms, cache = parameters["norms"].unbind(1), []
    for layer, block in enumerate(_blocks(parameters)):
        joint = _project(x, norms[2 * layer], block[0], shape, (members * rows, length))
        query, key, value = split_heads(joint, turn, block[0].dtype)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        cache.append((key.unflatten(0, (members, rows)), value.unflatten(0, (members, rows))))
        x = _finish(x, mixed.transpose(1, 2), norms[2 * layer + 1], block)
    return x.view(members, rows, length, shape.width), cache


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
        Hidden states before the last norm, shape (K, B, width).
    """
    members, rows = tokens.shape
    x = embed(parameters["embedding"], tokens)
    known = turns(cache[0][0].shape[3], shape.width // shape.heads, x.device)
    turn = known[positions].view(-1, 1, 1, 1, known.shape[1])
    norms = parameters["norms"].unbind(1)
    for layer, block in enumerate(_blocks(parameters)):
        joint = _project(x, norms[2 * layer], block[0], shape, (members * rows, 1))
        query, key, value = split_heads(joint, turn, block[0].dtype)
        keys, values = cache[layer]
        keys[:, :, :, place] = key.view(members, rows, shape.heads, -1)
        values[:, :, :, place] = value.view(members, rows, shape.heads, -1)
        seen_keys = keys[:, :, :, : place + 1].flatten(0, 1)
        seen_values = values[:, :, :, : place + 1].flatten(0, 1)
        mixed = F.scaled_dot_product_attention(
            query, seen_keys, seen_values, attn_mask=visible.to(query.dtype)
        )
        x = _finish(x, mixed.transpose(1, 2), norms[2 * layer + 1], block)
    return x


def _blocks(parameters: Mapping[str, Tensor]) -> list[tuple[Tensor, ...]]:
    """The four matrices of each layer, each (K, in, out)."""
    return list(zip(*(parameters[name].unbind(1) for name in MATRICES), strict=True))


def _project(x: Tensor, gain: Tensor, weight: Tensor, shape: DecoderShape, rows: tuple[int, int]) -> Tensor:
    """Queries, keys and values of the stream x, shape (K * B, length, 3, heads, width / heads)."""
    return normalised_linear(x, gain, weight).view(*rows, 3, shape.heads, -1)


def _finish(x: Tensor, mixed: Tensor, gain: Tensor, block: tuple[Tensor, ...]) -> Tensor:
    """Attention output and the SwiGLU, both added to the stream x (K, N, d)."""
    _, attention_out, mlp_in, mlp_out = block
    x = x + linear(mixed.reshape(x.shape).to(x.dtype), attention_out)
    return x + linear(gate(normalised_linear(x, gain, mlp_in)), mlp_out)
