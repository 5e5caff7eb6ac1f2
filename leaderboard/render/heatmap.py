"""The table of methods against families: how much of the confounding each method removes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard.tables import Span, format_number

STEPS = 4
UNRESOLVED = "unresolved"
BLANK = {"incompatible": "does not take this log", "failed": "failed", "missing": "not measured"}


@dataclass(frozen=True)
class Cell:
    """What one method does in one family.

    Attributes:
        text: What is shown, in percent.
        style: Class of the cell: ``p0`` to ``p4`` where confounding is removed, ``n1`` to ``n4`` where it is
            added, ``incompatible``, ``failed`` or ``missing``; followed by ``unresolved`` where it is open.
        title: The same in words.
        order: By what a column is sorted.
    """

    text: str
    style: str
    title: str
    order: float


@dataclass(frozen=True)
class Row:
    """A method and its cells, one a family."""

    name: str
    label: str
    role: str
    track: str
    cells: tuple[Cell, ...]
    mean: float


@dataclass(frozen=True)
class Heatmap:
    """All methods on one backbone.

    Attributes:
        backbone: What the methods trained on.
        families: Name and board of each column; a family whose settings are on two boards has two columns.
        rows: Sorted, best mean first; canaries last.
    """

    backbone: str
    families: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


def make_heatmaps(rows: Sequence[Mapping[str, Any]], boards: Sequence[str]) -> list[Heatmap]:
    """One heatmap for each backbone, the largest first.

    Args:
        rows: Of the table ``family-parts``.
        boards: The boards that are shown, in the order of the columns.
    """
    found = []
    for backbone in sorted({str(row["backbone"]) for row in rows}):
        part = [row for row in rows if row["backbone"] == backbone and row["board"] in boards]
        part = [row for row in part if row["role"] != "ceiling"]
        columns = {(str(row["family"]), str(row["board"])) for row in part}
        families = sorted(columns, key=lambda column: (boards.index(column[1]), column[0]))
        cells: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {}
        for row in first_tracks(part):
            cells.setdefault(str(row["entrant"]), {})[str(row["family"]), str(row["board"])] = row
        made = [_make_row(name, own, families) for name, own in cells.items()]
        # A constant reward removes all confounding and is of no use, so that canaries come last.
        made.sort(key=lambda row: (row.role == "canary", -row.mean, row.name))
        found.append(Heatmap(backbone, tuple(families), tuple(made)))
    return sorted(found, key=lambda heatmap: (-len(heatmap.rows), heatmap.backbone))


def first_tracks(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows of a family and entrant once each: references are in every track, and that of the log counts."""
    order = sorted(rows, key=lambda row: (row["track"] != "log", row["status"] != "ok"))
    names = ("entrant", "family", "board", "kind", "backbone")
    return list({tuple(row[name] for name in names): row for row in reversed(order)}.values())[::-1]


def _make_row(
    name: str, own: Mapping[tuple[str, str], Mapping[str, Any]], families: Sequence[tuple[str, str]]
) -> Row:
    cells = tuple(make_cell(own.get(column), column[0]) for column in families)
    values = [max(min(cell.order, 1.0), -1.0) for cell in cells if math.isfinite(cell.order)]
    any_row = next(iter(own.values()))
    mean = round(sum(values) / len(values), 6) if values else -math.inf
    return Row(name, str(any_row["label"]), str(any_row["role"]), str(any_row["track"]), cells, mean)


def make_cell(row: Mapping[str, Any] | None, family: str) -> Cell:
    """A cell of the table; None stands for a method without a record of the family."""
    status = "missing" if row is None else str(row["status"])
    if row is None or status != "ok":
        text = "failed" if status == "failed" else ""
        return Cell(text, status, f"{family}: {BLANK.get(status, status)}", -math.inf)
    span = row["removed"]
    if not isinstance(span, Span) or not math.isfinite(span.value):
        return Cell("?", UNRESOLVED, f"{family}: not determined", -math.inf)
    step = max(-STEPS, min(STEPS, round(span.value * STEPS)))
    style = f"p{step}" if step >= 0 else f"n{-step}"
    open_ = not is_resolved(span)
    return Cell(
        format_percent(span.value),
        f"{style} {UNRESOLVED}" if open_ else style,
        f"{family}: {show_removed(span)} of the confounding is removed" + (", unresolved" if open_ else ""),
        round(span.value, 6),
    )


def is_resolved(span: Span) -> bool:
    """Whether an interval says something: it is bounded and does not hold both 0 (nothing) and 1 (all)."""
    if span.outside or not (math.isfinite(span.low) and math.isfinite(span.high)):
        return False
    return not (span.low <= 0 and span.high >= 1)


def format_percent(value: float) -> str:
    """A share in percent without the sign; below −99 it says no more than that."""
    return "≤−100" if value <= -0.995 else format_number(100 * value, 0)


def show_removed(span: Span) -> str:
    """``92 % [88, 95]``, in words where the interval is not bounded."""
    value = f"{format_percent(span.value)}\N{NO-BREAK SPACE}%"
    if not span.is_known:
        return value
    if not is_resolved(span) and (span.outside or not math.isfinite(span.low + span.high)):
        return f"{value} [not determined]"
    return f"{value} [{format_percent(span.low)}, {format_percent(span.high)}]"
