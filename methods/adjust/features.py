"""Design matrices from a log: text features, covariate columns, prompt indicators.

What a column means is read from its role; integer columns of few values are taken as
categories, others are standardised. A design remembers the log it was learnt on, so that
queries are encoded alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmark.contract import Harness, Log
from benchmark.contract.roles import GROUPS

MOST_CATEGORIES = 12


@dataclass(frozen=True, eq=False)
class Basis:
    """Columns made from numbers: indicators for categories, standardised values otherwise.

    Attributes:
        parts: For each input column either its categories (k,) or (mean, scale) as a pair.
        centre: Means of the made columns on the log, shape (q,).
    """

    parts: tuple[np.ndarray | tuple[float, float], ...]
    centre: np.ndarray

    @classmethod
    def learn(cls, values: np.ndarray) -> Basis:
        """Learn a basis from values of shape (n, d); d may be 0."""
        parts = tuple(_describe(column) for column in values.T)
        return cls(parts, cls(parts, np.zeros(0))._raw(values).mean(axis=0))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Centred columns, shape (n, q)."""
        return self._raw(values) - self.centre

    def _raw(self, values: np.ndarray) -> np.ndarray:
        made = [_expand(column, part) for column, part in zip(values.T, self.parts, strict=True)]
        return np.column_stack(made) if made else np.zeros((len(values), 0))


def _describe(column: np.ndarray) -> np.ndarray | tuple[float, float]:
    distinct = np.unique(column)
    if len(distinct) <= MOST_CATEGORIES and (distinct == np.round(distinct)).all():
        return distinct
    return float(column.mean()), float(column.std()) or 1.0


def _expand(column: np.ndarray, part: np.ndarray | tuple[float, float]) -> np.ndarray:
    if isinstance(part, tuple):
        return ((column - part[0]) / part[1])[:, None]
    return (column[:, None] == part[None, 1:]).astype(np.float64)


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """Encoded texts, and their products with the context where effects vary with it.

    Attributes:
        harness: Supplies the encoder.
        names: Context columns of the log.
        basis: Turns context columns into numbers.
    """

    harness: Harness
    names: tuple[str, ...]
    basis: Basis

    @classmethod
    def learn(cls, log: Log, harness: Harness) -> TextFeatures:
        """The features of a log's texts."""
        return cls(harness, log.names("context"), Basis.learn(log.matrix("context")))

    def __call__(
        self, prompts: np.ndarray, texts: np.ndarray, context: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """Features, shape (n, d); without a context, effects at its average are given."""
        encoded = np.asarray(self.harness.encode(prompts, texts), dtype=np.float64)
        if not self.names:
            return encoded
        columns = self._context(context, len(encoded))
        blocks = [encoded, *(encoded * columns[:, [k]] for k in range(columns.shape[1]))]
        return np.concatenate(blocks, axis=1)

    def of_log(self, log: Log, column: str = "text") -> np.ndarray:
        """Features of one text column of a log, shape (n, d)."""
        context = {name: log.numbers(f"context.{name}") for name in self.names}
        return self(log.prompts, log.strings(column), context)

    def _context(self, context: Mapping[str, np.ndarray] | None, n: int) -> np.ndarray:
        if not context or any(name not in context for name in self.names):
            return np.zeros((n, len(self.basis.centre)))
        given = [np.asarray(context[name], dtype=np.float64) for name in self.names]
        return self.basis(np.column_stack(given))


def prompt_columns(prompts: np.ndarray) -> np.ndarray:
    """Indicators of the prompts, shape (n, p - 1); none where prompts barely repeat."""
    distinct, index = np.unique(prompts.astype(str), return_inverse=True)
    if len(distinct) * 8 > len(prompts):
        return np.zeros((len(prompts), 0))
    return (index[:, None] == np.arange(1, len(distinct))).astype(np.float64)


def base_columns(log: Log) -> np.ndarray:
    """What every regression on a log partials out: intercept, prompts, context levels; (n, q)."""
    context = log.matrix("context")
    return np.column_stack([np.ones(len(log)), prompt_columns(log.prompts), Basis.learn(context)(context)])


def role_values(log: Log, roles: tuple[str, ...] = ("covariate",)) -> np.ndarray:
    """Number columns of some roles side by side, shape (n, d); absent roles are skipped."""
    blocks = [
        log.matrix(role) if role in GROUPS else log.numbers(role)[:, None] for role in roles if log.has(role)
    ]
    return np.concatenate([np.zeros((len(log), 0)), *blocks], axis=1)


def covariate_columns(log: Log, roles: tuple[str, ...] = ("covariate",)) -> np.ndarray:
    """What is adjusted for, as centred columns, shape (n, q); time enters as a smooth curve."""
    plain = role_values(log, tuple(role for role in roles if role != "time"))
    columns = Basis.learn(plain)(plain)
    if "time" not in roles or not log.has("time"):
        return columns
    curve = flexible_columns(log.numbers("time")[:, None], knots=8)
    return np.column_stack([columns, curve - curve.mean(axis=0)])


def control_columns(log: Log, roles: tuple[str, ...] = ("covariate",)) -> np.ndarray:
    """All that a covariate adjustment partials out: the base columns and those of some roles; (n, q)."""
    return np.column_stack([base_columns(log), covariate_columns(log, roles)])


def flexible_columns(values: np.ndarray, knots: int = 5, most: int = 400) -> np.ndarray:
    """A smooth basis of a few numbers: splines and their pairwise products, shape (n, q).

    Args:
        values: Shape (n, d).
        knots: Spline knots of a continuous column.
        most: Products are thinned to at most this many columns.
    """
    from sklearn.preprocessing import SplineTransformer

    blocks = []
    for column in values.T:
        part = _describe(column)
        if isinstance(part, tuple):
            spline = SplineTransformer(knots, degree=3, knots="quantile", extrapolation="linear")
            distinct = len(np.unique(column)) > knots
            made = spline.fit_transform(column[:, None])[:, 1:] if distinct else column[:, None]
            blocks.append(np.column_stack([(column - part[0]) / part[1], made]))
        else:
            blocks.append(_expand(column, part))
    if not blocks:
        return np.zeros((len(values), 0))
    products = [
        (first[:, :, None] * second[:, None, :]).reshape(len(values), -1)
        for i, first in enumerate(blocks)
        for second in blocks[i + 1 :]
    ]
    crossed = np.concatenate(products, axis=1) if products else np.zeros((len(values), 0))
    if crossed.shape[1] > most:
        crossed = crossed[:, np.linspace(0, crossed.shape[1] - 1, most).astype(int)]
    joined = np.concatenate([*blocks, crossed], axis=1)
    scale = joined.std(axis=0)
    return joined[:, scale > 1e-12] / scale[scale > 1e-12]
