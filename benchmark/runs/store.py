"""The store: two files a group, written so that a crash at any moment loses only groups in flight.

Predictions are written first and records last; a group is stored when its records exist. Records carry
digests of themselves and of their predictions, and what does not fit them is moved to ``damaged/``, so that
its cells run again. The names and the content of the files are those of ``benchmark.contract.records``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmark.contract import Predictions, UsageError
from benchmark.contract import records as files
from benchmark.contract.errors import DamagedFile
from benchmark.contract.files import TEMPORARY, blame_disk, remove_unfinished, write_json, write_whole
from benchmark.contract.records import CELL_IDENTITY
from benchmark.runs.index import StoreIndex, identify
from benchmark.runs.plan import Plan


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
            InfrastructureError: If the disk is full or fails.
        """
        path = Path(folder)
        probe = path / f"{TEMPORARY}{os.getpid()}-probe"
        try:
            with blame_disk(path):
                path.mkdir(parents=True, exist_ok=True)
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
        answers = files.pack_predictions(predictions)
        stated = files.digest(answers)
        if self._records(key).exists():
            # Until the new records are there, the old ones go with the answers from before and with the new.
            table, seal = files.read_group(self._records(key))
            files.write_records(self._records(key), table.to_pylist(), f"{seal.predictions} {stated}")
        write_whole(self._predictions(key), answers)
        files.write_records(self._records(key), rows, stated)

    def rewrite_records(self, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace a group's records, keeping its predictions."""
        _, seal = files.read_group(self._records(key))
        files.write_records(self._records(key), rows, seal.predictions)

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
        """What the store holds; every file of a group is read once and held against its digest."""
        index = StoreIndex()
        for key in self.list_keys():
            self.index_group(key, index)
        for path in files.list_damaged_plans(self.folder):
            index.damaged[path.name] = files.damaged(path, "not the content that its name is the digest of")
        return index

    def index_group(self, key: str, index: StoreIndex) -> None:
        """Bring an index up to date with one stored group; a damaged group counts as not stored."""
        path = self._records(key)
        try:
            table, seal = files.read_group(path)
            if seal.key and seal.key != key:
                raise files.damaged(path, f"the records of the group {seal.key}")
            self._read_answers(key, seal)
        except DamagedFile as error:
            index.damaged[key] = error
            return
        index.damaged.pop(key, None)
        columns = table.select([*CELL_IDENTITY, "status"]).to_pydict()
        index.add(key, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])

    def set_aside(self, name: str) -> tuple[Path, ...]:
        """Move a damaged group or plan to ``damaged/``, where nothing reads it.

        Args:
            name: A name in ``StoreIndex.damaged``: a group's key or a file's name.

        Returns:
            Where its files lie now.
        """
        aside = self.folder / files.DAMAGED
        moved = []
        for path in (self._records(name), self._predictions(name), self.folder / name):
            if path.is_file():
                aside.mkdir(exist_ok=True)
                # A name of its own for each: the same file may be damaged again.
                number = len(list(aside.glob(f"*{path.name}")))
                moved.append(aside / (f"{number}-{path.name}" if number else path.name))
                os.replace(path, moved[-1])
        return tuple(moved)

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
        fresh = {identify(row) for row in rows}
        for old in {index.cells[cell] for cell in fresh if cell in index.cells} - {key}:
            records = self.read_rows(old)
            answers = self.read_predictions(old, len(records))
            left = [i for i, row in enumerate(records) if identify(row) not in fresh]
            if left:
                cells = "".join(str([records[i][name] for name in CELL_IDENTITY]) for i in left)
                rest = f"rest-{files.digest((old + cells).encode())[:20]}"
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

    def holds(self, key: str) -> bool:
        """Whether there are records of a group, intact or not."""
        return self._records(key).exists()

    def read_rows(self, key: str) -> list[dict[str, Any]]:
        """A group's records as plain rows."""
        return files.read_rows(self._records(key))

    def read_predictions(self, key: str, cells: int) -> list[Predictions | None]:
        """A group's predictions, None where a cell has none.

        Raises:
            DamagedFile: If the file is missing although the records know of it, or is not what was written.
        """
        _, seal = files.read_group(self._records(key))
        data = self._read_answers(key, seal)
        if data is None:
            return [None] * cells
        try:
            return files.unpack_predictions(data, cells)
        except Exception as error:  # bytes that are no archive of arrays end in errors of many kinds
            raise files.damaged(self._predictions(key), error) from error

    def _read_answers(self, key: str, seal: files.Seal) -> bytes | None:
        """The bytes of a group's predictions, found to be what was written; None where there are none."""
        path = self._predictions(key)
        if not path.exists():
            if seal.predictions:
                raise files.damaged(path, "no such file")
            return None
        data = path.read_bytes()
        if seal.predictions and files.digest(data) not in seal.predictions.split():
            raise files.damaged(path, "its bytes do not have the digest that the records state")
        return data

    def read_records(self) -> pa.Table:
        """Every record in the store, one row a cell."""
        return files.read_records(self.folder)

    def _records(self, key: str) -> Path:
        return self.folder / files.name_records(key)

    def _predictions(self, key: str) -> Path:
        return self.folder / files.name_predictions(key)
