"""Columns as numbers that methods take: categories, dates and missing values, with a word on each.

A column of few whole numbers is taken for categories by every method, so levels become whole numbers. A
column with more than ``LEVELS`` levels becomes several, each of which tells that many levels apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.advice.reading.profile import BOOLEAN, DATE, NUMBER, Column

LEVELS = 11
MOST_COLUMNS = 3


@dataclass(frozen=True, eq=False)
class Encoded:
    """Number columns made of one column.

    Attributes:
        columns: Name to values, shape (n,), finite.
        notes: What was done, in sentences.
        categorical: Names of the columns whose numbers are levels.
    """

    columns: dict[str, np.ndarray]
    notes: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()


def encode_covariate(column: Column) -> Encoded:
    """A covariate as number columns without missing values."""
    if column.kind == DATE:
        return _encode_dates(column)
    if column.is_numeric:
        return _encode_numbers(column)
    return _encode_levels(column)


def _encode_numbers(column: Column) -> Encoded:
    absent = column.missing
    if not absent.any():
        note = (f"{column.name}: false is 0, true is 1.",) if column.kind == BOOLEAN else ()
        return Encoded({column.name: column.values}, note)
    centre = float(np.median(column.values[~absent]))
    filled = np.where(absent, centre, column.values)
    return Encoded(
        {column.name: filled, f"{column.name}_missing": absent.astype(float)},
        (
            f"{column.name}: {_count(absent)} missing values{_unreadable(column)} became the median, "
            f"{centre:g}; {column.name}_missing marks them.",
        ),
        (f"{column.name}_missing",),
    )


def _encode_levels(column: Column) -> Encoded:
    absent = column.missing
    counts = pd.Series(column.values[~absent]).value_counts()
    levels = sorted(counts.index, key=lambda level: (-counts[level], str(level)))
    told = levels[: LEVELS * MOST_COLUMNS]
    code = {level: place for place, level in enumerate(told)}
    place = np.array(
        [
            -1 if missing else code.get(value, len(told))
            for value, missing in zip(column.values, absent, strict=True)
        ]
    )
    made: dict[str, np.ndarray] = {}
    parts = max(1, -(-len(told) // LEVELS))
    for part in range(parts):
        name = column.name if part == 0 else f"{column.name}_{part + 1}"
        inside = (place >= part * LEVELS) & (place < (part + 1) * LEVELS)
        made[name] = np.where(inside, place - part * LEVELS + 1, 0).astype(float)
    notes = [f"{column.name}: {len(levels)} categories became numbers."]
    if len(levels) > len(told):
        share = float(counts[levels[len(told) :]].sum() / counts.sum())
        others = f"{share:.1%} of rows"
        notes.append(f"{column.name}: all but the {len(told)} most frequent ({others}) are one category.")
    names = tuple(made)
    if absent.any():
        made[f"{column.name}_missing"] = absent.astype(float)
        names += (f"{column.name}_missing",)
        notes.append(f"{column.name}: {_count(absent)} missing values are marked by {column.name}_missing.")
    return Encoded(made, tuple(notes), names)


def _encode_dates(column: Column) -> Encoded:
    absent = column.missing
    days = np.where(absent, np.median(column.values[~absent]), column.values)
    weekday = np.floor(days + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    made = {column.name: days - days.min(), f"{column.name}_weekday": weekday}
    notes = [f"{column.name}: dates became days since the first and the day of the week (0 is Monday)."]
    hours = (days % 1) * 24
    if len(np.unique(np.floor(hours))) > 1:
        angle = 2 * np.pi * hours / 24
        made |= {f"{column.name}_hour_sin": np.sin(angle), f"{column.name}_hour_cos": np.cos(angle)}
        notes.append(f"{column.name}: the hour became its sine and cosine.")
    if absent.any():
        made[f"{column.name}_missing"] = absent.astype(float)
        notes.append(
            f"{column.name}: {_count(absent)} missing dates{_unreadable(column)} became the median date; "
            f"{column.name}_missing marks them."
        )
    varied = {name: values for name, values in made.items() if np.ptp(values) > 0}
    return Encoded(varied, tuple(notes), (f"{column.name}_weekday",))


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome as numbers.

    Attributes:
        values: Shape (n,), NaN where missing.
        feedback: ``"binary"``, ``"rating"``, ``"count"`` or ``"scalar"``.
        note: What was done.
    """

    values: np.ndarray
    feedback: str
    note: str


def encode_outcome(column: Column) -> Outcome:
    """The outcome as numbers, and what kind of number it is."""
    if column.is_numeric or (column.kind == "constant" and column.values.dtype != object):
        values = column.values.astype(float)
        seen = values[np.isfinite(values)]
        levels = np.unique(seen)
        if len(levels) == 2:
            low, high = levels
            note = (
                "0 or 1: it is binary"
                if (low, high) == (0, 1)
                else f"{low:g} became 0 and {high:g} became 1: it is binary"
            )
            return Outcome(np.where(np.isfinite(values), (values == high) * 1.0, np.nan), "binary", note)
        whole = column.kind == NUMBER and bool((seen == np.round(seen)).all())
        if whole and 3 <= len(levels) <= 10 and levels[0] == 1 and levels[-1] == len(levels):
            return Outcome(
                values, "rating", f"{len(levels)} levels from {levels[0]:g} to {levels[-1]:g}: it is a rating"
            )
        if whole and len(levels) and levels[0] >= 0:
            return Outcome(values, "count", "whole numbers of at least 0: it is a count")
        return Outcome(values, "scalar", "it is a number")
    words = sorted({str(value) for value in column.values[~column.missing]})
    if len(words) != 2:
        return Outcome(np.full(len(column.values), np.nan), "scalar", f"{len(words)} words: it is no outcome")
    rare = min(words, key=lambda word: int((column.values == word).sum()))
    values = np.where(column.missing, np.nan, column.values == rare).astype(float)
    return Outcome(values, "binary", f"{rare!r}, the rarer of the two words, became 1: it is binary")


def _count(absent: np.ndarray) -> str:
    return f"{int(absent.sum())} of {len(absent)}"


def _unreadable(column: Column) -> str:
    return f" ({column.unreadable} of them unreadable)" if column.unreadable else ""
