"""Opens any table as a stream of record batches: files, folders, data frames and data sets.

Memory stays bounded whatever the number of rows. Knows nothing of roles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.advice.reading.delimited import DELIMITED, open_delimited
from benchmark.contract.errors import UsageError

FORMATS = (
    "a .csv, .tsv, .txt (also as .gz or .bz2) or .parquet file, a folder of them, a folder that "
    "`datasets` saved, a data frame, or a datasets.Dataset"
)
ROWS_AT_A_TIME = 65_536


@dataclass(frozen=True)
class Source:
    """A table that can be read in parts.

    Attributes:
        name: What it is called in messages.
        batches: Starts to read; every call begins anew. Column names are distinct.
        notes: Sentences on what was done to read it; complete once the batches have been read.
    """

    name: str
    batches: Callable[[], Iterator[pa.RecordBatch]]
    notes: list[str]


def open_source(table: Any, encoding: str | None = None) -> Source:
    """Open a table.

    Args:
        table: A path, a ``pyarrow.Table``, a data frame of pandas or polars, or a ``datasets.Dataset``.
        encoding: Encoding of a text file; found out where not given.

    Raises:
        UsageError: If it is no table, or cannot be read.
    """
    if isinstance(table, str | Path):
        return _open_path(Path(table).expanduser(), encoding)
    notes: list[str] = []
    whole = _to_table(table, notes)
    return Source("the table", lambda: iter(whole.to_batches(ROWS_AT_A_TIME)), notes)


def distinct_names(names: list[str], notes: list[str]) -> list[str]:
    """Column names with repeated and empty ones renamed, which is noted."""
    made: list[str] = []
    for number, name in enumerate(names, 1):
        wanted = name.strip() or f"column_{number}"
        new, repeat = wanted, 2
        while new in made:
            new, repeat = f"{wanted}_{repeat}", repeat + 1
        if new != wanted:
            notes.append(
                f"Column {wanted!r} occurs more than once; the one at place {number} is called {new!r}."
            )
        elif not name.strip():
            notes.append(f"Column {number} has no name; it is called {new!r}.")
        made.append(new)
    return made


def _open_path(path: Path, encoding: str | None) -> Source:
    if not path.exists():
        raise UsageError(
            f"there is no table {str(path)!r}", expected=FORMATS, found="no such file", fix="check the path"
        )
    notes: list[str] = []
    if path.is_dir():
        return _open_folder(path, encoding, notes)
    return Source(path.name, _reader(path, encoding, notes), notes)


def _reader(path: Path, encoding: str | None, notes: list[str]) -> Callable[[], Iterator[pa.RecordBatch]]:
    kinds = {suffix.lower() for suffix in path.suffixes}
    if ".parquet" in kinds:
        return lambda: _read_parquet(path, notes)
    if kinds & set(DELIMITED):
        return lambda: _renamed(open_delimited(path, encoding, notes), notes)
    raise UsageError(
        f"cannot tell the format of {path.name!r}",
        expected=FORMATS,
        found=path.suffix or "no ending",
        fix="rename the file after what it is, or save it as one of these",
    )


def _read_parquet(path: Path, notes: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as file:
            yield from _renamed(file.iter_batches(batch_size=ROWS_AT_A_TIME), notes)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(
            f"cannot read {path.name!r}",
            expected="a whole parquet file",
            found=str(error).splitlines()[0],
            fix="write the file again",
        ) from error


def _renamed(batches: Iterator[pa.RecordBatch], notes: list[str]) -> Iterator[pa.RecordBatch]:
    names: list[str] | None = None
    for batch in batches:
        names = distinct_names(batch.schema.names, notes) if names is None else names
        yield batch.rename_columns(names)


def _open_folder(path: Path, encoding: str | None, notes: list[str]) -> Source:
    if (path / "dataset_info.json").exists() or (path / "dataset_dict.json").exists():
        return Source(path.name, lambda: _read_saved(path, notes), notes)
    files = sorted(
        file for file in path.iterdir() if {s.lower() for s in file.suffixes} & {*DELIMITED, ".parquet"}
    )
    if not files:
        raise UsageError(
            f"the folder {path.name!r} holds no table",
            expected=FORMATS,
            found=f"{len(list(path.iterdir()))} files",
        )
    notes.append(f"The folder's {len(files)} files were read one after the other.")

    def read() -> Iterator[pa.RecordBatch]:
        names: list[str] | None = None
        for file in files:
            for batch in _reader(file, encoding, notes)():
                if names is None:
                    names = batch.schema.names
                if set(names) != set(batch.schema.names):
                    raise UsageError(
                        f"the files of {path.name!r} have different columns",
                        expected=", ".join(names),
                        found=f"{', '.join(batch.schema.names)} in {file.name}",
                        fix="keep files of one table in a folder of their own",
                    )
                yield batch.select(names)

    return Source(path.name, read, notes)


def _read_saved(path: Path, notes: list[str]) -> Iterator[pa.RecordBatch]:
    from datasets import DatasetDict, load_from_disk

    try:
        loaded = load_from_disk(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"cannot read {path.name!r}", expected="a folder that `datasets` saved", found=error
        ) from error
    if isinstance(loaded, DatasetDict):
        split = "train" if "train" in loaded else next(iter(loaded))
        if len(loaded) > 1:
            notes.append(f"Of the splits {', '.join(map(str, loaded))} the split {split!r} was read.")
        loaded = loaded[split]
    for part in loaded.with_format("arrow").iter(batch_size=ROWS_AT_A_TIME):
        yield from part.to_batches()


def _to_table(table: Any, notes: list[str]) -> pa.Table:
    if hasattr(table, "with_format") and hasattr(table, "info"):
        table = table.with_format("arrow")[:]
    if isinstance(table, pa.Table):
        return table.rename_columns(distinct_names(table.column_names, notes))
    if hasattr(table, "columns") and hasattr(table, "to_dict"):  # a data frame of pandas or polars
        table = table.copy() if hasattr(table, "copy") else table
        table.columns = distinct_names([str(name) for name in table.columns], notes)
        columns = {str(name): _to_array(table[name], notes) for name in table.columns}
        return pa.table(columns)
    raise UsageError("this is no table", expected=FORMATS, found=type(table).__name__)


def _to_array(column: Any, notes: list[str]) -> pa.Array:
    """A column of a frame; one of mixed types becomes text."""
    try:
        return column.to_arrow() if hasattr(column, "to_arrow") else pa.Array.from_pandas(column)
    except (pa.ArrowException, TypeError, ValueError):
        notes.append(f"Column {column.name!r} mixes types of values; they were read as text.")
        return pa.array([None if value is None or value != value else str(value) for value in column])
