"""What a board is made of: tables of plain values that every renderer understands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LONGEST = 400
"""Tables with more rows are written to files of their own alone."""


@dataclass(frozen=True)
class Span:
    """An estimate with its interval.

    Attributes:
        value: Point estimate.
        low: Lower limit; ``-inf`` where there is none, NaN where unknown.
        high: Upper limit.
        outside: The set is everything *outside* (low, high): an unresolved ratio.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    outside: bool = False

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))


def make_span(value: float, low: float, high: float, digits: int = 6, outside: bool = False) -> Span:
    """A span with its numbers rounded and no negative zeros."""
    value, low, high = (round(float(x), digits) + 0.0 for x in (value, low, high))
    return Span(value, low, high, outside)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Key in csv and json, ``snake_case``.
        title: Heading.
        digits: Decimals of numbers and spans.
        note: One sentence saying what it is.
        least: Positive numbers below this are shown as "< least".
        bounds: Range of possible values; intervals are cut there.
    """

    name: str
    title: str
    digits: int = 3
    note: str = ""
    least: float = 0.0
    bounds: tuple[float, float] = (-math.inf, math.inf)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: File name without ending.
        title: Heading.
        columns: The columns.
        rows: One tuple a row: text, int, float, bool, ``Span`` or None (nothing to show).
        text: What to know before reading it.
        notes: Footnotes.
        emphasis: Class of each row (``"naive"``, ``"ceiling"``, ``"canary"`` or ``""``).
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    text: str = ""
    notes: tuple[str, ...] = ()
    emphasis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Board:
    """A rendered board, as data.

    Attributes:
        suite: Name of the suite.
        version: Version of the suite.
        season: Season of the worlds.
        header: Short facts for the top: what was measured and what can be resolved.
        tables: The tables, in order.
        problems: What makes the board incomplete or invalid; empty is good.
        timings: Tables of run time, never part of the ranked output.
        provenance: When the records were made and by which versions, as names and values.
        files: What was written, relative to the output folder.
    """

    suite: str
    version: str
    season: str
    header: tuple[str, ...]
    tables: tuple[Table, ...]
    problems: tuple[str, ...] = ()
    timings: tuple[Table, ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = field(default=())

    @property
    def is_complete(self) -> bool:
        """Whether every planned cell was measured and every control held."""
        return not self.problems

    def table(self, name: str) -> Table | None:
        """A table by name."""
        return next((table for table in self.tables if table.name == name), None)


def format_count(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun: ``format_count(1, "family", "families")`` is ``"1 family"``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def format_number(value: float, digits: int) -> str:
    """A number with a true minus sign, no negative zero, and words for what is not finite."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) != 0 else f"{0:.{digits}f}"


def format_value(value: Any, digits: int = 3) -> str:
    """A cell as text."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Span):
        return format_span(value, digits)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return format_number(value, digits)
    return str(value)


def format_cell(value: Any, column: Column) -> str:
    """A cell as its column shows it."""
    if isinstance(value, float) and 0 <= value < column.least:
        return f"< {column.least:g}"
    return format_value(value, column.digits)


def format_span(span: Span, digits: int) -> str:
    """``0.12 [0.08, 0.16]``; an unresolved ratio says so."""
    value = format_number(span.value, digits)
    if not span.is_known:
        return value
    low, high = format_number(span.low, digits), format_number(span.high, digits)
    if span.outside:
        return f"{value} [≤ {low} or ≥ {high}]"
    if math.isinf(span.low) and math.isinf(span.high):
        return f"{value} [any]"
    return f"{value} [{low}, {high}]"


def make_table(
    name: str, title: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]], **details: Any
) -> Table:
    """A table from any sequences."""
    return Table(name, title, tuple(columns), tuple(tuple(row) for row in rows), **details)
