"""Harnesses for toy texts: a tiny pretrained decoder, and a light one that only encodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.contract import Budget, make_rng
from methods.checks.toy import OFF, ON, PROMPTS, write_texts

if TYPE_CHECKING:
    from benchmark.harness import Harness

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

    def encode_prompts(self, prompts: np.ndarray) -> np.ndarray:
        """Prompt indicators, shape (n, d)."""
        return (np.asarray(prompts)[:, None] == PROMPTS[None, :]).astype(float)


CHECK_BUDGET = Budget(steps=4, batch_size=8, trainings=32, samples=512, asks=64)


def tiny_harness(seed: int = 0, budget: Budget = CHECK_BUDGET) -> Harness:
    """A harness whose backbone is a tiny decoder pretrained on randomised toy texts.

    The oracle answers with noise, whatever it is asked.

    Args:
        seed: Of the method's own streams.
        budget: What one fit may spend.
    """
    from benchmark.harness import Harness

    def answer(prompts: np.ndarray, texts: np.ndarray, context: Any) -> np.ndarray:
        return make_rng("toy oracle", seed, len(texts)).standard_normal(len(texts))

    return Harness(_toy_backbone(), budget, path=("toy", str(seed)), oracle=answer)


@cache
def _toy_backbone() -> Any:
    from benchmark.harness.decoder.pretrain import pretrain

    rng = make_rng("toy corpus")
    texts = write_texts(rng.integers(0, 2, (2000, len(ON))), rng)
    prompts = PROMPTS[rng.integers(len(PROMPTS), size=len(texts))]
    return pretrain(prompts, texts, VOCABULARY, steps=60, width=32, heads=2, inner=64)
