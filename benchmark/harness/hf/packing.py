"""Rows of different lengths side by side in one long row, so that a batch holds no padding.

A position of 0 starts another sequence: ``transformers`` keeps tokens from attending
across such a start where it makes the mask itself. Whether a network does is tried, not assumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmark.harness.training.model import Inputs

PACKED_TOKENS = {"cpu": 512}
PACKED_TOKENS_ELSEWHERE = 8192
TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Packed:
    """Prompts and texts of a batch as one row.

    Attributes:
        tokens: Shape (1, N).
        positions: Place of each token in its own sequence, shape (1, N).
        asked: Places of the row whose next token is part of a text, shape (M,).
        targets: Those next tokens, shape (M,).
        mask: Where they belong in the padded texts, shape (B, S).
    """

    tokens: Tensor
    positions: Tensor
    asked: Tensor
    targets: Tensor
    mask: Tensor

    def spread(self, values: Tensor) -> Tensor:
        """Values of the asked places, shape (M,), as padded rows, shape (B, S), 0 elsewhere."""
        return values.new_zeros(self.mask.shape).masked_scatter(self.mask, values)


def pack(batch: Inputs) -> Packed:
    """Lay the rows of a batch one after another; the batch is what ``HFPolicy.prepare`` gives."""
    tokens, first, mask = batch["tokens"], batch["first"], batch["mask"] > 0
    columns = torch.arange(tokens.shape[1], device=tokens.device)
    written = columns < (first + mask.sum(1))[:, None]
    asked = written & (columns >= first[:, None])
    return Packed(
        tokens[written][None],
        columns.expand_as(written)[written][None],
        asked[written].nonzero()[:, 0],
        batch["targets"][mask],
        mask,
    )


def split_rows(sizes: list[int], budget: int, most_rows: int = 0) -> Iterator[slice]:
    """Consecutive rows in parts of at most ``budget`` tokens (or one row) and ``most_rows`` rows (0: any)."""
    start, held = 0, 0
    for row, size in enumerate(sizes):
        if row > start and (held + size > budget or row - start == most_rows):
            yield slice(start, row)
            start, held = row, 0
        held += size
    if sizes:
        yield slice(start, len(sizes))


@torch.no_grad()
def can_pack(module: Any) -> bool:
    """Whether a network reads two sequences side by side exactly as it reads each alone."""
    vocabulary = int(module.get_input_embeddings().weight.shape[0])
    tokens = torch.arange(1, 7)[None] % vocabulary
    positions = torch.tensor([[0, 1, 2, 0, 1, 2]])
    device = next(module.parameters()).device
    try:
        apart = [module(part.to(device), use_cache=False).logits for part in tokens.chunk(2, dim=1)]
        found = module(tokens.to(device), position_ids=positions.to(device), use_cache=False).logits
    except TypeError:  # no such argument
        return False
    alone = torch.cat(apart, dim=1)
    return bool((found - alone).abs().max() <= TOLERANCE * alone.std())
