"""Slots: the ordered parts a text of a grammar domain is made of, as plain data.

Every slot is a tuple of *sides*, each a set of interchangeable phrases. Which
side a row uses is decided by an attribute (off, on), by its prompt (the topic),
or not at all (free). Within a side the phrase is uniform. Slots know nothing of
people, outcomes or effects.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.contract.errors import UsageError

_FUNCTION_WORDS = """
a all an and any are as at be but by can do for from has have i in is it its me my not of on one or our
so that the their them there they this to was we will with you your
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that both sides of an attribute may use; they carry no meaning of their own."""

_PUNCTUATION = ".,:;!?`()[]"


@dataclass(frozen=True)
class AttributeSlot:
    """A slot that says one attribute.

    Attributes:
        name: The attribute's name.
        on: Paraphrases used where the attribute is 1.
        off: Neutral paraphrases used where it is 0; ``("",)`` means nothing is written.
    """

    name: str
    on: tuple[str, ...]
    off: tuple[str, ...]

    @property
    def sides(self) -> tuple[tuple[str, ...], ...]:
        """``(off, on)``, so that an attribute's value is the index of its side."""
        return (self.off, self.on)


@dataclass(frozen=True)
class FreeSlot:
    """A slot whose wording says nothing: uniform whatever the attributes and the prompt."""

    name: str
    phrases: tuple[str, ...]

    @property
    def sides(self) -> tuple[tuple[str, ...], ...]:
        """The single side."""
        return (self.phrases,)


@dataclass(frozen=True)
class TopicSlot:
    """A slot that names the topic: one side a prompt, in prompt order."""

    phrases: tuple[tuple[str, ...], ...]
    name: str = "topic"

    @property
    def sides(self) -> tuple[tuple[str, ...], ...]:
        """One side a prompt."""
        return self.phrases


Slot = AttributeSlot | FreeSlot | TopicSlot


def words_of(phrase: str) -> tuple[str, ...]:
    """The words of a phrase: split on spaces, punctuation and capitals kept."""
    return tuple(phrase.split(" ")) if phrase else ()


def lexicon_of(side: tuple[str, ...]) -> frozenset[str]:
    """The words that carry a side's meaning: lower case, outer punctuation and function words dropped."""
    words = {word.strip(_PUNCTUATION).lower() or word for phrase in side for word in words_of(phrase)}
    return frozenset(words - FUNCTION_WORDS)


def validate_slots(domain: str, slots: tuple[Slot, ...], n_prompts: int) -> None:
    """Check that phrases are well spaced, sides are disjoint and topics match the prompts.

    Raises:
        UsageError: Naming the slot that is malformed.
    """
    names = [slot.name for slot in slots if isinstance(slot, AttributeSlot)]
    if len(set(names)) != len(names):
        raise UsageError(f"domain {domain!r} names an attribute twice", found=", ".join(names))
    for slot in slots:
        _validate_phrases(domain, slot)
        if isinstance(slot, AttributeSlot):
            _validate_sides(domain, slot)
        silent = [side for side, phrases in enumerate(slot.sides) if "" in phrases]
        if len(slot.sides) > 1 and silent and (silent != [0] or isinstance(slot, TopicSlot)):
            raise UsageError(
                f"domain {domain!r}: slot {slot.name!r} says something by saying nothing",
                expected="the empty phrase on the off side of an attribute or in a free slot alone",
                found=f"the empty phrase on side {silent[-1]}",
            )
        if isinstance(slot, TopicSlot) and len(slot.phrases) != n_prompts:
            raise UsageError(
                f"domain {domain!r}: slot {slot.name!r} needs one set of phrases a prompt",
                expected=f"{n_prompts} sets",
                found=f"{len(slot.phrases)} sets",
            )
    if not slots or any(not words_of(phrase) for side in slots[0].sides for phrase in side):
        raise UsageError(f"domain {domain!r} needs a first slot that is never empty", fix="reorder the slots")


def _validate_phrases(domain: str, slot: Slot) -> None:
    for side in slot.sides:
        badly_spaced = [p for p in side if p != " ".join(p.split())]
        if not side or len(set(side)) != len(side) or badly_spaced:
            raise UsageError(
                f"domain {domain!r}: slot {slot.name!r} has a malformed side",
                expected="distinct phrases with single spaces between words",
                found=badly_spaced or side,
            )


def _validate_sides(domain: str, slot: AttributeSlot) -> None:
    off, on = (lexicon_of(side) for side in slot.sides)
    shared = off & on
    if shared:
        raise UsageError(
            f"domain {domain!r}: the sides of attribute {slot.name!r} share words",
            expected="disjoint lexicons, function words aside",
            found=", ".join(sorted(shared)),
        )
