"""Detectors for texts that no grammar wrote: one regular expression an attribute, and a length threshold.

Expressions are matched by RE2, so the time is linear in the text whatever it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulators.text.reading import Strings, as_strings

PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "question": r"\?",
        "exclamation": r"!",
        "number": r"[0-9]",
        "quotes": r"[\"“”«»]|(?:^|\s)['‘][^'’]+['’](?:\W|$)",
        "second_person": r"(?i)\b(?:you|your|yours|yourself|you'(?:re|ll|ve|d))\b",
        "first_person": r"(?i)\b(?:i|me|my|mine|we|our|us|i'(?:m|ll|ve|d)|we'(?:re|ll|ve|d))\b",
        "demonstrative_start": r"(?i)^(?:this|these|that|those|here)\b",
        "negation": r"(?i)\b(?:no|not|never|nobody|nothing|cannot)\b|n['’]t\b",
        "superlative": r"(?i)\b(?:most|least|best|worst|ever|biggest|greatest)\b",
    }
)
"""Attributes of any English text, by the expression that a text must contain."""


class Reader(Protocol):
    """Whatever reads attributes from any strings."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attribute names."""

    def detect(self, texts: Strings) -> np.ndarray:
        """Attributes, shape (n, K) int8."""


@dataclass(frozen=True)
class Detectors:
    """A set of attribute detectors.

    Attributes:
        patterns: Attribute name to regular expression.
        word_limit: Texts with more words than this are ``long``; None leaves the attribute out.
    """

    patterns: Mapping[str, str] = field(default_factory=lambda: PATTERNS)
    word_limit: float | None = None

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attribute names, ``long`` last where there is a limit."""
        return (*self.patterns, *(() if self.word_limit is None else ("long",)))

    def detect(self, texts: Strings) -> np.ndarray:
        """Attributes of any strings, shape (n, K) int8."""
        strings = as_strings(texts)
        columns = [pc.match_substring_regex(strings, pattern) for pattern in self.patterns.values()]
        if self.word_limit is not None:
            columns.append(pa.array(count_words(strings) > self.word_limit))
        values = np.empty((len(strings), len(columns)), dtype=np.int8)
        for k, column in enumerate(columns):
            values[:, k] = column.to_numpy(zero_copy_only=False)
        return values


def count_words(strings: pa.Array) -> np.ndarray:
    """Words of each text, shape (n,), split on white space."""
    return pc.count_substring_regex(strings, r"\S+").to_numpy(zero_copy_only=False)
