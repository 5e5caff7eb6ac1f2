"""What the columns of a table hold: numbers, dates, categories, texts. Knows nothing of roles.

Values arrive as text where a file has no types, so types are found in the values themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmark.advice.reading.sample import is_missing

NUMBER, BOOLEAN, DATE, CATEGORY, TEXT = "number", "boolean", "date", "category", "text"
CONSTANT, IDENTIFIER, EMPTY, OTHER = "constant", "identifier", "empty", "other"
TRUE_WORDS = {"true", "yes", "y", "t", "on"}
FALSE_WORDS = {"false", "no", "n", "f", "off"}
SHARE = 0.95  # of the values that must fit a type
LONG_TEXT, MANY_WORDS = 15.0, 2.0
MOST_LEVELS = 0.5  # distinct values of a category as a share of the rows
EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the sample.

    Attributes:
        name: Its name.
        kind: ``"number"``, ``"boolean"``, ``"date"``, ``"category"``, ``"text"``, ``"constant"``,
            ``"identifier"``, ``"empty"`` or ``"other"``.
        values: Float numbers of numbers, booleans (0, 1) and dates (days since 1970), else strings;
            missing values are NaN or None; shape (n,).
        distinct: Distinct values that are not missing.
        examples: Some values, as text.
        unreadable: Values that do not fit the kind and count as missing.
        words: Mean number of words of a value, for texts.
    """

    name: str
    kind: str
    values: np.ndarray
    distinct: int
    examples: tuple[str, ...]
    unreadable: int = 0
    words: float = 0.0

    @property
    def is_numeric(self) -> bool:
        """Whether ``values`` are numbers."""
        return self.kind in (NUMBER, BOOLEAN, DATE)

    @property
    def missing(self) -> np.ndarray:
        """Which values are missing, shape (n,), bool."""
        return np.isnan(self.values) if self.is_numeric else pd.isna(self.values)


def profile_column(name: str, column: pa.ChunkedArray) -> Column:
    """Find out what a column holds."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return Column(name, OTHER, np.full(len(column), None, object), 0, (str(kind),))
    absent = is_missing(column.combine_chunks()).to_numpy(zero_copy_only=False)
    present = pd.Series(column.to_pandas()[~absent])
    shown = tuple(str(value)[:60] for value in present.drop_duplicates().head(EXAMPLES))
    if present.empty:
        return Column(name, EMPTY, np.full(len(column), None, object), 0, ())
    numbers, unreadable, found = _read_values(present, kind)
    if numbers is None:
        strings = present.astype(str).str.strip()
        distinct, words = int(strings.nunique()), float(strings.str.count(r"\S+").mean())
        values = np.full(len(column), None, object)
        values[~absent] = strings.to_numpy(object)
        return Column(name, _kind_of_text(strings, distinct, words), values, distinct, shown, 0, words)
    values = np.full(len(column), np.nan)
    values[~absent] = numbers
    distinct = len(np.unique(numbers[np.isfinite(numbers)]))
    return Column(name, CONSTANT if distinct == 1 else found, values, distinct, shown, unreadable)


def _read_values(present: pd.Series[Any], kind: pa.DataType) -> tuple[np.ndarray | None, int, str]:
    """The values as numbers, how many could not be read, and the kind; None where they are words."""
    if pa.types.is_boolean(kind):
        return present.astype(float).to_numpy(), 0, BOOLEAN
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _finite(present.astype(float).to_numpy(), NUMBER)
    if pa.types.is_temporal(kind):
        return _finite(_days(pd.to_datetime(present.astype(str), errors="coerce", utc=True)), DATE)
    words = present.astype(str).str.strip()
    lowered = words.str.lower()
    if lowered.isin(TRUE_WORDS | FALSE_WORDS).all():
        return lowered.isin(TRUE_WORDS).to_numpy(float), 0, BOOLEAN
    numbers = pd.to_numeric(words, errors="coerce")
    if numbers.notna().mean() < SHARE and words.str.fullmatch(r"[-+]?\d+,\d+|[-+]?\d+").mean() >= SHARE:
        numbers = pd.to_numeric(words.str.replace(",", ".", regex=False), errors="coerce")
    if numbers.notna().mean() >= SHARE:
        return _finite(numbers.to_numpy(float), NUMBER)
    dated = words.str.contains(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|^\d{4}-\d{2}", regex=True)
    if dated.mean() >= SHARE:
        dates = pd.to_datetime(words, errors="coerce", utc=True, format="mixed")
        if dates.notna().mean() >= SHARE:
            return _finite(_days(dates), DATE)
    return None, 0, ""


def _finite(numbers: np.ndarray, kind: str) -> tuple[np.ndarray | None, int, str]:
    read = np.where(np.isfinite(numbers), numbers, np.nan)
    return read, int(np.isnan(read).sum()), kind


def _days(dates: Any) -> np.ndarray:
    """Days since 1970-01-01, NaN where there is no date."""
    return ((dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)).to_numpy(float)


def _kind_of_text(strings: pd.Series[Any], distinct: int, words: float) -> str:
    if distinct == 1:
        return CONSTANT
    if words >= MANY_WORDS and (
        strings.str.len().mean() >= LONG_TEXT or distinct > MOST_LEVELS * len(strings)
    ):
        return TEXT
    return IDENTIFIER if distinct > MOST_LEVELS * len(strings) and distinct > 20 else CATEGORY
