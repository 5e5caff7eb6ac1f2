"""Recording: which facts of a row reach the log, under which role.

A column is a role-named function of the row's facts. Texts, prompts and outcomes are
always recorded; everything else only where a scenario says so. No column may carry
the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from simulators.law.population import Features, People


@dataclass(frozen=True, eq=False)
class Rows:
    """Everything that is true of some rows; S texts a row.

    Attributes:
        people: Factor name to values, shape (n,).
        contexts: Context index, shape (n,).
        prompt_ids: Shape (n,).
        attributes: Shape (S, n, K).
        texts: One array of n strings a slot.
        index: Structural index, shape (S, n).
        outcomes: What was measured, shape (S, n).
        log_propensity: log P(text | prompt, person), shape (S, n).
        log_target: log P_int(text | prompt), shape (S, n).
        start: Row number of the first row.
        phrases: Phrase of each slot of the texts, shape (S, n, slots); None where wording does nothing.
    """

    people: People
    contexts: np.ndarray
    prompt_ids: np.ndarray
    attributes: np.ndarray
    texts: tuple[pa.Array, ...]
    index: np.ndarray
    outcomes: np.ndarray
    log_propensity: np.ndarray
    log_target: np.ndarray
    start: int
    phrases: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.prompt_ids)


Recorded = Callable[[Rows], np.ndarray]
RECORDING_ROLES = ("observed", "observation_propensity")
"""Columns that say whether, and how likely, the outcome of a row is recorded."""


@dataclass(frozen=True)
class Column:
    """One recorded column.

    Attributes:
        role: Column name, ``ROLE`` or ``GROUP.NAME`` (see the contract's roles).
        value: Rows to values, shape (n,).
    """

    role: str
    value: Recorded


@dataclass(frozen=True)
class Recording:
    """What a log of a world holds besides prompts, texts and outcomes.

    Attributes:
        columns: Extra columns, in order.
        outcome: What is written down as the outcome; by default what was measured.
        kept: Roles that the complete record keeps beside the true confounders.
        after: Columns whose role says "before" though they came after the text (bad controls).
    """

    columns: tuple[Column, ...] = ()
    outcome: Recorded | None = None
    kept: tuple[str, ...] = ("context", "unit", "time", "slot", "arm")
    after: tuple[str, ...] = ()

    def record(self, rows: Rows, every_outcome: bool = False) -> dict[str, np.ndarray]:
        """The extra columns of some rows.

        Args:
            rows: The rows.
            every_outcome: Whether the outcome of every row is recorded, and so with probability one.
        """
        record = {column.role: column.value(rows) for column in self.columns}
        if every_outcome:
            record |= {role: np.ones_like(record[role]) for role in RECORDING_ROLES if role in record}
        return record

    def record_complete(self, rows: Rows, *drivers: Features) -> dict[str, np.ndarray]:
        """Every driver of the outcome, correctly measured, in place of what is usually recorded."""
        record = {c.role: c.value(rows) for c in self.columns if c.role.partition(".")[0] in self.kept}
        for features in drivers:
            values = features(rows.people)
            record |= {f"covariate.{name}": values[:, i] for i, name in enumerate(features.names)}
        return record


@dataclass(frozen=True, eq=False)
class LogEdits:
    """What a family does to a log beside assigning texts and measuring outcomes.

    Attributes:
        recorded_mean: Mean outcomes by attribute vector to the means of what is recorded in their place,
            same shape; None where the outcome itself is recorded.
        rewrite: Attributes (S, n, K) of a log's rows to what they are after the texts were compared; it
            takes them, the outcomes (S, n) and the uniforms (S, n, K) of the attributes. None for no change.
        wording: Wording draws of texts that are used again and again, for each (prompt, code), shape
            (P, 2**K, choices); None where every row is worded afresh.
    """

    recorded_mean: Callable[[np.ndarray], np.ndarray] | None = None
    rewrite: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None
    wording: np.ndarray | None = None


def _factor(rows: Rows, name: str) -> np.ndarray:
    return rows.people[name]


def _mixture(rows: Rows, loadings: Mapping[str, float]) -> np.ndarray:
    return sum(loading * rows.people[name] for name, loading in loadings.items())  # type: ignore[return-value]


def _exponential(rows: Rows, name: str) -> np.ndarray:
    return np.exp(getattr(rows, name)[0])


def factors(*names: str, group: str = "covariate") -> tuple[Column, ...]:
    """Factors recorded as they are."""
    return tuple(Column(f"{group}.{name}", partial(_factor, name=name)) for name in names)


def _attribute(rows: Rows, k: int) -> np.ndarray:
    return rows.attributes[0][:, k]


def attribute_columns(names: Sequence[str], chosen: Iterable[int]) -> tuple[Column, ...]:
    """Some attributes of the text, recorded beside it."""
    return tuple(Column(f"attribute.{names[k]}", partial(_attribute, k=int(k))) for k in chosen)


def combination(role: str, **loadings: float) -> Column:
    """A weighted sum of factors, such as a signal plus its measurement error."""
    return Column(role, partial(_mixture, loadings=loadings))


PROPENSITIES = (
    Column("propensity", partial(_exponential, name="log_propensity")),
    Column("target_propensity", partial(_exponential, name="log_target")),
)
