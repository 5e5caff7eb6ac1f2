"""A domain: which texts exist, how attributes are written into them and read back from the string.

A domain knows texts alone. It knows no people, no outcomes and no effects, and
its text law given attributes and prompt is uniform over paraphrases (all of them,
or those a writer uses), so the probability of a wording is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from benchmark.contract.errors import UsageError
from simulators.text.automaton import Automaton, compile_finder, compile_reader
from simulators.text.phrasebook import Phrasebook, PhraseTable, Usage, compile_phrasebook
from simulators.text.prompts import ListedPrompts, PromptWriter
from simulators.text.reading import (
    TOPIC_BITS,
    Strings,
    as_strings,
    meanings_of,
    read_words,
    topics_agree,
    widest_text,
)
from simulators.text.slots import AttributeSlot, Slot, TopicSlot, validate_slots, words_of

READ_ROWS = 32_768


@dataclass(frozen=True, eq=False)
class Detected:
    """What was read from strings.

    Attributes:
        attributes: Shape (n, K) int8. Exact on the grammar; elsewhere 1 where an on-phrase of
            the attribute occurs among the first ``GrammarDomain.width + 1`` words.
        on_grammar: Whether the domain can write the text, shape (n,).
        topics: Topic that the text is about, shape (n,) int64; -1 off the grammar. A text fits a prompt
            where this is the prompt's ``Domain.topic_ids``.
    """

    attributes: np.ndarray
    on_grammar: np.ndarray
    topics: np.ndarray


@dataclass(frozen=True)
class GrammarDomain:
    """A slot grammar.

    Attributes:
        name: Name by which it is loaded.
        situation: One sentence saying what its texts are.
        prompts: What the writer is asked for; a prompt names the topic.
        slots: The ordered parts of every text.
        support: Attribute vectors that a text can have; None for all of them.
        topics: Topic of each prompt, as an index into the sides of the topic slots; None where every
            prompt is a topic of its own.
        writer: Writes the prompts where these are not the whole list; ``prompts`` then holds one example
            of each prompt id (see ``simulators.text.prompts``).
    """

    name: str
    situation: str
    prompts: tuple[str, ...]
    slots: tuple[Slot, ...]
    support: tuple[tuple[int, ...], ...] | None = None
    topics: tuple[int, ...] | None = None
    writer: PromptWriter | None = None

    def __post_init__(self) -> None:
        validate_slots(self.name, self.slots, int(self.topic_ids.max()) + 1)
        _ = self._reader  # an ambiguous grammar must not get as far as being used

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Attribute names, in the order they are written."""
        return tuple(slot.name for slot in self.slots if isinstance(slot, AttributeSlot))

    @cached_property
    def topic_ids(self) -> np.ndarray:
        """Topic of each prompt, shape (P,) int64."""
        topics = np.arange(len(self.prompts)) if self.topics is None else np.array(self.topics)
        return topics.astype(np.int64)

    @cached_property
    def prompt_writer(self) -> PromptWriter:
        """Writes the prompts of rows and reads prompt ids back."""
        return self.writer or ListedPrompts(self.prompts)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word of the prompts, of all that briefs can say, and of the phrases, sorted."""
        slots = (*self.slots, *self.prompt_writer.slots)
        phrases = [phrase for slot in slots for side in slot.sides for phrase in side]
        return tuple(sorted({word for phrase in (*self.prompts, *phrases) for word in words_of(phrase)}))

    @cached_property
    def width(self) -> int:
        """Most words a text can have."""
        return widest_text(self.slots, self.support)

    # -- writing --------------------------------------------------------------
    def draw_choices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Uniforms that decide the wording, shape (n, slots), whatever the attributes.

        The shape is fixed so that a log and its randomised twin share their wording draws.
        """
        return rng.random((n, len(self.slots)))

    def realise(
        self, attributes: np.ndarray, prompt_ids: np.ndarray, rng: np.random.Generator
    ) -> pa.StringArray:
        """Write one text a row with fresh wording draws from ``rng``; see ``write``."""
        return self.write(attributes, prompt_ids, self.draw_choices(len(prompt_ids), rng))

    def write(
        self,
        attributes: np.ndarray,
        prompt_ids: np.ndarray,
        uniforms: np.ndarray,
        usage: Usage | None = None,
    ) -> pa.StringArray:
        """Write one text a row with given wording draws, shape (n,).

        Args:
            attributes: Zeros and ones, shape (n, K).
            prompt_ids: Indices into ``prompts``, shape (n,).
            uniforms: Wording draws, shape (n, slots) in [0, 1).
            usage: The paraphrases that the writer uses; None for all of them.

        Raises:
            UsageError: If shapes or values do not fit the domain.
        """
        return self._book.join(self._choose(attributes, prompt_ids, uniforms, usage))

    def choose_phrases(
        self,
        attributes: np.ndarray,
        prompt_ids: np.ndarray,
        uniforms: np.ndarray,
        usage: Usage | None = None,
    ) -> np.ndarray:
        """The phrase ids of ``write``, shape (n, slots) int16, as ``read_phrases`` reads them back."""
        numbers = self._choose(attributes, prompt_ids, uniforms, usage)
        return (numbers - self._book.first[:, 0]).astype(np.int16)

    def _choose(
        self, attributes: np.ndarray, prompt_ids: np.ndarray, uniforms: np.ndarray, usage: Usage | None
    ) -> np.ndarray:
        return self._book.choose(self._sides(attributes, prompt_ids), uniforms, usage)

    def draw_usage(self, share: float, rng: np.random.Generator) -> Usage:
        """The paraphrases that one writer uses, drawn at random.

        Args:
            share: Share of the paraphrases of each attribute, on either side, rounded and at least
                one, in (0, 1]. Topics and slots that say nothing keep all their phrases.
            rng: Generator of the choice.

        Raises:
            UsageError: If the share is out of range.
        """
        if not 0 < share <= 1:
            raise UsageError("a writer uses a share of the phrases", expected="in (0, 1]", found=share)
        says = np.array([isinstance(slot, AttributeSlot) for slot in self.slots])
        count = self._book.count
        some = np.minimum(np.maximum(np.rint(share * count), 1), count).astype(np.int32)
        return self._book.draw_usage(np.where(says[:, None], some, count), rng)

    def wording_log_probability(
        self, attributes: np.ndarray, prompt_ids: np.ndarray, usage: Usage | None = None
    ) -> np.ndarray:
        """``log P(text | attributes, prompt)``, shape (n,): the same for every wording in use."""
        count = self._book.count if usage is None else usage.count
        return -np.log(count[np.arange(len(self.slots)), self._sides(attributes, prompt_ids)]).sum(axis=1)

    def phrase_table(self, usage: Usage | None = None) -> PhraseTable:
        """Side and probability of every phrase, for exact expectations over wordings.

        Example:
            With one number a phrase, ``values`` (slots, M), a text is worth
            ``values[np.arange(slots), domain.read_phrases([text])[0]].sum()``, and the mean of a side's
            values over paraphrases weighs them by ``probabilities`` where ``sides`` is that side.
        """
        return self._book.table(usage)

    def _sides(self, attributes: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        attributes, prompt_ids = self._validated(attributes, prompt_ids)
        sides = np.zeros((len(prompt_ids), len(self.slots)), dtype=np.int32)
        k = 0
        for s, slot in enumerate(self.slots):
            if isinstance(slot, AttributeSlot):
                sides[:, s] = attributes[:, k]
                k += 1
            elif isinstance(slot, TopicSlot):
                sides[:, s] = self.topic_ids[prompt_ids]
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
        if len(prompt_ids) and not (prompt_ids.min() >= 0 and prompt_ids.max() < len(self.prompts)):
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
    def detect(self, texts: Strings) -> Detected:
        """Read attributes back from strings; any string is an answer, none is an error.

        Args:
            texts: Strings, shape (n,).
        """
        strings = as_strings(texts)
        parts = [self._detect_rows(strings.slice(i, READ_ROWS)) for i in range(0, len(strings), READ_ROWS)]
        bits = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, dtype=np.int64)
        on_grammar = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, dtype=bool)
        topics = (bits >> len(self.attributes)) & ((1 << TOPIC_BITS) - 1)
        attributes = (bits[:, None] >> np.arange(len(self.attributes))) & 1
        return Detected(attributes.astype(np.int8), on_grammar, np.where(on_grammar, topics - 1, -1))

    def _detect_rows(self, strings: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        words = self._words_of(strings)
        bits, accepted = self._reader.run(words)
        accepted = accepted & self._permits(bits)
        rest = ~accepted
        if rest.any():
            bits[rest] = self._finder.run(words[rest])[0]
        return bits, accepted

    def read_phrases(self, texts: Strings) -> np.ndarray:
        """Which phrase each slot of a text says.

        Args:
            texts: Strings, shape (n,).

        Returns:
            Phrase ids as ``phrase_table`` has them, shape (n, slots) int16; -1 in every slot of a text
            that the domain cannot write.
        """
        strings = as_strings(texts)
        rows = [strings.slice(i, READ_ROWS) for i in range(0, len(strings), READ_ROWS)]
        return np.concatenate([np.zeros((0, len(self.slots)), np.int16), *map(self._phrases_of_rows, rows)])

    def _phrases_of_rows(self, strings: pa.Array) -> np.ndarray:
        book = self._book
        messages, accepted = self._reader.follow(self._words_of(strings))
        phrases = np.tile(book.silent, (len(strings), 1))
        bits = np.zeros(len(strings), dtype=np.int64)
        for column in messages:
            bits |= self._reader.bits[column]
            rows = np.flatnonzero(column)
            numbers = column[rows] - 1
            slots = book.slot[numbers]
            phrases[rows, slots] = numbers - book.first[slots, 0]
        phrases[~(accepted & self._permits(bits))] = -1
        return phrases

    def _words_of(self, strings: pa.Array) -> np.ndarray:
        # one word beyond the longest text is enough to know that a text is too long
        return read_words(strings, self._word_array, self.width + 1)

    def _permits(self, bits: np.ndarray) -> np.ndarray:
        """Whether texts that say this agree on their topic and have attributes that exist, shape (n,)."""
        exists = self._allowed[bits & ((1 << len(self.attributes)) - 1)]
        return np.asarray(exists & topics_agree(bits, self.slots))

    # -- tables ---------------------------------------------------------------
    @cached_property
    def _book(self) -> Phrasebook:
        return compile_phrasebook(self.slots)

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
        return meanings_of(self.slots, self.vocabulary)

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
