"""Where a submission would stand on a board, before it is added to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from benchmark.contract.records import read_records
from leaderboard.frame import from_table, read
from leaderboard.producers.evidence import Evidence
from leaderboard.producers.headline import make_headlines
from leaderboard.tables import Table, format_cell


@dataclass(frozen=True)
class Standing:
    """The row of a method in one ranking.

    Attributes:
        title: Title of the ranking.
        ranks: The ranks that it may truly have, such as ``"2"`` or ``"1–6"``; empty where it has none.
        methods: How many methods have a rank there, this one included.
        regret: Its mean regret, in [0, 1].
        improvement: Its improvement over the log taken at face value, with an interval, as text.
    """

    title: str
    ranks: str
    methods: int
    regret: float
    improvement: str


def find_standing(submitted: pa.Table, results: Path) -> list[Standing]:
    """The rows of a submission in the rankings of a board that it is not on yet.

    Args:
        submitted: Its records.
        results: Folder of the board's records.
    """
    (name,) = set(submitted["method"].to_pylist())
    before = read_records(results).to_pandas()
    kept = before[(before["method"] != name) | (before["submission"] == "")]
    merged = pd.concat([kept, submitted.to_pandas()], ignore_index=True)
    tables = make_headlines(Evidence(from_table(merged, read(results).suite)))
    return [standing for table in tables for standing in _find_rows(table, name)]


def _find_rows(table: Table, name: str) -> list[Standing]:
    place = {column.name: index for index, column in enumerate(table.columns)}
    ranked = sum(row[place["ranks"]] is not None for row in table.rows)
    return [
        Standing(
            table.title,
            str(row[place["ranks"]] or ""),
            ranked,
            float(row[place["rho"]]),
            format_cell(row[place["improvement"]], table.columns[place["improvement"]]),
        )
        for row in table.rows
        if str(row[place["entrant"]]).split(" ")[0] == name
    ]
