"""Prompts of a domain as strings: a list, or briefs of which every row has its own.

Tables of a world have one row a *prompt id*. Where prompts are listed an id is one prompt; where every
row has a brief of its own an id is what such briefs have in common (their topic, or topic and features),
and ``Domain.prompts`` holds one example of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulators.text.reading import Strings, as_strings
from simulators.text.slots import Slot


class PromptWriter(Protocol):
    """Writes the prompts of rows and reads prompt ids back."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Slots that prompts are written from; none where all prompts are listed."""

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
        told: Features of each prompt, P tuples of F zeros and ones; empty where prompts have none.
    """

    prompts: tuple[str, ...]
    told: tuple[tuple[int, ...], ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        """None."""
        return ()

    @property
    def features(self) -> np.ndarray:
        """Features of each prompt, shape (P, F) int8."""
        return np.array(self.told or [()] * len(self.prompts), dtype=np.int8)

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
