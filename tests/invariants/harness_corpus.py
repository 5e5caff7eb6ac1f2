"""A toy phrase grammar for harness tests: six attributes, each with an on-set and an off-set of phrases."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product

import numpy as np

ATTRIBUTES, PARAPHRASES, PROMPTS = 6, 6, 8


def _words() -> list[str]:
    syllables = ["ba", "ce", "di", "fo", "gu", "ly", "me", "no", "pi", "ra", "su", "te"]
    return ["".join(parts) for parts in islice(product(syllables, syllables, syllables), 900)]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Prompts, texts and what they were made of."""

    prompts: np.ndarray
    texts: np.ndarray
    attributes: np.ndarray
    vocabulary: tuple[str, ...]


def make_corpus(n: int, seed: int = 0) -> Corpus:
    """n texts with every attribute at one half and phrases of two or three words of their own."""
    words = iter(_words())
    phrases = np.array(
        [
            [
                [" ".join(next(words) for _ in range(2 + (k + i) % 2)) for i in range(PARAPHRASES)]
                for _ in range(2)
            ]
            for k in range(ATTRIBUTES)
        ],
        dtype=object,
    )
    names = np.array([f"about {next(words)} please" for _ in range(PROMPTS)], dtype=object)
    rng = np.random.Generator(np.random.PCG64(seed))
    attributes = rng.integers(0, 2, (n, ATTRIBUTES))
    choices = rng.integers(0, PARAPHRASES, (n, ATTRIBUTES))
    parts = phrases[np.arange(ATTRIBUTES), attributes, choices]
    texts = np.array([" ".join(row) for row in parts], dtype=object)
    vocabulary = tuple(sorted({w for p in phrases.ravel() for w in p.split()}))
    return Corpus(names[rng.integers(0, PROMPTS, n)], texts, attributes, vocabulary)
