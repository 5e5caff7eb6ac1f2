"""The store: two files a group, written so that a crash at any moment loses only groups in flight.

Predictions are written first and records last; a group is stored when its records exist. The names
and the content of the files are those of ``benchmark.contract.records``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmark.contract import Predictions, UsageError
from benchmark.contract import records as files
from benchmark.contract.files import TEMPORARY, remove_unfinished, write_json, write_whole
from benchmark.contract.records import ALWAYS_RETRIED, CELL_IDENTITY
from benchmark.runs.plan import Plan

_identify = itemgetter(*CELL_IDENTITY)


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
            retry: Statuses to run again; ``infrastructure`` is always run again.
        """
        return key in self.statuses and not {*retry, ALWAYS_RETRIED} & set(self.statuses[key])

    def add(self, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Note a group that was stored."""
        self.cells.update(dict.fromkeys(map(_identify, rows), key))
        self.statuses[key] = [row["status"] for row in rows]


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
        write_whole(self._predictions(key), files.pack_predictions(predictions))
        files.write_records(self._records(key), rows)

    def rewrite_records(self, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace a group's records, keeping its predictions."""
        files.write_records(self._records(key), rows)

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a small file beside the groups, such as ``run.json``."""
        write_json(self.folder / name, content)

    def write_expected(self, plan: Plan) -> Path:
        """Write the cells that a plan promises, so that a board can tell which are missing.

        Args:
            plan: The whole plan, before any sharding: every shard of it writes the same file.

        Returns:
            The file.
        """
        suite = files.SuiteIdentity(plan.suite.name, plan.suite.version, plan.suite.season)
        cells = (
            files.ExpectedCell(
                group.entrant.name,
                group.entrant.submission,
                cell.scenario.id,
                cell.seed,
                group.backbone,
                group.fitted_on,
            )
            for group in plan.groups
            for cell in group.cells
        )
        return files.write_expected(self.folder, suite, cells, plan.suite.reasons)

    def read_index(self) -> StoreIndex:
        """What the store holds; every group's file is opened once."""
        index = StoreIndex()
        for key in self.list_keys():
            columns = files.read_columns(self._records(key), *CELL_IDENTITY, "status")
            *identity, statuses = columns.values()
            index.cells.update(dict.fromkeys(zip(*identity, strict=True), key))
            index.statuses[key] = statuses
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
        fresh = {_identify(row) for row in rows}
        for old in {index.cells[cell] for cell in fresh if cell in index.cells} - {key}:
            records = self.read_rows(old)
            answers = self.read_predictions(old, len(records))
            left = [i for i, row in enumerate(records) if _identify(row) not in fresh]
            if left:
                cells = "".join(str([records[i][name] for name in CELL_IDENTITY]) for i in left)
                rest = f"rest-{hashlib.sha256((old + cells).encode()).hexdigest()[:20]}"
                kept = [records[i] for i in left]
                self.write_group(rest, kept, [answers[i] for i in left])
                index.add(rest, kept)
            aside = self.folder / files.SUPERSEDED
            aside.mkdir(exist_ok=True)
            for path in (self._records(old), self._predictions(old)):
                if path.exists():
                    os.replace(path, aside / path.name)
            index.statuses.pop(old, None)
        index.add(key, rows)

    def sweep(self) -> int:
        """Delete temporary files that interrupted writers left behind; returns how many."""
        return remove_unfinished(self.folder)

    # -- reading --------------------------------------------------------------
    def list_keys(self) -> tuple[str, ...]:
        """Keys of every stored group."""
        return tuple(sorted(files.key_of(path) for path in files.list_records(self.folder)))

    def read_rows(self, key: str) -> list[dict[str, Any]]:
        """A group's records as plain rows."""
        return files.read_rows(self._records(key))

    def read_predictions(self, key: str, cells: int) -> list[Predictions | None]:
        """A group's predictions, None where a cell has none."""
        path = self._predictions(key)
        return files.unpack_predictions(path.read_bytes(), cells) if path.exists() else [None] * cells

    def read_records(self) -> pa.Table:
        """Every record in the store, one row a cell."""
        return files.read_records(self.folder)

    def _records(self, key: str) -> Path:
        return self.folder / files.name_records(key)

    def _predictions(self, key: str) -> Path:
        return self.folder / files.name_predictions(key)
