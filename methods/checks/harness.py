"""A harness without a decoder, for methods that only encode: word counts, streams, a budget."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmark.contract import Budget, make_rng
from methods.checks.toy import OFF, ON, PROMPTS

VOCABULARY = tuple(sorted({word for group in (*ON, *OFF) for phrase in group for word in phrase.split()}))


@dataclass(frozen=True)
class EncodingHarness:
    """Encodes toy texts as word counts and prompt indicators; trains nothing.

    Attributes:
        seed: Of the method's own streams.
        budget: What one fit may spend.
    """

    seed: int = 0
    budget: Budget = field(default_factory=Budget)

    def rng(self, part: str) -> np.random.Generator:
        """The method's own stream of a name."""
        return make_rng("toy harness", self.seed, part)

    def encode(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Counts of the toy vocabulary and prompt indicators, shape (n, d)."""
        place = {word: i for i, word in enumerate(VOCABULARY)}
        encoded = np.zeros((len(texts), len(VOCABULARY) + len(PROMPTS)))
        for row, text in enumerate(texts):
            for word in text.split():
                if word in place:
                    encoded[row, place[word]] += 1.0
        encoded[:, len(VOCABULARY) :] = np.asarray(prompts)[:, None] == PROMPTS[None, :]
        return encoded
