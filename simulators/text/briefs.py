"""Briefs: a grammar of prompts, so that there are hundreds of them, or one for every row.

A brief says its topic and a few features, each on or off, in one of several phrases; the rest of it says
nothing. It is itself a text of a slot grammar, so what it says is read back exactly. Like every
domain it knows no people, no outcomes and no effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import make_rng
from simulators.text.domain import Detected, GrammarDomain
from simulators.text.prompts import ListedPrompts
from simulators.text.reading import Strings, as_strings
from simulators.text.slots import Slot, TopicSlot

LISTED = 200
"""Prompts of a domain with a list of briefs; every topic has equally many."""
KINDS = (str(LISTED), "unique", "features")
"""What ``with_briefs`` can make of a domain."""


@dataclass(frozen=True)
class Briefs:
    """A grammar of prompts.

    Every feature is on in half of the briefs, independently of the others and of the topic; the wording
    is uniform over paraphrases.

    Attributes:
        grammar: Writes and reads briefs: its prompts are the topics, its attributes the features.
    """

    grammar: GrammarDomain

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, F strings."""
        return self.grammar.attributes

    @property
    def topics(self) -> tuple[str, ...]:
        """Names of the topics, T strings."""
        return self.grammar.prompts

    @property
    def marginals(self) -> np.ndarray:
        """Probability that each feature is on, shape (F,): one half."""
        return np.full(len(self.features), 0.5)

    @property
    def count(self) -> int:
        """How many different briefs there are."""
        count = 1
        for slot in self.grammar.slots:
            count *= len([phrase for side in slot.sides for phrase in side])
        return count

    def draw_choices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Uniforms that decide features and wording, shape (n, F + slots), whatever the topic."""
        return rng.random((n, len(self.features) + len(self.grammar.slots)))

    def draw_features(self, choices: np.ndarray) -> np.ndarray:
        """Features that ``choices`` decide, shape (n, F) int8."""
        return (choices[:, : len(self.features)] < self.marginals).astype(np.int8)

    def write(
        self, topics: np.ndarray, choices: np.ndarray, features: np.ndarray | None = None
    ) -> pa.StringArray:
        """One brief a row, shape (n,).

        Args:
            topics: Indices into ``topics``, shape (n,).
            choices: What ``draw_choices`` returned.
            features: Zeros and ones, shape (n, F); where not given, ``choices`` decides.
        """
        if features is None:
            features = self.draw_features(choices)
        return self.grammar.write(features, topics, choices[:, len(self.features) :])

    def realise(self, features: np.ndarray, topics: np.ndarray, rng: np.random.Generator) -> pa.StringArray:
        """Briefs with given features (n, F) and topics (n,), freshly worded, shape (n,)."""
        return self.write(topics, self.draw_choices(len(topics), rng), features)

    def read(self, strings: Strings) -> Detected:
        """Features (as ``attributes``), whether it is a brief, and the topic, of any strings."""
        return self.grammar.detect(strings)


@dataclass(frozen=True)
class FreshBriefs:
    """A brief of its own for every row.

    Attributes:
        briefs: The grammar.
        by_features: Whether an id is ``topic * 2**F + code``, with bit k of the code the k-th feature,
            and not the topic alone.
    """

    briefs: Briefs
    by_features: bool

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Slots of the briefs."""
        return self.briefs.grammar.slots

    @property
    def features(self) -> np.ndarray:
        """Features of each id where ids tell them, shape (P, F) int8, else (P, 0)."""
        ids = np.arange(len(self.briefs.topics) * self._codes)
        return self._features_of(ids) if self.by_features else np.zeros((len(ids), 0), dtype=np.int8)

    def draw_choices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Uniforms that decide wording, and features where ids do not, shape (n, choices)."""
        return self.briefs.draw_choices(n, rng)

    def write(self, prompt_ids: np.ndarray, choices: np.ndarray) -> pa.StringArray:
        """A brief for each row, shape (n,)."""
        features = self._features_of(prompt_ids) if self.by_features else None
        return self.briefs.write(prompt_ids // self._codes, choices, features)

    def read(self, strings: Strings) -> np.ndarray:
        """What each brief is about, shape (n,) int64; -1 where the string is no brief."""
        distinct = as_strings(strings).dictionary_encode()
        read = self.briefs.read(distinct.dictionary)
        codes = read.attributes.astype(np.int64) @ (1 << np.arange(len(self.briefs.features)))
        ids = np.where(read.on_grammar, read.topics * self._codes + codes % self._codes, -1)
        return ids[distinct.indices.to_numpy()]

    @property
    def _codes(self) -> int:
        """Ids of each topic."""
        return 2 ** len(self.briefs.features) if self.by_features else 1

    def _features_of(self, prompt_ids: np.ndarray) -> np.ndarray:
        return ((prompt_ids[:, None] >> np.arange(len(self.briefs.features))) & 1).astype(np.int8)


def with_briefs(
    plain: GrammarDomain, more_topics: Mapping[str, tuple[str, ...]], slots: tuple[Slot, ...], kind: str
) -> GrammarDomain:
    """A domain with further topics whose prompts are briefs.

    Args:
        plain: A domain with one prompt a topic.
        more_topics: Further topics, name to phrases.
        slots: Slots of the briefs: free ones, one for the topics and one for each feature.
        kind: ``"200"``: a list of briefs, equally many of each topic. ``"unique"``: every row has a brief
            of its own, and prompt ids are topics. ``"features"``: the same, and prompt ids are topics and
            features, ``topic * 2**F + code`` with bit k of the code the k-th feature.

    Raises:
        UsageError: If the kind is unknown.
    """
    if kind not in KINDS:
        raise UsageError(f"domain {plain.name!r} has no such prompts", expected=" | ".join(KINDS), found=kind)
    names = next(tuple(side[0] for side in slot.sides) for slot in slots if isinstance(slot, TopicSlot))
    briefs = Briefs(
        GrammarDomain(
            name=f"{plain.name} briefs",
            situation=f"Briefs for {plain.name}: what is asked for, and how.",
            prompts=names,
            slots=slots,
        )
    )
    fresh = FreshBriefs(briefs, by_features=kind == "features")
    n_ids = LISTED if kind == str(LISTED) else len(fresh.features)
    topics = np.arange(n_ids) * len(names) // n_ids
    ids = np.arange(n_ids) if kind == "features" else topics
    prompts = fresh.write(ids, fresh.draw_choices(n_ids, make_rng("briefs", plain.name, kind)))
    listed = tuple(prompts.to_pylist())
    return replace(
        plain,
        name=f"{plain.name}-{kind}",
        prompts=listed,
        slots=tuple(_widen(slot, more_topics) for slot in plain.slots),
        topics=tuple(topics.tolist()),
        writer=_list_prompts(listed, briefs) if kind == str(LISTED) else fresh,
    )


def _list_prompts(prompts: tuple[str, ...], briefs: Briefs) -> ListedPrompts:
    return ListedPrompts(prompts, tuple(map(tuple, briefs.read(prompts).attributes.tolist())))


def _widen(slot: Slot, more_topics: Mapping[str, tuple[str, ...]]) -> Slot:
    if not isinstance(slot, TopicSlot):
        return slot
    return replace(slot, phrases=slot.phrases + tuple(more_topics.values()))
