"""Ancestral sampling from the tiny decoder by inverse CDF on numbers drawn beforehand.

A text depends on its own prompt and its own uniforms alone: not on which other
rows are sampled with it, nor on their order. Prompts are read once each; rows that
have ended leave the batch.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from benchmark.harness.decoder import DecoderShape, linear, prefill, step
from benchmark.harness.tokenizer import BEGIN, END, PAD, UNKNOWN, Ragged

ROWS_AT_ONCE = {"cpu": 512}
ROWS_AT_ONCE_ELSEWHERE = 4096
COMPACT_BELOW = 0.8


@torch.no_grad()
def sample_tokens(
    parameters: Mapping[str, Tensor],
    shape: DecoderShape,
    prompts: Ragged,
    uniforms: Tensor,
    temperature: float = 1.0,
) -> np.ndarray:
    """Token ids of sampled texts, shape (m, n, steps), PAD after END.

    Args:
        parameters: Named parameters of one member (leading axis 1).
        shape: Sizes of the decoder.
        prompts: Words of m prompts.
        uniforms: Numbers in [0, 1), shape (m, n, steps); a text that has not ended by the last
            step is cut there.
        temperature: Logits are divided by it; above 0.
    """
    m, n, steps = uniforms.shape
    device = parameters["embedding"].device
    head = np.full((m, int(prompts.lengths.max(initial=0)) + 1), PAD)
    head[:, 0] = BEGIN
    head[prompts.rows, prompts.columns + 1] = prompts.ids
    distinct, which = np.unique(head, axis=0, return_inverse=True)
    lengths = torch.from_numpy((distinct != PAD).sum(axis=1)).to(device)
    states, cache = prefill(parameters, shape, torch.from_numpy(distinct)[None].to(device))
    last = states[0, torch.arange(len(distinct), device=device), lengths - 1]
    owner = torch.from_numpy(np.repeat(which.reshape(-1), n)).to(device)
    flat = uniforms.reshape(m * n, steps).to(device)
    written = torch.full((m * n, steps), PAD, dtype=torch.long, device=device)
    for rows in torch.arange(m * n, device=device).split(
        ROWS_AT_ONCE.get(device.type, ROWS_AT_ONCE_ELSEWHERE)
    ):
        own = owner[rows]
        written[rows] = _sample_rows(
            parameters, shape, last[own], lengths[own], [(k[:, own], v[:, own]) for k, v in cache],
            flat[rows], temperature,
        )  # fmt: skip
    return written.cpu().numpy().reshape(m, n, steps)


def _sample_rows(
    parameters: Mapping[str, Tensor],
    shape: DecoderShape,
    state: Tensor,
    lengths: Tensor,
    heads: list[tuple[Tensor, Tensor]],
    uniforms: Tensor,
    temperature: float,
) -> Tensor:
    """Sample rows side by side; text tokens share cache places, prompts end where they end."""
    rows, steps = uniforms.shape
    asked = heads[0][0].shape[3]
    cache = [(_extended(k, steps), _extended(v, steps)) for k, v in heads]
    visible = torch.zeros(rows, 1, 1, asked + steps, device=state.device, dtype=state.dtype)
    hidden = torch.arange(asked, device=state.device) >= lengths[:, None]
    visible[:, 0, 0, :asked].masked_fill_(hidden, float("-inf"))
    output = parameters["embedding"].transpose(1, 2)
    written = torch.full((rows, steps), PAD, dtype=torch.long, device=state.device)
    alive = torch.arange(rows, device=state.device)
    for t in range(steps):
        tokens = _draw(linear(state[None], output)[0] / temperature, uniforms[alive, t])
        written[alive, t] = tokens
        going = tokens != END
        count = int(going.sum())
        if count == 0 or t == steps - 1:
            break
        if count < COMPACT_BELOW * len(alive):
            place, tokens = going.nonzero()[:, 0], tokens[going]
            alive, lengths, visible = alive[place], lengths[place], visible[place]
            cache = [(k[:, place], v[:, place]) for k, v in cache]
        state = step(
            parameters, shape, tokens[None], (lengths + t)[None], cache, asked + t,
            visible[..., : asked + t + 1],
        )[0]  # fmt: skip
    ended = (written == END).cumsum(1)
    return written.masked_fill((ended > 0) & ~((written == END) & (ended == 1)), PAD)


def _extended(x: Tensor, steps: int) -> Tensor:
    room = x.new_zeros((*x.shape[:3], x.shape[3] + steps, x.shape[4]))
    room[:, :, :, : x.shape[3]] = x
    return room


def _draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """Inverse CDF over tokens that may be written, shape (rows,)."""
    logits[:, [PAD, BEGIN, UNKNOWN]] = float("-inf")
    cumulative = logits.softmax(-1).cumsum(-1)
    target = uniform[:, None].to(cumulative) * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target, right=True)[:, 0].clamp(max=logits.shape[1] - 1)
