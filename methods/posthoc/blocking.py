"""Dynamic blocking: decode a paraphrase by forbidding the source's own next word, now and then.

A generator's device, neutral to confounding; giving the source's outcome to its paraphrase spreads
the source's confounding.
"""

from __future__ import annotations

import numpy as np


def draw_blocks(source: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """An active dictionary: the source's bigrams, each kept with probability ``rate``.

    Source: Niu et al. 2021 (arXiv 2010.12885), rate .5. They block word-initial subwords only,
    their capitalised variants too, and never closed-class words: filter the bigrams for that.

    Args:
        source: Token ids, shape (T,).
        rate: In [0, 1].
        rng: For the choice.

    Returns:
        Kept bigrams, shape (kept, 2).
    """
    bigrams = np.column_stack([source[:-1], source[1:]])
    return bigrams[rng.random(len(bigrams)) < rate]


def block_logits(logits: np.ndarray, last: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Logits of the next token with the blocked successors of the last token at minus infinity.

    The block lasts one step: it depends on the last token emitted, nothing else.

    Args:
        logits: Shape (n, V).
        last: The token each row emitted last, shape (n,).
        blocks: From ``draw_blocks``, shape (m, 2).

    Returns:
        A new array of shape (n, V).
    """
    blocked = logits.copy()
    rows, which = np.nonzero(last[:, None] == blocks[None, :, 0])
    blocked[rows, blocks[which, 1]] = -np.inf
    return blocked
