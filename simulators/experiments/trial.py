"""A randomised experiment on texts, read from any table.

A row is one randomised arm with a total over many measurements, or one measurement. Rows of the
same test compare: within a test, who saw which text was decided at random. Knows no log and no truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmark.contract.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Columns:
    """Which column of a table is what.

    Attributes:
        text: The text.
        test: Columns whose combination names a test: rows that agree on them were randomised against
            one another and differ in the text alone.
        outcome: What was measured; with ``weight``, how many of the measurements were a success.
        weight: How many measurements the row stands for; None where a row is one measurement.
        group: What is never split between the log and the truth; by default the first of ``test``.
        prompt: What the writer was asked for; None where all texts answer the same request.
        covariates: Numbers known before the text was chosen.
        time: When the row was logged.
        exclude: A true-or-false column; rows where it is true are dropped.
    """

    text: str
    test: tuple[str, ...]
    outcome: str
    weight: str | None = None
    group: str | None = None
    prompt: str | None = None
    covariates: tuple[str, ...] = ()
    time: str | None = None
    exclude: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that must exist."""
        optional = (self.weight, self.group, self.prompt, self.time, self.exclude)
        return (self.text, *self.test, self.outcome, *self.covariates, *(c for c in optional if c))


@dataclass(frozen=True, eq=False)
class Trial:
    """A randomised experiment; arrays have one entry a row.

    Attributes:
        texts: Object dtype.
        prompts: Object dtype.
        tests: Test of each row, 0, 1, ...
        groups: Group of each row, 0, 1, ...
        totals: Sum of the measurements.
        weights: Number of measurements, above 0.
        counted: Whether totals count successes among the measurements.
        covariates: Shape (n, d).
        covariate_names: Length d.
        times: Or None.
    """

    texts: np.ndarray
    prompts: np.ndarray
    tests: np.ndarray
    groups: np.ndarray
    totals: np.ndarray
    weights: np.ndarray
    counted: bool
    covariates: np.ndarray
    covariate_names: tuple[str, ...]
    times: np.ndarray | None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def outcomes(self) -> np.ndarray:
        """Mean outcome of each row."""
        return self.totals / self.weights

    @cached_property
    def arms(self) -> np.ndarray:
        """Rows of one test with the same text share a number, 0, 1, ..."""
        return number_of([self.tests, self.texts])

    def take(self, rows: np.ndarray) -> Trial:
        """Some of the rows."""
        names = ("texts", "prompts", "tests", "groups", "totals", "weights", "covariates")
        times = None if self.times is None else self.times[rows]
        return replace(self, **{name: getattr(self, name)[rows] for name in names}, times=times)


def read_trial(table: pa.Table, columns: Columns, task: str = "Write a text.") -> Trial:
    """A trial from a table; rows without a text, an outcome or a covariate are dropped.

    Args:
        table: Any table.
        columns: What its columns are.
        task: The prompt of every text where no column holds one.

    Raises:
        UsageError: If a column is missing or of the wrong type, or too little is left.
    """
    missing = [name for name in columns.named if name not in table.column_names]
    if missing:
        raise UsageError(
            "the experiment names columns that the table does not have",
            expected=", ".join(table.column_names),
            found=", ".join(missing),
            fix=_nearest(missing[0], table.column_names),
        )
    texts = pc.utf8_trim_whitespace(pc.replace_substring_regex(_strings(table, columns.text), r"\s+", " "))
    texts = texts.to_numpy(zero_copy_only=False).astype(object)
    totals = _numbers(table, columns.outcome)
    weights = _numbers(table, columns.weight) if columns.weight else np.ones(len(table))
    covariates = np.zeros((len(table), 0))
    if columns.covariates:
        covariates = np.stack([_numbers(table, name) for name in columns.covariates], axis=1)
    times = _numbers(table, columns.time) if columns.time else np.zeros(len(table))
    kept = (texts != "") & np.isfinite(totals) & (weights > 0) & np.isfinite(times)
    kept &= np.isfinite(covariates).all(axis=1)
    if columns.exclude:
        kept &= ~_flags(table, columns.exclude)
    if not kept.any():
        raise UsageError(
            "nothing is left of the experiment",
            expected="rows with a text, an outcome and every covariate, a positive weight, not excluded",
            found=f"{len(table)} rows, none of them complete",
            fix="look at the columns named for empty values",
        )
    rows = np.flatnonzero(kept)
    prompts = np.full(len(table), task, dtype=object)
    if columns.prompt:
        prompts = _strings(table, columns.prompt).to_numpy(zero_copy_only=False).astype(object)
    labels = [_strings(table, name).to_numpy(zero_copy_only=False).astype(object) for name in columns.test]
    group = _strings(table, columns.group or columns.test[0]).to_numpy(zero_copy_only=False).astype(object)
    return Trial(
        texts[rows],
        prompts[rows],
        number_of([label[rows] for label in labels]),
        number_of([group[rows]]),
        totals[rows],
        weights[rows],
        columns.weight is not None,
        covariates[rows],
        columns.covariates,
        times[rows] if columns.time else None,
    )


def _nearest(name: str, columns: Sequence[str]) -> str:
    hint = unknown_name("column", name, columns).fix
    return hint or "say which column is what"


def number_of(labels: Sequence[np.ndarray]) -> np.ndarray:
    """Rows with equal labels share a number 0, 1, ...; labels are strings or numbers, one array each."""
    number = np.zeros(len(labels[0]), dtype=np.int64)
    for label in labels:
        codes = pa.array(label).dictionary_encode()
        number = number * (len(codes.dictionary) + 1) + codes.indices.to_numpy()
        number = np.unique(number, return_inverse=True)[1].astype(np.int64)
    return number


def _strings(table: pa.Table, name: str) -> pa.Array:
    try:
        values = pc.cast(table.column(name), pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError(f"column {name!r} must hold text or labels", found=table.column(name).type) from None
    return pc.fill_null(values.combine_chunks(), "")


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    try:
        values = pc.cast(table.column(name), pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        values = table.column(name)
        example = next((str(v) for v in values.unique().to_pylist() if not _is_number(v)), "")
        raise UsageError(
            f"column {name!r} must hold numbers",
            expected="int, float or bool",
            found=f"{values.type}, such as {example!r}",
            fix="name another column, or write categories as 0 and 1",
        ) from None
    return pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False)


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return value is None
    return True


def _flags(table: pa.Table, name: str) -> np.ndarray:
    return _numbers(table, name) != 0
