"""Packs: records in few files, one a suite and board, for results that are published with a repository.

Scores, meters and diagnostics keep single precision, seven digits, of which a board shows three; everything
that says which cell a record is about, and what is true of the cell, keeps every digit.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmark.contract.files import write_whole
from benchmark.contract.records.columns import DIAGNOSTIC_PREFIX, METER_PREFIX, METRIC_PREFIX
from benchmark.contract.records.groups import name_records
from benchmark.contract.records.seals import Seal, pack_sealed

MEASURED = (METRIC_PREFIX, METER_PREFIX, DIAGNOSTIC_PREFIX)
ORDER = ("method", "role", "submission", "backbone", "fitted_on", "scenario", "seed")
NO_BOARD = "other"


def write_packs(folder: Path, table: pa.Table) -> tuple[Path, ...]:
    """Write records to one file for each suite and board.

    Args:
        folder: Where the files go.
        table: The records.

    Returns:
        The files, ``records-SUITE-BOARD.parquet``.
    """
    written = []
    boards = _board_of_scenarios(table)
    names = [boards.get(scenario, NO_BOARD) for scenario in table.column("scenario").to_pylist()]
    keys = pa.array(
        [f"{suite}-{board}" for suite, board in zip(table.column("suite").to_pylist(), names, strict=True)]
    )
    for key in sorted(set(keys.to_pylist())):
        part = table.filter(pc.equal(keys, key)).sort_by([(name, "ascending") for name in ORDER])
        path = folder / name_records(key)
        write_whole(path, pack_sealed(_shrink(part), Seal(key), small=True))
        written.append(path)
    return tuple(written)


def _board_of_scenarios(table: pa.Table) -> dict[str, str]:
    """The board of each scenario; a record whose worker was lost does not say."""
    pairs = zip(table.column("scenario").to_pylist(), table.column("board").to_pylist(), strict=True)
    return {scenario: board for scenario, board in pairs if board}


def _shrink(table: pa.Table) -> pa.Table:
    """Measured numbers in single precision; diagnostics that no row has are left out."""
    for index, field in reversed(list(enumerate(table.schema))):
        column = table.column(index)
        if field.type == pa.float64() and field.name.startswith(MEASURED):
            if field.name.startswith(DIAGNOSTIC_PREFIX) and not pc.any(pc.is_finite(column)).as_py():
                table = table.remove_column(index)
            else:
                table = table.set_column(index, field.name, column.cast(pa.float32(), safe=False))
    return table
