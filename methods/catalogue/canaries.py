"""Canaries that look at the surface of a text alone: its length, and how common its wording is.

Nobody who learns what texts do should lose to them, and no world should reward them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmark.contract import Fitted, Harness, Log, Method, RewardFunction, Tags
from benchmark.contract.roles import LOG_KINDS
from methods.rows import ALL_KINDS, make_tags


@dataclass(frozen=True)
class Longest:
    """Prefers the longer text."""

    name: str
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Learn nothing."""
        return RewardFunction(lambda prompts, texts: np.array([float(len(text)) for text in texts]))


@dataclass(frozen=True)
class MostFrequent:
    """Prefers the text whose phrasing is most frequent in the log: pairs of adjacent words, on average."""

    name: str
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Count phrasings; outcomes are not looked at."""
        columns = [column for column in LOG_KINDS[log.kind] if column != "outcome"]
        counts = Counter(
            phrase for column in columns for text in log.strings(column) for phrase in list_phrases(text)
        )
        return RewardFunction(
            lambda prompts, texts: np.array([_mean(counts[p] for p in list_phrases(t)) for t in texts])
        )


def list_phrases(text: str) -> list[tuple[str, str]]:
    """The pairs of adjacent words of a text.

    Example:
        >>> list_phrases("Happy Monday to all")
        [('Happy', 'Monday'), ('Monday', 'to'), ('to', 'all')]
    """
    return list(pairwise(text.split()))


def _mean(counts: Iterable[int]) -> float:
    values = np.log1p(list(counts))
    return float(values.mean()) if len(values) else 0.0


METHODS: tuple[Method, ...] = (
    Longest(
        "canary-longest",
        make_tags("The longer text is preferred, whatever it says.", kinds=ALL_KINDS, canary=True),
    ),
    MostFrequent(
        "canary-most-frequent",
        make_tags(
            "The text with the most frequent phrasing is preferred; outcomes are not looked at.",
            kinds=ALL_KINDS,
            canary=True,
        ),
    ),
)
