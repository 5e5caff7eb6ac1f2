"""The files of a group of cells: its records as Parquet and what each cell answered as arrays.

A group is stored when its records exist, so writers put them last.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmark.contract.errors import DamagedFile
from benchmark.contract.files import write_whole
from benchmark.contract.queries import Predictions
from benchmark.contract.records.columns import (
    CELL_IDENTITY,
    add_missing_columns,
    join_tables,
    make_table,
    widen,
)
from benchmark.contract.records.seals import Seal, damaged, pack_sealed, read_sealed

RECORDS_PATTERN = "records-*.parquet"
SUPERSEDED = "superseded"
DAMAGED = "damaged"
_PARTS = ("reward", "samples", "intervals", "abstains", "diagnostics")


def name_records(key: str) -> str:
    """Name of the file that holds a group's records."""
    return RECORDS_PATTERN.replace("*", key)


def name_predictions(key: str) -> str:
    """Name of the file that holds what a group's cells answered."""
    return f"predictions-{key}.npz"


def name_run(shard: str | None = None) -> str:
    """Name of the file that says what ran; ``run-1-of-4.json`` for the shard ``1/4``."""
    return f"run-{shard.replace('/', '-of-')}.json" if shard else "run.json"


def list_records(folder: Path) -> tuple[Path, ...]:
    """The files with records in a folder, sorted."""
    return tuple(sorted(folder.glob(RECORDS_PATTERN)))


def key_of(path: Path) -> str:
    """Key of the group whose records a file holds."""
    before, after = RECORDS_PATTERN.split("*")
    return path.name.removeprefix(before).removesuffix(after)


def write_records(path: Path, rows: Sequence[Mapping[str, Any]], predictions: str = "") -> None:
    """Write records, one mapping a cell, whole.

    Args:
        path: The file; its name says whose records they are.
        rows: The records.
        predictions: SHA-256 digest of the file with the group's predictions, if there is one.
    """
    write_whole(path, pack_sealed(make_table(rows), Seal(key_of(path), predictions)))


def read_group(path: Path) -> tuple[pa.Table, Seal]:
    """The records of a file and its seal.

    Raises:
        DamagedFile: If the file is not what was written, or holds something else than records.
    """
    table, seal = read_sealed(path)
    lacking = sorted({*CELL_IDENTITY, "status"} - {"fitted_on", *table.column_names})
    if lacking:
        raise damaged(path, "a table without the columns " + ", ".join(lacking))
    return widen(add_missing_columns(table)), seal


def read_columns(path: Path, *names: str) -> dict[str, list[Any]]:
    """Some columns of a file with records, as lists in the order asked for."""
    table, _ = read_group(path)
    return {name: table.column(name).to_pylist() for name in names}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """A group's records as plain rows."""
    return read_group(path)[0].to_pylist()


def read_records(folder: Path) -> pa.Table:
    """Every record in a folder, one row a cell; no rows where there are none.

    Raises:
        DamagedFile: If files are damaged; the message names each of them.
    """
    tables, broken = [], []
    for path in list_records(folder):
        try:
            tables.append(read_group(path)[0])
        except DamagedFile as error:
            broken.append(error)
    if broken:
        raise join_damage(broken)
    return join_tables(tables)


def join_damage(broken: Sequence[DamagedFile]) -> DamagedFile:
    """One error that names every damaged file."""
    first, *others = broken
    if not others:
        return first
    found = "; ".join(f"{error.what}: {error.found}" for error in broken)
    what = f"{len(broken)} files of a store are damaged"
    return DamagedFile(what, expected=first.expected, found=found, fix=first.fix)


def set_aside(folder: Path, method: str, but: str = "") -> int:
    """Move the groups of a submitted method to ``superseded/``, which no board reads; returns how many.

    Args:
        folder: Folder of records.
        method: Name of the method.
        but: Digest of a file whose groups stay.
    """
    moved = 0
    for path in list_records(folder):
        columns = read_columns(path, "method", "submission")
        if set(columns["method"]) != {method} or {"", but} & set(columns["submission"]):
            continue
        (folder / SUPERSEDED).mkdir(exist_ok=True)
        for old in (folder / name_predictions(key_of(path)), path):
            if old.exists():
                old.replace(folder / SUPERSEDED / old.name)
        moved += 1
    return moved


def pack_predictions(predictions: Sequence[Predictions | None]) -> bytes:
    """Predictions of a group as the bytes of an ``.npz`` file without pickles."""
    arrays: dict[str, np.ndarray] = {}
    for index, answer in enumerate(predictions):
        if answer is None:
            continue
        arrays[f"{index}.reward"] = answer.reward
        if answer.samples is not None:
            # JSON keeps lone surrogates and trailing zeros, which fixed-width text arrays lose.
            arrays[f"{index}.samples"] = _as_json(answer.samples.tolist())
        if answer.intervals is not None:
            arrays[f"{index}.intervals"] = answer.intervals
        if answer.abstains is not None:
            arrays[f"{index}.abstains"] = answer.abstains
        if answer.diagnostics:
            arrays[f"{index}.diagnostics"] = _as_json(dict(answer.diagnostics))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack_predictions(data: bytes, cells: int) -> list[Predictions | None]:
    """The inverse of ``pack_predictions`` for a group of ``cells`` cells."""
    found: list[Predictions | None] = []
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        for index in range(cells):
            names = [name for name in _PARTS if f"{index}.{name}" in arrays.files]
            part = {name: arrays[f"{index}.{name}"] for name in names}
            if "reward" not in part:
                found.append(None)
                continue
            samples = json.loads(part["samples"].tobytes()) if "samples" in part else None
            found.append(
                Predictions(
                    reward=part["reward"],
                    samples=None if samples is None else np.array(samples, dtype=object),
                    intervals=part.get("intervals"),
                    abstains=part.get("abstains"),
                    diagnostics=json.loads(part["diagnostics"].tobytes()) if "diagnostics" in part else {},
                )
            )
    return found


def _as_json(content: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(content).encode(), dtype=np.uint8)
