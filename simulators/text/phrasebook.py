"""Phrase tables as arrays: from chosen sides and uniforms to token ids and strings, without a Python loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulators.text.slots import Slot, words_of


@dataclass(frozen=True, eq=False)
class Phrasebook:
    """Every phrase of a domain, numbered slot by slot and side by side.

    Attributes:
        strings: Per slot, its phrases with a leading space (empty phrases stay empty), so that
            joining them with nothing between gives single spaces.
        words: Vocabulary indices of all phrases end to end, int16.
        start: First word of each phrase in ``words``, shape (P,).
        length: Words in each phrase, shape (P,).
        first: Number of the first phrase of each slot's side, shape (S, sides).
        count: How many phrases that side has, shape (S, sides); 0 where a slot has no such side.
        width: Most words a text can have.
    """

    strings: tuple[pa.Array, ...]
    words: np.ndarray
    start: np.ndarray
    length: np.ndarray
    first: np.ndarray
    count: np.ndarray
    width: int

    def choose(self, sides: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """Phrase numbers for chosen sides, shape (n, S); ``floor(u * count)`` within the side."""
        slots = np.arange(self.first.shape[0])
        count = self.count[slots, sides]
        # a uniform that rounds up to 1 must not reach into the next side
        return self.first[slots, sides] + np.minimum((uniforms * count).astype(np.int32), count - 1)

    def join(self, phrases: np.ndarray) -> pa.StringArray:
        """The texts of phrase numbers, shape (n,)."""
        columns = [
            strings.take(pa.array(phrases[:, slot] - self.first[slot, 0]))
            for slot, strings in enumerate(self.strings)
        ]
        return pc.binary_join_element_wise(*columns, "")

    def spell(self, phrases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Token ids (n, width) int16, padded with -1, and lengths (n,) of phrase numbers."""
        spans = self.length[phrases]
        lengths = spans.sum(axis=1, dtype=np.int32)
        flat = spans.ravel()
        ends = np.cumsum(flat, dtype=np.int64)
        # the word at flat position i of the batch is words[i - (position where its phrase began) + start]
        shift = self.start[phrases].ravel() - (ends - flat)
        total = int(ends[-1]) if len(ends) else 0
        source = np.repeat(shift, flat)
        source += np.arange(total)
        ids = np.full((len(phrases), self.width), -1, dtype=np.int16)
        ids[np.arange(self.width, dtype=np.int32) < lengths[:, None]] = self.words[source]
        return ids, lengths


def compile_phrasebook(slots: tuple[Slot, ...], vocabulary: tuple[str, ...], width: int) -> Phrasebook:
    """Number the phrases of the slots over a vocabulary that holds all their words, texts up to ``width``."""
    index = {word: i for i, word in enumerate(vocabulary)}
    n_sides = max(len(slot.sides) for slot in slots)
    first = np.zeros((len(slots), n_sides), dtype=np.int32)
    count = np.zeros((len(slots), n_sides), dtype=np.int32)
    spelled: list[tuple[int, ...]] = []
    strings = []
    for s, slot in enumerate(slots):
        texts = []
        for side, phrases in enumerate(slot.sides):
            first[s, side], count[s, side] = len(spelled), len(phrases)
            spelled += [tuple(index[word] for word in words_of(phrase)) for phrase in phrases]
            texts += [f" {phrase}" if phrase and s > 0 else phrase for phrase in phrases]
        strings.append(pa.array(texts, type=pa.string()))
    length = np.array([len(words) for words in spelled], dtype=np.int32)
    return Phrasebook(
        strings=tuple(strings),
        words=np.array([word for words in spelled for word in words], dtype=np.int16),
        start=(np.cumsum(length) - length).astype(np.int64),
        length=length,
        first=first,
        count=count,
        width=width,
    )
