"""A domain: which texts exist, how attributes are written into them and read back from the string.

A domain knows texts alone. It knows no people, no outcomes and no effects, and
its text law given attributes and prompt is uniform over paraphrases, so the
probability of a wording is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmark.contract.errors import UsageError
from simulators.text.automaton import Automaton, compile_finder, compile_reader
from simulators.text.phrasebook import Phrasebook, compile_phrasebook
from simulators.text.slots import AttributeSlot, Slot, TopicSlot, validate_slots, words_of

TOPIC_BITS = 6
READ_ROWS = 32_768


@dataclass(frozen=True, eq=False)
class Realised:
    """Texts written for given attributes and prompts.

    Attributes:
        texts: Strings, shape (n,).
        ids: Vocabulary indices, shape (n, T) int16, padded with -1; ``" ".join`` of the words is the text.
        lengths: Words in each text, shape (n,) int32.
    """

    texts: pa.StringArray
    ids: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True, eq=False)
class Detected:
    """What was read from strings.

    Attributes:
        attributes: Shape (n, K) int8. Exact on the grammar; elsewhere 1 where any on-phrase of
            the attribute occurs.
        on_grammar: Whether the domain can write the text, shape (n,).
        topics: Prompt id that the text is about, shape (n,) int64; -1 off the grammar.
    """

    attributes: np.ndarray
    on_grammar: np.ndarray
    topics: np.ndarray


@dataclass(frozen=True)
class Domain:
    """A slot grammar.

    Attributes:
        name: Name by which it is loaded.
        situation: One sentence saying what its texts are.
        prompts: What the writer is asked for; a prompt names the topic.
        slots: The ordered parts of every text.
        support: Attribute vectors that a text can have; None for all of them.
    """

    name: str
    situation: str
    prompts: tuple[str, ...]
    slots: tuple[Slot, ...]
    support: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        validate_slots(self.name, self.slots, len(self.prompts))
        _ = self._reader  # an ambiguous grammar must not get as far as being used

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Attribute names, in the order they are written."""
        return tuple(slot.name for slot in self.slots if isinstance(slot, AttributeSlot))

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word of the prompts and phrases, sorted."""
        phrases = [phrase for slot in self.slots for side in slot.sides for phrase in side]
        return tuple(sorted({word for phrase in (*self.prompts, *phrases) for word in words_of(phrase)}))

    @property
    def width(self) -> int:
        """Most words a text can have; the width of ``Realised.ids``."""
        return self._book.width

    # -- writing --------------------------------------------------------------
    def draw_choices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Uniforms that decide the wording, shape (n, slots), whatever the attributes.

        The shape is fixed so that a log and its randomised twin share their wording draws.
        """
        return rng.random((n, len(self.slots)))

    def realise(self, attributes: np.ndarray, prompt_ids: np.ndarray, rng: np.random.Generator) -> Realised:
        """Write one text a row with fresh wording draws.

        Args:
            attributes: Zeros and ones, shape (n, K).
            prompt_ids: Indices into ``prompts``, shape (n,).
            rng: Generator of the wording.

        Raises:
            UsageError: If shapes or values do not fit the domain.
        """
        return self.realise_choices(attributes, prompt_ids, self.draw_choices(len(prompt_ids), rng))

    def realise_choices(
        self, attributes: np.ndarray, prompt_ids: np.ndarray, uniforms: np.ndarray
    ) -> Realised:
        """Write one text a row with given wording draws, shape (n, slots) in [0, 1)."""
        phrases = self._book.choose(self._sides(attributes, prompt_ids), uniforms)
        ids, lengths = self._book.spell(phrases)
        return Realised(self._book.join(phrases), ids, lengths)

    def realise_contrast(
        self, attributes: np.ndarray, prompt_ids: np.ndarray, attribute: int, uniforms: np.ndarray
    ) -> tuple[Realised, Realised]:
        """The same texts with one attribute off and on, wording equal in every other slot.

        Returns:
            ``(off, on)``.
        """
        off, on = np.array(attributes, copy=True), np.array(attributes, copy=True)
        off[:, attribute], on[:, attribute] = 0, 1
        return (
            self.realise_choices(off, prompt_ids, uniforms),
            self.realise_choices(on, prompt_ids, uniforms),
        )

    def wording_log_probability(self, attributes: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        """``log P(text | attributes, prompt)``, shape (n,): the same for every wording of the row."""
        count = self._book.count[np.arange(len(self.slots)), self._sides(attributes, prompt_ids)]
        return -np.log(count).sum(axis=1)

    def _sides(self, attributes: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        attributes, prompt_ids = self._validated(attributes, prompt_ids)
        sides = np.zeros((len(prompt_ids), len(self.slots)), dtype=np.int32)
        k = 0
        for s, slot in enumerate(self.slots):
            if isinstance(slot, AttributeSlot):
                sides[:, s] = attributes[:, k]
                k += 1
            elif isinstance(slot, TopicSlot):
                sides[:, s] = prompt_ids
        return sides

    def _validated(self, attributes: np.ndarray, prompt_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        attributes, prompt_ids = np.asarray(attributes), np.asarray(prompt_ids)
        n_attributes = len(self.attributes)
        if prompt_ids.ndim != 1 or attributes.shape != (len(prompt_ids), n_attributes):
            raise UsageError(
                f"attributes do not fit domain {self.name!r}",
                expected=f"attributes (n, {n_attributes}) and prompt ids (n,)",
                found=f"{attributes.shape} and {prompt_ids.shape}",
            )
        if len(prompt_ids) and not (0 <= prompt_ids.min() and prompt_ids.max() < len(self.prompts)):
            raise UsageError(
                "prompt id out of range",
                expected=f"0 to {len(self.prompts) - 1}",
                found=f"{prompt_ids.min()} to {prompt_ids.max()}",
            )
        if not np.isin(attributes, (0, 1)).all():
            raise UsageError("attributes must be 0 or 1", found=np.unique(attributes)[:5])
        if not self._allowed[_pack(attributes)].all():
            raise UsageError(
                f"domain {self.name!r} cannot write some of the attribute vectors",
                expected=f"one of the {int(self._allowed.sum())} vectors in Domain.support",
                found=attributes[~self._allowed[_pack(attributes)]][0].tolist(),
            )
        return attributes, prompt_ids

    # -- reading --------------------------------------------------------------
    def detect(self, texts: pa.Array | pa.ChunkedArray | np.ndarray | Sequence[str]) -> Detected:
        """Read attributes back from strings; any string is an answer, none is an error.

        Args:
            texts: Strings, shape (n,).
        """
        strings = _as_strings(texts)
        parts = [self._detect_rows(strings.slice(i, READ_ROWS)) for i in range(0, len(strings), READ_ROWS)]
        bits = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, dtype=np.int64)
        on_grammar = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, dtype=bool)
        topics = (bits >> len(self.attributes)) & ((1 << TOPIC_BITS) - 1)
        attributes = (bits[:, None] >> np.arange(len(self.attributes))) & 1
        return Detected(attributes.astype(np.int8), on_grammar, np.where(on_grammar, topics - 1, -1))

    def _detect_rows(self, strings: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        words = self._read_words(strings)
        bits, accepted = self._reader.run(words)
        accepted = accepted & self._allowed[bits & ((1 << len(self.attributes)) - 1)]
        for slot in range(1, sum(isinstance(slot, TopicSlot) for slot in self.slots)):
            shift = len(self.attributes) + TOPIC_BITS * slot
            said_before = bits >> (shift - TOPIC_BITS)
            accepted &= ((bits >> shift) ^ said_before) & ((1 << TOPIC_BITS) - 1) == 0
        rest = ~accepted
        if rest.any():
            bits[rest] = self._finder.run(words[rest])[0]
        return bits, accepted

    def _read_words(self, strings: pa.Array) -> np.ndarray:
        """Word numbers, shape (n, width + 1): W where unknown, W + 1 after the end of the text."""
        pieces = pc.split_pattern(strings, " ")
        offsets = pieces.offsets.to_numpy().astype(np.int64)
        found = pc.index_in(pieces.values, value_set=self._word_array)
        codes = pc.fill_null(found, len(self.vocabulary)).to_numpy(zero_copy_only=False)
        lengths = np.diff(offsets)
        columns = np.arange(self.width + 1)
        position = np.minimum(offsets[:-1, None] + columns, max(len(codes) - 1, 0))
        return np.where(columns < lengths[:, None], codes[position], len(self.vocabulary) + 1)

    # -- tables ---------------------------------------------------------------
    @cached_property
    def _book(self) -> Phrasebook:
        return compile_phrasebook(self.slots, self.vocabulary)

    @cached_property
    def _word_array(self) -> pa.Array:
        return pa.array(self.vocabulary, type=pa.string())

    @cached_property
    def _allowed(self) -> np.ndarray:
        allowed = np.full(1 << len(self.attributes), self.support is None)
        if self.support is not None:
            allowed[_pack(np.array(self.support))] = True
        return allowed

    @cached_property
    def _meanings(self) -> list[list[tuple[tuple[int, ...], int]]]:
        """Per slot, its phrases as word numbers with the bits they say."""
        index = {word: i for i, word in enumerate(self.vocabulary)}
        attribute = {name: k for k, name in enumerate(self.attributes)}
        topic_shift = len(self.attributes)
        meanings = []
        for slot in self.slots:
            bits = [0] * len(slot.sides)
            if isinstance(slot, AttributeSlot):
                bits = [0, 1 << attribute[slot.name]]
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

    @cached_property
    def _reader(self) -> Automaton:
        return compile_reader(self._meanings, len(self.vocabulary), self.name)

    @cached_property
    def _finder(self) -> Automaton:
        marks = {
            words: said
            for slot, phrases in zip(self.slots, self._meanings, strict=True)
            if isinstance(slot, AttributeSlot)
            for words, said in phrases
            if said
        }
        return compile_finder(marks, len(self.vocabulary))


def _pack(attributes: np.ndarray) -> np.ndarray:
    return attributes.astype(np.int64) @ (1 << np.arange(attributes.shape[1]))


def _as_strings(texts: pa.Array | pa.ChunkedArray | np.ndarray | Sequence[str]) -> pa.Array:
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if not isinstance(texts, pa.Array):
        values = list(texts)
        try:
            texts = pa.array(values, type=pa.string())
        except UnicodeEncodeError:  # lone surrogates are valid in Python strings and not in UTF-8
            texts = pa.array([v.encode("utf-8", "replace").decode() for v in values], type=pa.string())
    return pc.fill_null(texts.cast(pa.string()), "")
