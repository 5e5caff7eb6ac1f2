"""The tables that the page reads from a board, by name and column.

The page is drawn from these tables alone. Each is optional: where a board lacks one, the page leaves the
part out that shows it. A span is ``leaderboard.tables.Span``; None stands for "nothing to show".

``parts``: one row for each board, kind, backbone, track and entrant, over all cells of the board.

| column | value |
|---|---|
| ``board`` | ``recorded``, ``auxiliary``, ``preferences``, ``unidentified`` or ``controls`` |
| ``kind``, ``backbone``, ``track`` | as in a record |
| ``entrant``, ``label`` | the entrant and the name that is shown |
| ``role`` | as in a record: ``method``, ``naive``, ``ceiling`` or ``canary`` |
| ``ranks`` | set of possible ranks, such as ``1–3``; None where the entrant is not ranked |
| ``rho`` | span: regret on the log |
| ``floor``, ``learning``, ``confounding`` | spans that add up to ``rho`` |
| ``removed`` | span: 1 − confounding / confounding of naive; unbounded or ``outside`` where unresolved |
| ``cells`` | number of cells |

``family-parts``: one row for each family, backbone, track and entrant: the columns of ``parts`` without
``ranks``, and

| column | value |
|---|---|
| ``family`` | name of the family |
| ``status`` | ``ok``, ``incompatible``, ``failed`` or ``missing``; the numbers are None unless it is ``ok`` |

``curves``: one row for each family, kind, backbone, track, entrant and strength, where a family has several:
``family``, ``kind``, ``backbone``, ``track``, ``entrant``, ``strength`` (number), ``rho`` (span) and
``confounding`` (span).

``worlds``: one row for each scenario: ``scenario``, ``family``, ``board``, ``separates`` (bool: the spread of
the best ten is at least twice the resolvable difference), ``reason`` (why the suite holds it).

``favourites``: one row for each entrant, scenario and backbone of the suite's first seed: ``entrant``,
``family``, ``scenario``, ``backbone`` and ``favourites``, the column of a record.

``claims``: as ``leaderboard.verdicts`` makes it. ``value-kl``: ``entrant``, ``backbone``, ``kl`` (number),
``value`` (span), ``own`` (bool: the policy's own samples at their own KL).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leaderboard.tables import Board, Table

BOARDS = {
    "recorded": "The confounder is recorded",
    "auxiliary": "The log holds something else that helps",
    "preferences": "The log holds preferences",
    "unidentified": "Nothing in the log identifies the effect",
    "controls": "Controls",
}


KEPT_IN_RECORDS = ("favourites",)
"""Tables that only pages show, because the records hold them in full."""


def downloads_of(board: Board) -> list[Table]:
    """The tables that are written to files."""
    return [table for table in board.tables if table.name not in KEPT_IN_RECORDS]


def group_rows(rows: Iterable[dict[str, Any]], *names: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows by the value of a column, or by the values of several."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        key = row[names[0]] if len(names) == 1 else tuple(row[name] for name in names)
        found.setdefault(key, []).append(row)
    return found


def rows_of(board: Board, name: str) -> list[dict[str, Any]]:
    """The rows of a board's table as mappings from column to value; none where the board lacks the table."""
    table = board.table(name)
    if table is None:
        return []
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]
