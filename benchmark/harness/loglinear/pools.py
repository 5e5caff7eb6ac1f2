"""Pools: the texts that a log-linear policy chooses among, and the reference law over them.

A pool holds draws from the reference law of the texts of one or more prompts. It knows texts
and how often each was drawn, and nothing of what any text is worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmark.contract import UsageError
from benchmark.harness.cache import digest_numbers, digest_strings
from benchmark.harness.encoders.words import count_terms
from benchmark.harness.tokenizer import Tokenizer

MOST_TEXTS = 512


@dataclass(frozen=True, eq=False)
class Pools:
    """The reference law of texts, one row a pool.

    Attributes:
        prompts: Known prompts, distinct, shape (m,), object dtype.
        homes: Pool of each known prompt, shape (m,).
        texts: Distinct texts of each pool, shape (pools, t), object dtype; short rows end in "".
        log_reference: log pi_ref of each text, shape (pools, t), float64; minus infinity past the end.
        draws: Number of draws a pool is made of, shape (pools,). A text outside a pool has the weight
            of one draw; 0 for a table, which no text may be outside of.
    """

    prompts: np.ndarray
    homes: np.ndarray
    texts: np.ndarray
    log_reference: np.ndarray
    draws: np.ndarray

    @classmethod
    def draw(
        cls, prompts: np.ndarray, texts: np.ndarray, topics: np.ndarray, most: int = MOST_TEXTS
    ) -> Pools:
        """The empirical law of a corpus: the first draws of every topic, repeated texts with their counts.

        Args:
            prompts: Shape (n,); a prompt has one topic.
            texts: Draws from the reference law given the prompt, in random order, shape (n,).
            topics: Prompts of one topic share a pool, shape (n,).
            most: Most draws a pool is made of.

        Raises:
            UsageError: If the corpus is empty or its columns differ in length.
        """
        if not len(texts) or len({len(prompts), len(texts), len(topics)}) > 1:
            raise UsageError(
                "pools need a prompt and a topic for every text",
                expected="three columns of one length above 0",
                found=f"{len(prompts)} prompts, {len(texts)} texts, {len(topics)} topics",
            )
        _, rows_of, homes = np.unique(topics.astype(str), return_index=True, return_inverse=True)
        known = dict(zip(prompts.tolist(), homes.tolist(), strict=True))
        pools: list[dict[str, int]] = [{} for _ in rows_of]
        for text, home in zip(texts.tolist(), homes.tolist(), strict=True):
            pool = pools[home]
            if sum(pool.values()) < most:
                pool[text] = pool.get(text, 0) + 1
        return cls.of_counts(known, pools)

    @classmethod
    def of_counts(cls, known: dict[str, int], pools: Iterable[dict[str, int]]) -> Pools:
        """Pools of counted texts; ``known`` gives the pool of each prompt."""
        counted = list(pools)
        width = max(len(pool) for pool in counted)
        texts = np.full((len(counted), width), "", dtype=object)
        counts = np.zeros(texts.shape)
        for row, pool in enumerate(counted):
            texts[row, : len(pool)] = list(pool)
            counts[row, : len(pool)] = list(pool.values())
        draws = counts.sum(axis=1)
        with np.errstate(divide="ignore"):
            law = np.log(counts / draws[:, None])
        return cls(np.array(list(known), dtype=object), np.array(list(known.values())), texts, law, draws)

    @property
    def shape(self) -> tuple[int, int]:
        """(pools, most texts of a pool)."""
        return self.log_reference.shape[0], self.log_reference.shape[1]

    @cached_property
    def hash(self) -> str:
        """A content hash."""
        numbers = digest_numbers(self.homes, self.log_reference, self.draws)
        return digest_strings(self.prompts, self.texts.ravel(), np.array([numbers], dtype=object))[:16]

    @cached_property
    def _home_of(self) -> dict[str, int]:
        return dict(zip(self.prompts.tolist(), self.homes.tolist(), strict=True))

    @cached_property
    def _place_of(self) -> dict[tuple[int, str], int]:
        inside = np.isfinite(self.log_reference)
        return {(int(row), self.texts[row, place]): int(place) for row, place in np.argwhere(inside)}

    def find(self, prompts: np.ndarray) -> np.ndarray:
        """Pool of each prompt, shape (n,).

        An unknown prompt gets the pool whose known prompts make its words most probable.

        Raises:
            UsageError: If a prompt is unknown to a table.
        """
        known = self._home_of
        strangers = np.array(sorted({p for p in prompts.tolist() if p not in known}), dtype=object)
        if len(strangers):
            if not self.draws.any():
                raise UsageError(
                    "a prompt is not in the table", expected="one of its prompts", found=strangers[0]
                )
            # Remembered, because the same prompts are asked for again and again.
            known.update(zip(strangers.tolist(), self._guess(strangers).tolist(), strict=True))
        return np.array([known[prompt] for prompt in prompts.tolist()], dtype=np.int64)

    def _guess(self, prompts: np.ndarray) -> np.ndarray:
        """The most probable pool of each prompt under naive Bayes on words with add-one smoothing."""
        tokenizer, law = self._words
        return np.asarray((count_terms(tokenizer, prompts) @ law.T).argmax(axis=1))

    @cached_property
    def _words(self) -> tuple[Tokenizer, np.ndarray]:
        """Words of the known prompts, and their log-probability in each pool, shape (pools, words)."""
        tokenizer = Tokenizer.of((), self.prompts)
        counts = np.ones((self.shape[0], len(tokenizer.words)))
        np.add.at(counts, self.homes, count_terms(tokenizer, self.prompts))
        return tokenizer, np.log(counts / counts.sum(axis=1, keepdims=True))

    def locate(self, homes: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Place of each text in its pool, shape (n,); -1 for a text outside of it.

        Raises:
            UsageError: If a text is outside of a table.
        """
        pairs = zip(homes.tolist(), texts.tolist(), strict=True)
        places = np.array([self._place_of.get(pair, -1) for pair in pairs], dtype=np.int64)
        outside = (places < 0) & (self.draws[homes] == 0)
        if outside.any():
            raise UsageError(
                "a text is not in the table",
                expected="one of the enumerated texts of its prompt",
                found=texts[outside][0],
            )
        return places

    def weigh(self, homes: np.ndarray, places: np.ndarray) -> np.ndarray:
        """log pi_ref of texts, shape (n,); a text outside of its pool weighs as much as one draw."""
        one_draw = -np.log(np.maximum(self.draws, 1.0))[homes]
        return np.where(places < 0, one_draw, self.log_reference[homes, places])
