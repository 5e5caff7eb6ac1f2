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

from benchmark.harness.decoder.network import DecoderShape, predict_words, prefill, step
from benchmark.harness.tokenizer import BEGIN, END, PAD, UNKNOWN, Ragged

ROWS_AT_ONCE = {"cpu": 512}
ROWS_AT_ONCE_ELSEWHERE = 16_384
COMPACT_BELOW = 0.8
LOOK_EVERY = 8


@torch.no_grad()
def sample_tokens(
    parameters: Mapping[str, Tensor],
    shape: DecoderShape,
    prompts: Ragged,
    uniforms: Tensor,
    temperature: float = 1.0,
) -> np.ndarray:
    """Token ids of sampled texts, shape (K, m, n, steps), PAD after END.

    Args:
        parameters: Named parameters of K members.
        shape: Sizes of the decoder.
        prompts: Words of m prompts a member, K * m in all, one member after another.
        uniforms: Numbers in [0, 1), shape (K, m, n, steps); a text that has not ended by the last
            step is cut there.
        temperature: Logits are divided by it; above 0.
    """
    members, m, n, steps = uniforms.shape
    device = parameters["embedding"].device
    head = np.full((members * m, int(prompts.lengths.max(initial=0)) + 1), PAD)
    head[:, 0] = BEGIN
    head[prompts.rows, prompts.columns + 1] = prompts.ids
    distinct, which = np.unique(head, axis=0, return_inverse=True)
    lengths = torch.from_numpy((distinct != PAD).sum(axis=1)).to(device)
    tokens = torch.from_numpy(distinct).to(device).expand(members, -1, -1)
    states, cache = prefill(parameters, shape, tokens)
    last = states[:, torch.arange(len(distinct), device=device), lengths - 1]
    owner = torch.from_numpy(np.repeat(which.reshape(members, m), n, axis=1)).to(device)
    flat = uniforms.reshape(members, m * n, steps).to(device)
    own = torch.arange(members, device=device)[:, None]
    size = max(1, ROWS_AT_ONCE.get(device.type, ROWS_AT_ONCE_ELSEWHERE) // members)
    written = []
    for rows in torch.arange(m * n, device=device).split(size):
        asked = owner[:, rows]
        heads = [(k[own, asked], v[own, asked]) for k, v in cache]
        state = _Rows(last[own, asked], lengths[asked], heads, steps)
        written.append(_sample_rows(parameters, shape, state, flat[:, rows], temperature))
    return torch.cat(written, 1).view(members, m, n, steps).cpu().numpy()


class _Rows:
    """Rows under way: text tokens share cache places, prompts end where they end."""

    def __init__(
        self, state: Tensor, lengths: Tensor, heads: list[tuple[Tensor, Tensor]], steps: int
    ) -> None:
        self.state, self.lengths, self.asked = state, lengths, heads[0][0].shape[3]
        self.cache = [(_extended(k, steps), _extended(v, steps)) for k, v in heads]
        self.visible = state.new_zeros(*lengths.shape, self.asked + steps)
        hidden = torch.arange(self.asked, device=state.device) >= lengths[..., None]
        self.visible[..., : self.asked].masked_fill_(hidden, float("-inf"))

    def keep(self, place: Tensor) -> None:
        """Keep some rows of each member, place (K, kept)."""
        own = torch.arange(len(place), device=place.device)[:, None]
        self.lengths, self.visible = self.lengths[own, place], self.visible[own, place]
        self.cache = [(k[own, place], v[own, place]) for k, v in self.cache]

    def advance(self, parameters: Mapping[str, Tensor], shape: DecoderShape, tokens: Tensor, t: int) -> None:
        """Read the tokens (K, R) that were written at step t."""
        seen = self.visible[..., : self.asked + t + 1].flatten(0, 1)[:, None, None]
        self.state = step(parameters, shape, tokens, self.lengths + t, self.cache, self.asked + t, seen)


def _sample_rows(
    parameters: Mapping[str, Tensor], shape: DecoderShape, rows: _Rows, uniforms: Tensor, temperature: float
) -> Tensor:
    """Sample rows side by side, shape (K, R, steps)."""
    members, count, steps = uniforms.shape
    written = torch.full(uniforms.shape, PAD, dtype=torch.long, device=uniforms.device)
    own = torch.arange(members, device=uniforms.device)[:, None]
    alive = torch.arange(count, device=uniforms.device).expand(members, count)
    going = torch.ones_like(alive, dtype=torch.bool)
    for t in range(steps):
        tokens = _draw(predict_words(parameters, rows.state) / temperature, uniforms[own, alive, t])
        written[own, alive, t] = tokens
        going &= tokens != END
        if t == steps - 1:
            break
        # Looking at results makes an accelerator wait, so there it is done now and then.
        if uniforms.device.type == "cpu" or t % LOOK_EVERY == LOOK_EVERY - 1:
            most = int(going.sum(1).max())
            if most == 0:
                break
            if most < COMPACT_BELOW * alive.shape[1]:
                # Rows that still go on come first; a member with fewer of them keeps ended ones.
                place = torch.argsort(~going, dim=1, stable=True)[:, :most]
                alive, going, tokens = alive[own, place], going[own, place], tokens[own, place]
                rows.keep(place)
        rows.advance(parameters, shape, tokens, t)
    ended = (written == END).cumsum(2)
    return written.masked_fill((ended > 0) & ~((written == END) & (ended == 1)), PAD)


def _extended(x: Tensor, steps: int) -> Tensor:
    room = x.new_zeros((*x.shape[:3], x.shape[3] + steps, x.shape[4]))
    room[:, :, :, : x.shape[3]] = x
    return room


def _draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """Inverse CDF over tokens that may be written, shape (K, R)."""
    logits[..., [PAD, BEGIN, UNKNOWN]] = float("-inf")
    cumulative = logits.softmax(-1).cumsum(-1)
    target = uniform[..., None].to(cumulative) * cumulative[..., -1:]
    return torch.searchsorted(cumulative, target, right=True)[..., 0].clamp(max=logits.shape[-1] - 1)
