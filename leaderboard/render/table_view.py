"""A table as the templates show it: cells as text, intervals apart, bars where a column has them."""

from __future__ import annotations

from typing import Any

from leaderboard.render.markdown import is_number_column
from leaderboard.tables import Column, Span, Table, format_cell, format_number, format_span

OPEN = ("ranking", "claims")


def view_table(table: Table) -> dict[str, Any]:
    """The table as plain data for a template."""
    right = [is_number_column(table, i) for i in range(len(table.columns))]
    scales = [_scale(table, i) for i in range(len(table.columns))]
    rows = []
    for number, row in enumerate(table.rows):
        cells = [
            _cell(value, column, is_right, scale)
            for value, column, is_right, scale in zip(row, table.columns, right, scales, strict=True)
        ]
        style = table.emphasis[number] if table.emphasis else ""
        rows.append({"cells": cells, "style": style})
    return {
        "name": table.name,
        "title": table.title,
        "text": table.text,
        "notes": table.notes,
        "columns": [
            {"title": c.title, "note": c.note, "right": r} for c, r in zip(table.columns, right, strict=True)
        ],
        "rows": rows,
        "open": table.name.startswith(OPEN) and "-part-" not in table.name,
    }


def _scale(table: Table, index: int) -> tuple[float, float] | None:
    """The range of a span column, for its bars; None where it holds no spans."""
    ends = []
    for row in table.rows:
        value = row[index]
        if isinstance(value, Span) and value.is_known and not value.outside:
            ends += [end for end in (value.value, value.low, value.high) if abs(end) < 10]
    if table.columns[index].name not in ("improvement", "harm") or not ends:
        return None
    low, high = min(0.0, *ends), max(0.0, *ends)
    return (low, high) if high > low else None


def _cell(value: Any, column: Column, right: bool, scale: tuple[float, float] | None) -> dict[str, Any]:
    cell: dict[str, Any] = {"text": format_cell(value, column), "right": right, "range": "", "bar": None}
    if isinstance(value, Span):
        whole = format_span(value, column.digits)
        cell["text"] = format_number(value.value, column.digits)
        cell["range"] = whole[len(cell["text"]) :].strip()
        if scale and value.is_known and not value.outside:
            cell["bar"] = _bar(value, scale)
    elif isinstance(value, bool):
        cell["text"] = "yes" if value else ""
    return cell


def _bar(span: Span, scale: tuple[float, float]) -> dict[str, str]:
    """Positions in per cent of an interval's bar, its point and zero."""
    low, high = scale
    place = lambda x: 100 * (min(max(x, low), high) - low) / (high - low)  # noqa: E731 (used thrice, here alone)
    return {
        "left": f"{place(span.low):.2f}",
        "width": f"{place(span.high) - place(span.low):.2f}",
        "point": f"{place(span.value):.2f}",
        "zero": f"{place(0.0):.2f}",
    }
