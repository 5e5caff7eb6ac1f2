"""Tables as csv and json: spans become three columns, nothing is lost to formatting."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from leaderboard.render.page_tables import downloads_of
from leaderboard.tables import LONGEST, Board, Span, Table


def render_csv(table: Table) -> str:
    """A table as csv; a span column ``x`` becomes ``x``, ``x_low`` and ``x_high``."""
    spans = [any(isinstance(row[i], Span) for row in table.rows) for i in range(len(table.columns))]
    header: list[str] = []
    for column, is_span in zip(table.columns, spans, strict=True):
        header += [column.name, f"{column.name}_low", f"{column.name}_high"] if is_span else [column.name]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in table.rows:
        cells: list[Any] = []
        for value, is_span in zip(row, spans, strict=True):
            cells += _spread(value) if is_span else [_plain(value)]
        writer.writerow(cells)
    return buffer.getvalue()


def render_json(board: Board) -> str:
    """The board without timings and long tables as json; what is not finite is null or ``"inf"``."""
    content = {
        "suite": board.suite,
        "version": board.version,
        "season": board.season,
        "complete": board.is_complete,
        "header": list(board.header),
        "problems": list(board.problems),
        "tables": {t.name: table_data(t) for t in downloads_of(board) if len(t.rows) <= LONGEST},
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def render_table_json(table: Table) -> str:
    """One table as json, a row a line in the order of its columns; a span is ``[value, low, high]``."""
    lead = {
        "title": table.title,
        "text": table.text,
        "notes": list(table.notes),
        "columns": [{"name": c.name, "title": c.title, "note": c.note} for c in table.columns],
    }
    rows = [[_as_list(value) for value in row] for row in table.rows]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return json.dumps(lead, ensure_ascii=False)[:-1] + f', "rows": [\n{lines}\n]}}\n'


def table_data(table: Table) -> dict[str, Any]:
    """A table as plain data, one object a row."""
    names = [column.name for column in table.columns]
    return {
        "title": table.title,
        "text": table.text,
        "notes": list(table.notes),
        "columns": [{"name": c.name, "title": c.title, "note": c.note} for c in table.columns],
        "rows": [{n: _as_data(v) for n, v in zip(names, row, strict=True)} for row in table.rows],
    }


def _as_data(value: Any) -> Any:
    if isinstance(value, Span):
        found = {"value": _number(value.value), "low": _number(value.low), "high": _number(value.high)}
        return found | {"outside": True} if value.outside else found
    return _number(value) if isinstance(value, float) else value


def _as_list(value: Any) -> Any:
    """A complement has its limits swapped, as in the csv."""
    if not isinstance(value, Span):
        return _as_data(value)
    low, high = (value.high, value.low) if value.outside else (value.low, value.high)
    return [_number(value.value), _number(low), _number(high)]


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _spread(value: Any) -> list[Any]:
    if value is None:
        return ["", "", ""]
    # A complement has no csv form of its own: its limits come swapped, low above high.
    low, high = (value.high, value.low) if value.outside else (value.low, value.high)
    return [_plain(value.value), _plain(low), _plain(high)]


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).lower() if isinstance(value, bool) else value
