"""The store: two files a group, written so that a crash at any moment loses only groups in flight.

``predictions-KEY.npz`` is written first and ``records-KEY.parquet`` last, each to a
temporary name, flushed to disk and renamed; a group is stored when its records exist.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.contract import Predictions, UsageError
from benchmark.contract.records import join_tables, make_table

RECORDS, PREDICTIONS, TEMPORARY = "records-", "predictions-", ".writing-"
SUPERSEDED = "superseded"
IDENTITY = (
    "suite",
    "suite_version",
    "season",
    "scenario",
    "seed",
    "method",
    "role",
    "submission",
    "backbone",
)


@dataclass(frozen=True)
class StoreIndex:
    """What a store holds, read once.

    Attributes:
        cells: Which group holds each cell's record, by the cell's identity.
        statuses: Status of each cell of a group, in the group's order, by the group's key.
    """

    cells: dict[tuple[Any, ...], str] = field(default_factory=dict)
    statuses: dict[str, list[str]] = field(default_factory=dict)

    def is_stored(self, key: str, retry: Collection[str] = ()) -> bool:
        """Whether a group need not run again.

        Args:
            key: The group's key.
            retry: Statuses to run again; ``infrastructure`` always is.
        """
        return key in self.statuses and not {*retry, "infrastructure"} & set(self.statuses[key])

    def add(self, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Note a group that was stored."""
        self.cells.update(dict.fromkeys(map(identify, rows), key))
        self.statuses[key] = [row["status"] for row in rows]


def identify(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What names a cell's record in a store."""
    return tuple(row[name] for name in IDENTITY)


@dataclass(frozen=True)
class Store:
    """A folder of finished groups.

    Attributes:
        folder: Where the files lie.
    """

    folder: Path

    @classmethod
    def open(cls, folder: str | Path) -> Store:
        """A store that can be written to; the folder is made if need be.

        Raises:
            UsageError: If the folder cannot be made or written to.
        """
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
            probe = path / f"{TEMPORARY}{os.getpid()}-probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise UsageError(
                f"cannot write to the store {str(path)!r}",
                expected="a folder that can be made and written to",
                found=error,
                fix="pass --store DIR with a folder of yours",
            ) from error
        return cls(path)

    @classmethod
    def existing(cls, folder: str | Path) -> Store:
        """A store to read from.

        Raises:
            UsageError: If there is no such folder.
        """
        path = Path(folder)
        if not path.is_dir():
            raise UsageError(
                f"there is no store {str(path)!r}",
                expected="a folder written by `confoundbench run`",
                found="no such folder" if not path.exists() else "a file",
                fix="run `confoundbench run --store DIR` first",
            )
        return cls(path)

    # -- writing --------------------------------------------------------------
    def write_group(
        self, key: str, rows: Sequence[Mapping[str, Any]], predictions: Sequence[Predictions | None]
    ) -> None:
        """Store a finished group; replaces what was stored under the key.

        Args:
            key: The group's key.
            rows: One record a cell.
            predictions: Answers of each cell in the same order; None where there are none.
        """
        write_atomically(self._predictions(key), lambda: pack_predictions(predictions))
        write_atomically(self._records(key), lambda: _parquet_bytes(make_table(rows)))

    def rewrite_records(self, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace a group's records, keeping its predictions."""
        write_atomically(self._records(key), lambda: _parquet_bytes(make_table(rows)))

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a small file beside the groups, such as ``run.json``."""
        text = json.dumps(content, indent=2, sort_keys=True, default=str) + "\n"
        write_atomically(self.folder / name, text.encode)

    def read_index(self) -> StoreIndex:
        """What the store holds; every group's file is opened once."""
        index = StoreIndex()
        for key in self.list_keys():
            index.add(key, pq.read_table(self._records(key), columns=[*IDENTITY, "status"]).to_pylist())
        return index

    def supersede(self, key: str, rows: Sequence[Mapping[str, Any]], index: StoreIndex) -> None:
        """Let a freshly stored group take over its cells from older groups.

        A cell is recorded once in a store. An older group that holds some of the same cells
        (of another version, or another selection of cells) is moved aside, and what the new
        group does not hold of it is kept under a key of its own.

        Args:
            key: Key of the fresh group.
            rows: Its records.
            index: What the store holds; brought up to date.
        """
        fresh = set(map(identify, rows))
        for old in {index.cells[cell] for cell in fresh if cell in index.cells} - {key}:
            records = self.read_rows(old)
            answers = self.read_predictions(old, len(records))
            left = [i for i, row in enumerate(records) if identify(row) not in fresh]
            if left:
                cells = "".join(str(list(identify(records[i]))) for i in left)
                rest = f"rest-{hashlib.sha256((old + cells).encode()).hexdigest()[:20]}"
                kept = [records[i] for i in left]
                self.write_group(rest, kept, [answers[i] for i in left])
                index.add(rest, kept)
            (self.folder / SUPERSEDED).mkdir(exist_ok=True)
            for path in (self._records(old), self._predictions(old)):
                if path.exists():
                    os.replace(path, self.folder / SUPERSEDED / path.name)
            index.statuses.pop(old, None)
        index.add(key, rows)

    def sweep(self) -> int:
        """Delete temporary files that interrupted writers left behind; returns how many."""
        swept = 0
        for path in self.folder.glob(f"{TEMPORARY}*"):
            if not _is_alive(path):
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    # -- reading --------------------------------------------------------------
    def list_keys(self) -> tuple[str, ...]:
        """Keys of every stored group."""
        names = (path.name for path in self.folder.glob(f"{RECORDS}*.parquet"))
        return tuple(sorted(name[len(RECORDS) : -len(".parquet")] for name in names))

    def read_rows(self, key: str) -> list[dict[str, Any]]:
        """A group's records as plain rows."""
        return pq.read_table(self._records(key)).to_pylist()

    def read_predictions(self, key: str, cells: int) -> list[Predictions | None]:
        """A group's predictions, None where a cell has none."""
        path = self._predictions(key)
        return unpack_predictions(path.read_bytes(), cells) if path.exists() else [None] * cells

    def read_records(self) -> pa.Table:
        """Every record in the store, one row a cell."""
        return join_tables(pq.read_table(self._records(key)) for key in self.list_keys())

    def _records(self, key: str) -> Path:
        return self.folder / f"{RECORDS}{key}.parquet"

    def _predictions(self, key: str) -> Path:
        return self.folder / f"{PREDICTIONS}{key}.npz"


def write_atomically(path: Path, content: Callable[[], bytes]) -> None:
    """Write a file so that it is either wholly there or not at all.

    Args:
        path: Final name.
        content: Makes the bytes; called before the file is opened.
    """
    data = content()
    temporary = path.parent / f"{TEMPORARY}{os.getpid()}-{path.name}"
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    _sync_folder(path.parent)


def pack_predictions(predictions: Sequence[Predictions | None]) -> bytes:
    """Predictions of a group as the bytes of an ``.npz`` file without pickles."""
    arrays: dict[str, np.ndarray] = {}
    for index, answer in enumerate(predictions):
        if answer is None:
            continue
        arrays[f"{index}.reward"] = answer.reward
        if answer.samples is not None:
            # JSON keeps lone surrogates and trailing zeros, which fixed-width text arrays lose.
            text = json.dumps(answer.samples.tolist()).encode()
            arrays[f"{index}.samples"] = np.frombuffer(text, dtype=np.uint8)
        if answer.intervals is not None:
            arrays[f"{index}.intervals"] = answer.intervals
        if answer.diagnostics:
            text = json.dumps(dict(answer.diagnostics)).encode()
            arrays[f"{index}.diagnostics"] = np.frombuffer(text, dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack_predictions(data: bytes, cells: int) -> list[Predictions | None]:
    """The inverse of ``pack_predictions`` for a group of ``cells`` cells."""
    found: list[Predictions | None] = []
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        for index in range(cells):
            part = {name: arrays[f"{index}.{name}"] for name in _parts_of(arrays, index)}
            if "reward" not in part:
                found.append(None)
                continue
            samples = json.loads(part["samples"].tobytes()) if "samples" in part else None
            diagnostics = json.loads(part["diagnostics"].tobytes()) if "diagnostics" in part else {}
            found.append(
                Predictions(
                    reward=part["reward"],
                    samples=None if samples is None else np.array(samples, dtype=object),
                    intervals=part.get("intervals"),
                    diagnostics=diagnostics,
                )
            )
    return found


def _parts_of(arrays: Any, index: int) -> Iterator[str]:
    names = ("reward", "samples", "intervals", "diagnostics")
    return (name for name in names if f"{index}.{name}" in arrays.files)


def _parquet_bytes(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; a no-op where folders cannot be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_alive(temporary: Path) -> bool:
    """Whether the process that is writing a temporary file still runs."""
    owner = temporary.name[len(TEMPORARY) :].partition("-")[0]
    try:
        os.kill(int(owner), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return int(owner) != os.getpid()
