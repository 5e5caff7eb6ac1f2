"""Pairs of texts that differ little, so that what differs can be blamed or praised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Incompatible
from methods.adjust.scored import Scored
from methods.pairing.rules import Pairs, order_pairs

ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class NearDuplicates:
    """Two rows of one prompt whose texts are close, though not equal.

    Mined in place of an annotator's minimal edits (Xu et al. 2024), which a log does not hold;
    unlike an edit, a mined pair differs in its people too, so it inherits their confounding.

    Attributes:
        neighbours: A partner is drawn among this many nearest texts of the prompt.
    """

    neighbours: int = 3

    def __call__(self, scored: Scored, rng: np.random.Generator, n: int) -> Pairs:
        """Draw pairs."""
        near = nearest_texts(scored, self.neighbours, rng)
        first = rng.integers(len(near), size=2 * n)
        second = near[first, rng.integers(near.shape[1], size=2 * n)]
        found = second >= 0
        if not found.any():
            raise Incompatible("no prompt of this log has two different texts")
        return order_pairs(scored, first[found], second[found], n)


def nearest_texts(scored: Scored, neighbours: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of the prompt whose texts are nearest and not equal, shape (n, k); -1 where there are none.

    Distance is Euclidean between text features. Equal distances are broken at random.
    """
    near = np.full((len(scored.log), neighbours), -1)
    prompts = np.unique(scored.log.prompts.astype(str), return_inverse=True)[1]
    for prompt in range(prompts.max() + 1):
        rows = np.flatnonzero(prompts == prompt)
        features = scored.texts[rows]
        square = (features**2).sum(axis=1)
        take = min(neighbours, len(rows) - 1)
        if take < 1:
            continue
        for start in range(0, len(rows), ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            distance = square[block, None] + square - 2.0 * features[block] @ features.T
            distance[distance < 1e-9 * (1.0 + square)] = np.inf
            distance += 1e-6 * rng.random(distance.shape)
            nearest = np.argpartition(distance, take - 1, axis=1)[:, :take]
            finite = np.isfinite(np.take_along_axis(distance, nearest, axis=1))
            near[rows[block], :take] = np.where(finite, rows[nearest], -1)
    return near
