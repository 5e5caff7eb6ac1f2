"""Prompts of a domain as strings: a list, or briefs of which every row has its own.

Tables of a world have one row a *prompt id*. Where prompts are listed an id is one prompt; where every
row has a brief of its own an id is what such briefs have in common (their topic, or topic and features),
and ``Domain.prompts`` holds one example of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulators.text.reading import Strings, as_strings

if TYPE_CHECKING:
    from simulators.text.briefs import Briefs


class PromptWriter(Protocol):
    """Writes the prompts of rows and reads prompt ids back."""

    @property
    def features(self) -> np.ndarray:
        """Features that all prompts with an id share, shape (P, F) int8; F = 0 where they share none."""

    def draw_choices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Uniforms that decide the prompts of n rows, shape (n, choices)."""

    def write(self, prompt_ids: np.ndarray, choices: np.ndarray) -> pa.StringArray:
        """The prompt of each row, shape (n,), from its id and what ``draw_choices`` returned."""

    def read(self, strings: Strings) -> np.ndarray:
        """Prompt ids of any strings, shape (n,) int64; -1 where the string is no prompt of the domain."""


@dataclass(frozen=True)
class ListedPrompts:
    """Prompts from a list; nothing is left to choose.

    Attributes:
        prompts: The list, P strings.
        briefs: Grammar that reads their features, if there is one.
    """

    prompts: tuple[str, ...]
    briefs: Briefs | None = None

    @property
    def features(self) -> np.ndarray:
        """Features of each prompt, shape (P, F) int8."""
        if self.briefs is None:
            return np.zeros((len(self.prompts), 0), dtype=np.int8)
        return self.briefs.read(self.prompts).attributes

    def draw_choices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """No choices, shape (n, 0); nothing is drawn."""
        return np.zeros((n, 0))

    def write(self, prompt_ids: np.ndarray, choices: np.ndarray) -> pa.StringArray:
        """The prompts with these ids, shape (n,)."""
        return pa.array(self.prompts, pa.string()).take(pa.array(prompt_ids))

    def read(self, strings: Strings) -> np.ndarray:
        """Place of each string in the list, shape (n,) int64; -1 where it is not there."""
        found = pc.index_in(as_strings(strings), value_set=pa.array(self.prompts, pa.string()))
        return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


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
