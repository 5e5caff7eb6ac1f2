"""Worlds in which nothing in the log identifies the effect: what methods claim there and what it is worth.

Nobody is ranked. A method is judged by whether its declared intervals hold the truth and how wide they are,
by how often it abstains, and by whether following its answers is worse than tossing a coin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from leaderboard.comparison_group import COIN
from leaderboard.producers.evidence import Evidence, clip_span, emphasis_of, span_of
from leaderboard.tables import Column, Span, Table, make_table

BOARD = "unidentified"
SHARE = (0.0, 1.0)
COLUMNS = (
    Column(
        "harm",
        "Harm",
        3,
        "ρ − .5 if every pair that the method abstains from is decided by a coin; above 0 it does harm",
        bounds=(-0.5, 0.5),
    ),
    Column("harmful", "Worlds with harm", 2, "share of worlds in which harm is above 0", bounds=SHARE),
    Column("abstention", "Abstention", 2, "share of pairs that the method abstains from", bounds=SHARE),
    Column("rho_answered", "ρ, answered", 3, "regret over the pairs that the method answers", bounds=SHARE),
    Column(
        "coverage", "Coverage", 2, "share of declared 95 % intervals that hold the true effect", bounds=SHARE
    ),
    Column(
        "width", "Width", 2, "mean width of those intervals, largest true effect = 1", bounds=(0.0, np.inf)
    ),
    Column(
        "interval_score",
        "Interval score",
        2,
        "width plus 40 times what the intervals miss the truth by (Gneiting & Raftery 2007), largest true "
        "effect = 1; lower is better",
        bounds=(0.0, np.inf),
    ),
    Column("cells", "Cells"),
    Column("failed", "Failed", note="cells without an answer, which are in no mean"),
)
TEXT = (
    "No method can recover the effects in these worlds, however long the log is. So methods have no rank "
    "here. A good method says that it does not know: it abstains, or its intervals are wide enough to hold "
    "the truth. Harm compares following its answers with tossing a coin."
)


def make_unidentified(evidence: Evidence) -> list[Table]:
    """What every entrant declares and does on the board of unidentified worlds; nothing in older records."""
    records = evidence.frame.records
    if "board" not in records or "metric.rho_cautious" not in records:
        return []
    part = records[records["board"] == BOARD]
    part = part[part["status"] != "incompatible"]
    if not part["metric.rho_cautious"].notna().any():
        return []
    shown = [key for key in ("kind", "backbone") if part[key].nunique() > 1]
    rows, emphasis = [], []
    for (kind, backbone, role, entrant), own in part.groupby(
        ["kind", "backbone", "role", "entrant"], sort=True
    ):
        place = {"kind": kind, "backbone": backbone}
        rows.append((*(place[key] for key in shown), entrant, *judge(own)))
        emphasis.append(emphasis_of(str(role)))
    order = sorted(range(len(rows)), key=lambda i: (*rows[i][: len(shown)], emphasis[i] != "", rows[i]))
    columns = [*(Column(key, key.capitalize()) for key in shown), Column("entrant", "Method"), *COLUMNS]
    return [
        make_table(
            "unidentified",
            "Unidentified worlds: intervals, abstention and harm",
            columns,
            [rows[i] for i in order],
            text=TEXT,
            emphasis=tuple(emphasis[i] for i in order),
        )
    ]


def judge(cells: pd.DataFrame) -> tuple[Any, ...]:
    """One entrant's row: a span or None for each of ``COLUMNS``, then its cells and its failed cells.

    Args:
        cells: Its records on the board, one row a cell.
    """
    good = cells[cells["status"] == "ok"]
    scale = good["cell_effect_scale"].where(good["cell_effect_scale"] > 0)
    harm = good["metric.rho_cautious"] - COIN
    values = {
        "harm": harm,
        "harmful": (harm > 0).astype(float).where(harm.notna()),
        "width": _metric(good, "width") / scale,
        "interval_score": _metric(good, "interval_score") / scale,
    }
    spans = []
    for column in COLUMNS[:-2]:
        numbers = values.get(column.name, _metric(good, column.name))
        spans.append(_span(numbers, good, column.bounds))
    return (*spans, len(good), len(cells) - len(good) or None)


def _span(values: pd.Series, cells: pd.DataFrame, bounds: tuple[float, float]) -> Span | None:
    return clip_span(span_of(values, cells["family"].tolist(), cells["seed"].tolist()), bounds)


def _metric(cells: pd.DataFrame, name: str) -> pd.Series:
    """A metric's column; NaN where older records lack it."""
    empty = pd.Series(np.nan, index=cells.index)
    return cells.get(f"metric.{name}", empty)
