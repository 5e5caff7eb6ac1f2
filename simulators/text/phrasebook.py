"""Phrase tables as arrays: from chosen sides and uniforms to strings, without a Python loop.

A phrase's *id* is its place among the phrases of its slot, sides in order (off before on); its *number*
counts through all slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulators.text.slots import Slot


@dataclass(frozen=True, eq=False)
class Usage:
    """Which paraphrases a writer uses, each equally likely within its side.

    Attributes:
        places: Places of the used phrases within their side, shape (S, sides, most) int32; the first
            ``count`` entries count.
        count: How many phrases of each slot's side are used, shape (S, sides); 0 where there is no such side.
    """

    places: np.ndarray
    count: np.ndarray


@dataclass(frozen=True, eq=False)
class PhraseTable:
    """Every phrase of every slot, for sums and expectations over wordings; M is the most phrases of a slot.

    Attributes:
        sides: Side of each phrase by slot and phrase id, shape (S, M); -1 where a slot has no such phrase.
            A side is an attribute's value, a topic, or 0 in a free slot.
        probabilities: P(phrase | side), shape (S, M), 0 where there is no such phrase or no writer uses it.
    """

    sides: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class Phrasebook:
    """Every phrase of a domain, numbered slot by slot and side by side.

    Attributes:
        strings: Per slot, its phrases with a leading space (empty phrases stay empty), so that
            joining them with nothing between gives single spaces.
        first: Number of the first phrase of each slot's side, shape (S, sides).
        count: How many phrases that side has, shape (S, sides); 0 where a slot has no such side.
    """

    strings: tuple[pa.Array, ...]
    first: np.ndarray
    count: np.ndarray

    def choose(self, sides: np.ndarray, uniforms: np.ndarray, usage: Usage | None = None) -> np.ndarray:
        """Phrase numbers for chosen sides, shape (n, S): the ``floor(u * count)``-th used one of the side."""
        slots = np.arange(self.first.shape[0])
        count = (self.count if usage is None else usage.count)[slots, sides]
        # a uniform that rounds up to 1 must not reach into the next side
        place = np.minimum((uniforms * count).astype(np.int32), count - 1)
        return self.first[slots, sides] + (place if usage is None else usage.places[slots, sides, place])

    def draw_usage(self, used: np.ndarray, rng: np.random.Generator) -> Usage:
        """A random choice of ``used`` (S, sides) phrases from each slot's side."""
        keys = rng.random((*self.count.shape, int(self.count.max())))
        keys[np.arange(keys.shape[-1]) >= self.count[:, :, None]] = 2.0
        order = np.argsort(keys, axis=-1, kind="stable").astype(np.int32)
        # ascending places, so that using every phrase words every row as the full law does
        order[np.arange(order.shape[-1]) >= used[:, :, None]] = order.shape[-1]
        return Usage(np.sort(order, axis=-1), used.astype(np.int32))

    @cached_property
    def slot(self) -> np.ndarray:
        """Slot of each phrase number, shape (P,)."""
        return np.repeat(np.arange(len(self.strings)), [len(strings) for strings in self.strings])

    @cached_property
    def silent(self) -> np.ndarray:
        """Id of each slot's empty phrase, shape (S,) int16; -1 where the slot always says something."""
        return np.array([pc.index(strings, "").as_py() for strings in self.strings], dtype=np.int16)

    def table(self, usage: Usage | None = None) -> PhraseTable:
        """Sides and probabilities of all phrases, under the full law or some writer's."""
        n_slots, most = len(self.strings), max(len(strings) for strings in self.strings)
        sides, probabilities = np.full((n_slots, most), -1), np.zeros((n_slots, most))
        for s, side in zip(*np.nonzero(self.count), strict=True):
            begin, size = self.first[s, side] - self.first[s, 0], self.count[s, side]
            used = np.arange(size) if usage is None else usage.places[s, side, : usage.count[s, side]]
            sides[s, begin : begin + size] = side
            probabilities[s, begin + used] = 1 / len(used)
        return PhraseTable(sides, probabilities)

    def join(self, phrases: np.ndarray) -> pa.StringArray:
        """The texts of phrase numbers, shape (n,)."""
        columns = [
            strings.take(pa.array(phrases[:, slot] - self.first[slot, 0]))
            for slot, strings in enumerate(self.strings)
        ]
        return pc.binary_join_element_wise(*columns, "")


def compile_phrasebook(slots: tuple[Slot, ...]) -> Phrasebook:
    """Number the phrases of the slots."""
    n_sides = max(len(slot.sides) for slot in slots)
    first = np.zeros((len(slots), n_sides), dtype=np.int32)
    count = np.zeros((len(slots), n_sides), dtype=np.int32)
    strings = []
    number = 0
    for s, slot in enumerate(slots):
        for side, phrases in enumerate(slot.sides):
            first[s, side], count[s, side] = number, len(phrases)
            number += len(phrases)
        texts = [f" {phrase}" if phrase and s > 0 else phrase for side in slot.sides for phrase in side]
        strings.append(pa.array(texts, type=pa.string()))
    return Phrasebook(tuple(strings), first, count)
