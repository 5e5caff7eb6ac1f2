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
