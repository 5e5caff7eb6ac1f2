"""Tables that a user brings: csv, tsv or parquet files, one alone or two joined. Knows no experiment."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from benchmark.contract.errors import UsageError

FORMATS = ".csv, .tsv (also as .gz, .bz2 or .zst) or .parquet"
DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_table(path: str | Path) -> pa.Table:
    """A table from a file; its name tells its format.

    Raises:
        UsageError: If there is no such file, or it is no table.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise UsageError(
            f"there is no table {str(path)!r}",
            expected=f"a file: {FORMATS}",
            found="no such file",
            fix="give its path",
        )
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() in (*DELIMITERS, ".parquet")]
    if not suffixes:
        raise UsageError(
            f"cannot tell the format of {file.name!r}",
            expected=FORMATS,
            found=file.suffix or "no ending",
            fix="rename the file after what it is, or save it as one of these",
        )
    try:
        if suffixes[-1] == ".parquet":
            return pq.read_table(file)
        options = csv.ParseOptions(delimiter=DELIMITERS[suffixes[-1]], newlines_in_values=True)
        return csv.read_csv(file, parse_options=options)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(
            f"cannot read the table {file.name!r}",
            expected=FORMATS,
            found=str(error).splitlines()[0],
            fix="see that the file is what its name says, and whole",
        ) from error


def join_tables(table: pa.Table, other: pa.Table, key: str) -> pa.Table:
    """Rows of a table with the columns of another that it lacks; rows without a partner are dropped.

    Args:
        table: One row a measurement; its order is kept.
        other: At most one row for each value of the key.
        key: A column of both.

    Raises:
        UsageError: If a table lacks the key, their keys differ in type, or the other's repeats.
    """
    for which, found in (("the table", table), ("the table to join", other)):
        if key not in found.column_names:
            raise UsageError(
                f"{which} has no column {key!r} to join on",
                expected=", ".join(found.column_names),
                found=repr(key),
                fix="set on=COLUMN to a column of both tables",
            )
    if other.column(key).combine_chunks().null_count or len(other.column(key).unique()) < len(other):
        raise UsageError(
            f"column {key!r} of the table to join repeats itself",
            expected="one row for each value, none of them empty",
            found=f"{len(other.column(key).unique())} values in {len(other)} rows",
            fix="join on a column that names its rows, or swap data and join",
        )
    new = [name for name in other.column_names if name == key or name not in table.column_names]
    numbered = table.append_column(_ROW, pa.array(range(len(table)), pa.int64()))
    try:
        joined = numbered.join(other.select(new), key, join_type="inner")
    except pa.ArrowException as error:
        raise UsageError(
            f"column {key!r} differs between the tables",
            expected=f"the same type: {table.column(key).type}",
            found=other.column(key).type,
            fix="write both columns alike",
        ) from error
    return joined.sort_by(_ROW).drop_columns([_ROW])


_ROW = "__row__"
