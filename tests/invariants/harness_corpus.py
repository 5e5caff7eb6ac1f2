"""A toy phrase grammar for harness tests: six attributes, each with an on-set and an off-set of phrases."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product

import numpy as np
import pyarrow as pa

from benchmark.contract import Log, Tags, Texts, Train

ATTRIBUTES, PARAPHRASES, PROMPTS = 6, 6, 8
TAGS = Tags()


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


@dataclass(frozen=True)
class PairLoss:
    """Minus log sigmoid of a scaled margin: DPO for policies, Bradley-Terry for heads."""

    beta: float = 0.1

    def __call__(self, scores, batch):
        import torch

        def gain(field):
            score = scores[field]
            return score.value - (score.reference if score.find_reference else 0.0)

        return -torch.nn.functional.logsigmoid(self.beta * (gain("chosen") - gain("rejected")))


@dataclass(frozen=True)
class PairMethod:
    """Trains one model on random pairs of the log, the better outcome chosen."""

    model: str = "policy"
    beta: float = 0.1
    steps: int | None = None
    name: str = "pairs"
    tags: Tags = TAGS

    def fit(self, log, harness):
        rng = harness.rng("pairs")
        i, j = rng.permutation(len(log)), rng.permutation(len(log))
        swap = log.outcomes[i] < log.outcomes[j]
        i, j = np.where(swap, j, i), np.where(swap, i, j)
        prompts = log.prompts[i]
        fields = {"chosen": Texts(prompts, log.texts[i]), "rejected": Texts(prompts, log.texts[j])}
        start = harness.policy() if self.model == "policy" else harness.reward_head(hidden=16)
        model = yield Train(start, fields, {}, PairLoss(self.beta), steps=self.steps)
        return harness.fitted_policy(model) if self.model == "policy" else harness.fitted_head(model)


def make_log(n: int, seed: int) -> Log:
    """Texts whose first two attributes move the outcome by 1 and -0.5, noise sd 0.3."""
    corpus = make_corpus(n, seed)
    noise = np.random.Generator(np.random.PCG64(seed + 1000)).normal(0, 0.3, n)
    outcome = corpus.attributes[:, 0] - 0.5 * corpus.attributes[:, 1] + noise
    return Log(pa.table({"prompt": corpus.prompts, "text": corpus.texts, "outcome": outcome}))
