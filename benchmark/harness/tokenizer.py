"""Words to integers and back: a text is its words split at single spaces.

Knows nothing of grammars or attributes; a word outside the vocabulary is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PAD, BEGIN, END, UNKNOWN = range(4)
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of unequal length, one after another.

    Attributes:
        ids: Token ids of all rows, shape (total,), int64.
        lengths: Tokens in each row, shape (n,), int64.
    """

    ids: np.ndarray
    lengths: np.ndarray

    @cached_property
    def rows(self) -> np.ndarray:
        """Row of each token, shape (total,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def columns(self) -> np.ndarray:
        """Place of each token inside its row, shape (total,)."""
        return np.arange(len(self.ids)) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)


@dataclass(frozen=True)
class Tokenizer:
    """A word-level tokenizer.

    Attributes:
        words: The vocabulary without the four special tokens; word i has id ``i + 4``.
    """

    words: tuple[str, ...]

    @classmethod
    def of(cls, vocabulary: Iterable[str], *corpora: np.ndarray) -> Tokenizer:
        """A tokenizer of a vocabulary and whatever else some corpora contain (sorted, at the end)."""
        words = tuple(dict.fromkeys(word for word in vocabulary if word and word not in SPECIAL))
        found = [pc.unique(_split(corpus)[0]).to_pylist() for corpus in corpora]
        more = {word for group in found for word in group} - set(words) - set(SPECIAL)
        return cls(words + tuple(sorted(more)))

    def __len__(self) -> int:
        return len(SPECIAL) + len(self.words)

    @cached_property
    def _known(self) -> pa.Array:
        return pa.array(self.words, type=pa.large_string())

    @cached_property
    def _spelled(self) -> np.ndarray:
        return np.array((*SPECIAL, *self.words), dtype=object)

    def encode(self, texts: np.ndarray) -> Ragged:
        """Token ids of texts of shape (n,), without any special token but UNKNOWN."""
        words, lengths = _split(texts)
        places = pc.fill_null(pc.index_in(words, value_set=self._known), UNKNOWN - len(SPECIAL))
        return Ragged(places.to_numpy(zero_copy_only=False).astype(np.int64) + len(SPECIAL), lengths)

    def decode(self, ids: np.ndarray) -> np.ndarray:
        """Texts of shape (n,) from ids of shape (n, T); each row stops at its first END or PAD."""
        ids = np.asarray(ids)
        stops = (ids == END) | (ids == PAD)
        lengths = np.where(stops.any(axis=1), stops.argmax(axis=1), ids.shape[1])
        spelled = self._spelled[ids]
        texts = [" ".join(row[:length]) for row, length in zip(spelled, lengths, strict=True)]
        return np.array(texts, dtype=object)


def _split(texts: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """All words of the texts in one array, and the number in each text; empty words are dropped."""
    column = pa.array(texts, type=pa.large_string())
    lists = pc.split_pattern(column, " ")
    words = lists.flatten()
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    empty = pc.equal(words, "").to_numpy(zero_copy_only=False)
    if empty.any():
        rows = np.repeat(np.arange(len(lengths)), lengths)
        lengths = np.bincount(rows[~empty], minlength=len(lengths)).astype(np.int64)
        words = words.filter(pa.array(~empty))
    return words, lengths


def count_words(texts: np.ndarray) -> np.ndarray:
    """Number of words of each text, shape (n,), int64."""
    return _split(texts)[1]
