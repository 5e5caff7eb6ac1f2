"""Texts as feature rows: counts of words and frequent bigrams, and which prompt was asked.

Fitted on the corpus the backbone was pretrained on, where all attributes are at one
half; it knows words alone. Perfectly collinear columns (the words of one phrase
always come together) are merged into their mean, so that a linear model does not
split one effect over many copies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.harness.cache import digest_strings
from benchmark.harness.encoders.prompts import indicate_prompts, known_prompts
from benchmark.harness.tokenizer import SPECIAL, UNKNOWN, Ragged, Tokenizer

FIRST_WORD = len(SPECIAL)


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """A fixed bag-of-words encoder.

    Attributes:
        tokenizer: Splits texts into words; unknown words are ignored.
        prompts: Prompts with an indicator column each; others get zeros.
        terms: Word ids as ``id`` and bigrams as ``first * size + second + size``, ascending, shape (t,).
        columns: Column of each term, shape (t,); merged terms share one.
        centre: Corpus mean of each column, shape (d,).
        spread: Root mean squared length of the centred rows of the corpus; dividing by it gives
            heads inputs of unit size without blowing up rare words.
    """

    tokenizer: Tokenizer
    prompts: tuple[str, ...]
    terms: np.ndarray
    columns: np.ndarray
    centre: np.ndarray
    spread: float

    @classmethod
    def fit(
        cls,
        tokenizer: Tokenizer,
        prompts: np.ndarray,
        texts: np.ndarray,
        *,
        max_words: int = 320,
        max_bigrams: int = 64,
        min_share: float = 0.002,
        min_bigram_share: float = 0.02,
    ) -> TextEncoder:
        """Choose and merge columns on a corpus.

        Args:
            tokenizer: Splits texts into words.
            prompts: Shape (n,).
            texts: Shape (n,).
            max_words: Columns kept for words, the most frequent first.
            max_bigrams: Columns kept for bigrams, the most frequent first.
            min_share: Share of texts a word must occur in.
            min_bigram_share: The same for bigrams, which are kept only where no word column
                says the same.
        """
        ragged = tokenizer.encode(texts)
        words, bigrams = _occurrences(ragged, len(tokenizer))
        n, size = len(texts), len(tokenizer)
        frequent_words = _frequent(words[1], min_share * n, (1 - min_share) * n, 4 * max_words)
        frequent_bigrams = _frequent(bigrams[1], min_bigram_share * n, n, 4 * max_bigrams) + size
        counts = _counts(words, bigrams, np.concatenate([frequent_words, frequent_bigrams]), n, size)
        groups = _merge(counts)
        in_words = np.zeros(groups.max(initial=-1) + 1, dtype=bool)
        in_words[groups[: len(frequent_words)]] = True
        order = np.unique(groups)
        kept = np.concatenate([order[in_words][:max_words], order[~in_words][:max_bigrams]])
        rename = np.full(len(order), -1)
        rename[kept] = np.arange(len(kept))
        columns = rename[groups]
        terms = np.concatenate([frequent_words, frequent_bigrams])[columns >= 0]
        columns = columns[columns >= 0]
        rank = np.argsort(terms, kind="stable")
        distinct = known_prompts(prompts)
        width = len(kept) + len(distinct)
        raw = cls(tokenizer, distinct, terms[rank], columns[rank], np.zeros(width), 1.0)
        encoded = raw.encode(prompts, texts)
        return cls(
            tokenizer,
            distinct,
            raw.terms,
            raw.columns,
            encoded.mean(axis=0),
            max(float(np.sqrt(encoded.var(axis=0).sum())), 1e-3),
        )

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.centre)

    def encode(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Features, shape (n, d), float64: mean counts of merged terms, then prompt indicators."""
        words, bigrams = _occurrences(self.tokenizer.encode(texts), len(self.tokenizer))
        n, d = len(texts), self.width
        flat = np.zeros(n * d)
        shares = 1.0 / np.bincount(self.columns, minlength=max(d, 1))[self.columns]
        for rows, keys in (words, (bigrams[0], bigrams[1] + len(self.tokenizer))):
            places, known = _look_up(self.terms, keys)
            cells = rows[known] * d + self.columns[places]
            flat += np.bincount(cells, weights=shares[places], minlength=n * d)
        encoded = flat.reshape(n, d)
        encoded[:, d - len(self.prompts) :] = indicate_prompts(self.prompts, prompts)
        return encoded

    def encode_prompts(self, prompts: np.ndarray) -> np.ndarray:
        """Counts of every word of the vocabulary in prompts, shape (n, words), float64."""
        return count_terms(self.tokenizer, prompts)

    @cached_property
    def hash(self) -> str:
        """A content hash."""
        spelled = np.array(
            [*self.tokenizer.words, *self.prompts, json.dumps([self._numbers(), self.spread])], dtype=object
        )
        return digest_strings(spelled)[:16]

    def _numbers(self) -> dict[str, list[Any]]:
        return {name: getattr(self, name).tolist() for name in ("terms", "columns", "centre")}

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the tokenizer."""
        return {"prompts": list(self.prompts), "spread": self.spread, **self._numbers()}

    @classmethod
    def from_dict(cls, tokenizer: Tokenizer, data: dict[str, Any]) -> TextEncoder:
        """The inverse of ``as_dict``."""
        terms, columns = (np.array(data[name], dtype=np.int64) for name in ("terms", "columns"))
        centre = np.array(data["centre"], dtype=np.float64)
        return cls(tokenizer, tuple(data["prompts"]), terms, columns, centre, data["spread"])


def count_terms(tokenizer: Tokenizer, texts: np.ndarray) -> np.ndarray:
    """Occurrences of each word of a tokenizer in each text, shape (n, words), float64."""
    (rows, ids), _ = _occurrences(tokenizer.encode(texts), len(tokenizer))
    width = len(tokenizer.words)
    cells = rows * width + ids - FIRST_WORD
    return np.bincount(cells, minlength=len(texts) * width).reshape(len(texts), width).astype(np.float64)


def _occurrences(
    ragged: Ragged, size: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """(rows, word ids) and (rows, first * size + second) of every known word and pair of neighbours."""
    ids, rows = ragged.ids, ragged.rows
    known = ids != UNKNOWN
    joined = (rows[:-1] == rows[1:]) & known[:-1] & known[1:]
    pairs = (rows[:-1][joined], (ids[:-1] * size + ids[1:])[joined])
    return (rows[known], ids[known]), pairs


def _frequent(keys: np.ndarray, least: float, most: float, limit: int) -> np.ndarray:
    """Keys that occur often enough, at most ``limit``, the most frequent, ascending."""
    found, counts = np.unique(keys, return_counts=True)
    usable = counts >= max(least, 1)
    found, counts = found[usable], counts[usable]
    return np.sort(found[np.argsort(-counts, kind="stable")[:limit]])


def _look_up(table: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places in an ascending table of the keys it holds, and which keys those are."""
    if not len(table):
        return np.zeros(0, dtype=np.int64), np.zeros(len(keys), dtype=bool)
    places = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    known = np.asarray(table[places] == keys, dtype=bool)
    return places[known], known


def _counts(words: Any, bigrams: Any, terms: np.ndarray, n: int, size: int) -> np.ndarray:
    """Occurrences of each term in each text, shape (n, t)."""
    rank = np.argsort(terms, kind="stable")
    counts = np.zeros(n * len(terms))
    for rows, keys in (words, (bigrams[0], bigrams[1] + size)):
        places, known = _look_up(terms[rank], keys)
        counts += np.bincount(rows[known] * len(terms) + rank[places], minlength=n * len(terms))
    return counts.reshape(n, len(terms))


def _merge(counts: np.ndarray) -> np.ndarray:
    """Group of each column, shape (t,); perfectly correlated columns share one.

    Groups are numbered by falling frequency of their first column.
    """
    t = counts.shape[1]
    centred = counts - counts.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    varies = norm > 1e-3
    unit = np.where(varies, centred / np.where(varies, norm, 1), 0)
    # Columns that differ in one text of a million still correlate less than this.
    same = (unit.T @ unit) > 1 - 1e-7
    np.fill_diagonal(same, True)
    leader = same.argmax(axis=1)
    leaders, groups = np.unique(leader, return_inverse=True)
    order = np.argsort(-(counts[:, leaders] > 0).mean(axis=0), kind="stable")
    rank = np.empty(len(leaders), dtype=np.int64)
    rank[order] = np.arange(len(leaders))
    return rank[groups] if t else np.zeros(0, dtype=np.int64)
