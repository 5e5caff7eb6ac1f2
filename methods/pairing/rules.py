"""Pairing rules: two rows of an outcome log become a preference, the higher value chosen.

The step where confounding enters or is removed. Rules differ in which rows may meet; what
they are ordered by is the adjustment's value. All are vectorised and see scored rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmark.contract import Incompatible
from methods.adjust.features import covariate_columns
from methods.adjust.scored import Scored, solve


@dataclass(frozen=True, eq=False)
class Pairs:
    """Preferences between rows.

    Attributes:
        chosen: Row indices, shape (m,).
        rejected: Row indices, shape (m,).
        weight: Mean one, shape (m,).
        margin: Difference of values, at least 0, shape (m,).
    """

    chosen: np.ndarray
    rejected: np.ndarray
    weight: np.ndarray
    margin: np.ndarray


class Pairing(Protocol):
    """``Scored -> Pairs``."""

    def __call__(self, scored: Scored, rng: np.random.Generator, n: int) -> Pairs:
        """Draw about ``n`` pairs."""
        ...


@dataclass(frozen=True)
class Cross:
    """Any two rows. Texts of different prompts meet, so the rule suits reward heads alone."""

    def __call__(self, scored: Scored, rng: np.random.Generator, n: int) -> Pairs:
        """Draw pairs."""
        first, second = rng.integers(len(scored.value), size=(2, 2 * n))
        return order_pairs(scored, first, second, n)


@dataclass(frozen=True)
class SamePrompt:
    """Two rows of one prompt, the one of higher value chosen.

    Attributes:
        weighted: Weight a pair by the product of its rows' weights, cut at ``clip``.
        clip: Largest pair weight relative to the mean.
    """

    weighted: bool = False
    clip: float = 20.0

    def __call__(self, scored: Scored, rng: np.random.Generator, n: int) -> Pairs:
        """Draw pairs."""
        first = rng.integers(len(scored.value), size=2 * n)
        second = partners(scored.log.prompts, first, rng)
        pairs = order_pairs(scored, first, second, n)
        if not self.weighted:
            return pairs
        product = scored.weight[pairs.chosen] * scored.weight[pairs.rejected]
        product = np.minimum(product / product.mean(), self.clip)
        return Pairs(pairs.chosen, pairs.rejected, product / product.mean(), pairs.margin)


@dataclass(frozen=True)
class Matched:
    """Two rows of one prompt whose recorded covariates are near.

    Attributes:
        neighbours: A partner is drawn among this many nearest rows of the prompt.
    """

    neighbours: int = 4

    def __call__(self, scored: Scored, rng: np.random.Generator, n: int) -> Pairs:
        """Draw pairs."""
        near = nearest_rows(scored, self.neighbours, rng)
        first = rng.integers(len(scored.value), size=2 * n)
        second = near[first, rng.integers(near.shape[1], size=2 * n)]
        same = scored.log.prompts[first] == scored.log.prompts[second]
        return order_pairs(scored, first[same], second[same], n)


@dataclass(frozen=True)
class Modelled:
    """Two rows of one prompt, ordered by the adjustment's fitted reward of their texts."""

    def __call__(self, scored: Scored, rng: np.random.Generator, n: int) -> Pairs:
        """Draw pairs."""
        _, _, coefficient = solve(scored)
        first = rng.integers(len(scored.value), size=2 * n)
        second = partners(scored.log.prompts, first, rng)
        return order_pairs(scored, first, second, n, scored.texts @ coefficient)


def order_pairs(
    scored: Scored, first: np.ndarray, second: np.ndarray, n: int, value: np.ndarray | None = None
) -> Pairs:
    """Order candidate pairs by value, dropping ties and equal texts; at most ``n`` remain.

    Raises:
        Incompatible: If no two rows differ in value and text.
    """
    value = scored.value if value is None else value
    texts = scored.log.texts
    distinct = (value[first] != value[second]) & (texts[first] != texts[second])
    first, second = first[distinct][:n], second[distinct][:n]
    if not len(first):
        raise Incompatible("no two rows that may be paired differ in value and text")
    better = value[first] > value[second]
    chosen, rejected = np.where(better, first, second), np.where(better, second, first)
    return Pairs(chosen, rejected, np.ones(len(chosen)), value[chosen] - value[rejected])


def partners(prompts: np.ndarray, first: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random row of the same prompt for each row; shape of ``first``."""
    _, group, counts = np.unique(prompts.astype(str), return_inverse=True, return_counts=True)
    members = np.argsort(group, kind="stable")
    starts = np.r_[0, np.cumsum(counts)[:-1]]
    pick = (rng.random(len(first)) * counts[group[first]]).astype(np.int64)
    return members[starts[group[first]] + pick]


def nearest_rows(scored: Scored, neighbours: int, rng: np.random.Generator) -> np.ndarray:
    """Rows nearest in covariates within the prompt, the row itself left out; shape (n, k).

    Rows of equal covariates have partners drawn at random among them.
    """
    from scipy.spatial import cKDTree

    columns = covariate_columns(scored.log)
    if not columns.shape[1]:
        raise Incompatible("matching needs recorded covariates")
    _, group = np.unique(scored.log.prompts.astype(str), return_inverse=True)
    # Prompts lie too far apart to mix. Without the jitter, all rows of one category would share
    # the same few partners.
    apart = 4.0 * (np.abs(columns).sum(axis=1).max() + 1.0)
    jitter = 1e-6 * rng.random((len(columns), 2))
    points = np.column_stack([columns, group * apart, jitter])
    k = min(neighbours + 1, len(points))
    if k < 2:
        raise Incompatible("matching needs at least two rows")
    _, rows = cKDTree(points).query(points, k=k)
    own = np.arange(len(points))
    itself = rows == own[:, None]
    rows = np.where(itself & ~itself[:, -1:], rows[:, -1:], rows)
    return rows[:, : k - 1]
