"""From strings to word numbers, and from slots to what their phrases say: the tables a reader needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulators.text.slots import AttributeSlot, Slot, TopicSlot, words_of

TOPIC_BITS = 6
"""Bits of a topic field: attributes come first in a bit field, then one field a topic slot (0 = none)."""

Strings: TypeAlias = np.ndarray | Sequence[str]
"""Texts as anything that holds strings; Arrow arrays, chunked or not, are taken as they are."""


def as_strings(texts: Strings) -> pa.Array:
    """Any sequence of strings as an Arrow array without nulls; what is not UTF-8 becomes U+FFFD.

    No text of ours has that character, so nothing that cannot be encoded is read as a word.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if isinstance(texts, pa.Array):
        return pc.fill_null(texts.cast(pa.string()), "")
    values: list[str] = list(texts)
    try:
        return pc.fill_null(pa.array(values, type=pa.string()), "")
    except UnicodeEncodeError:  # lone surrogates are valid in Python strings and not in UTF-8
        whole = [v.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for v in values]
        return pa.array(whole, type=pa.string())


def read_words(strings: pa.Array, vocabulary: pa.Array, width: int) -> np.ndarray:
    """Word numbers of texts split on single spaces.

    Args:
        strings: Texts, shape (n,).
        vocabulary: The known words, shape (W,).
        width: How many words to read.

    Returns:
        Shape (n, width), int32: W where the word is unknown, W + 1 after the end of the text.
    """
    pieces = pc.split_pattern(strings, " ")
    offsets = pieces.offsets.to_numpy().astype(np.int64)
    found = pc.index_in(pieces.values, value_set=vocabulary)
    codes = pc.fill_null(found, len(vocabulary)).to_numpy(zero_copy_only=False)
    columns = np.arange(width)
    position = np.minimum(offsets[:-1, None] + columns, max(len(codes) - 1, 0))
    written = columns < np.diff(offsets)[:, None]
    return np.where(written, codes[position], np.int32(len(vocabulary) + 1))


def meanings_of(
    slots: tuple[Slot, ...], vocabulary: tuple[str, ...]
) -> list[list[tuple[tuple[int, ...], int]]]:
    """Per slot, its phrases as word numbers with the bits they say."""
    index = {word: i for i, word in enumerate(vocabulary)}
    topic_shift = sum(isinstance(slot, AttributeSlot) for slot in slots)
    attribute = 0
    meanings = []
    for slot in slots:
        bits = [0] * len(slot.sides)
        if isinstance(slot, AttributeSlot):
            bits = [0, 1 << attribute]
            attribute += 1
        elif isinstance(slot, TopicSlot):
            bits = [(topic + 1) << topic_shift for topic in range(len(slot.sides))]
            topic_shift += TOPIC_BITS
        meanings.append(
            [
                (tuple(index[word] for word in words_of(phrase)), said)
                for side, said in zip(slot.sides, bits, strict=True)
                for phrase in side
            ]
        )
    return meanings


def topics_agree(bits: np.ndarray, slots: tuple[Slot, ...]) -> np.ndarray:
    """Whether every topic slot of a text names the same topic, shape (n,)."""
    n_attributes = sum(isinstance(slot, AttributeSlot) for slot in slots)
    n_topics = sum(isinstance(slot, TopicSlot) for slot in slots)
    mask = (1 << TOPIC_BITS) - 1
    named = [(bits >> (n_attributes + TOPIC_BITS * i)) & mask for i in range(n_topics)]
    agree = np.ones(len(bits), dtype=bool)
    for other in named[1:]:
        agree &= other == named[0]
    return agree


def widest_text(slots: tuple[Slot, ...], support: tuple[tuple[int, ...], ...] | None) -> int:
    """Most words that a text of these slots can have."""
    longest = [[max(len(words_of(phrase)) for phrase in side) for side in slot.sides] for slot in slots]
    attributes = [
        sides for sides, slot in zip(longest, slots, strict=True) if isinstance(slot, AttributeSlot)
    ]
    fixed = sum(
        max(sides) for sides, slot in zip(longest, slots, strict=True) if not isinstance(slot, AttributeSlot)
    )
    if support is None:
        return fixed + sum(max(sides) for sides in attributes)
    return fixed + max(
        sum(sides[value] for sides, value in zip(attributes, vector, strict=True)) for vector in support
    )
