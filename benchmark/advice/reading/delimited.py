"""Text files of separated values as record batches of strings: encoding and separator are found out.

Every value stays text here, so a column of mixed types is no error; ``profile`` says what it holds.
"""

from __future__ import annotations

import bz2
import codecs
import csv as plain_csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from benchmark.contract.errors import UsageError

DELIMITED = (".csv", ".tsv", ".txt")
SEPARATORS = ",;\t|"
LOOKED_AT = 1 << 20
BLOCK = 1 << 23
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def open_delimited(path: Path, encoding: str | None, notes: list[str]) -> Iterator[pa.RecordBatch]:
    """Read a file of separated values; lines with too many or too few values are left out and counted.

    Raises:
        UsageError: If the file is empty, or its encoding is not what was said.
    """
    tried = [encoding] if encoding else _possible_encodings(path)
    for last, candidate in zip([*[False] * (len(tried) - 1), True], tried, strict=True):
        done = False
        try:
            for batch in _read(path, candidate, notes):
                done = True
                yield batch
            if candidate not in ("utf-8", "utf-8-sig", encoding):
                notes.append(f"The file is not UTF-8; it was read as {candidate}.")
            return
        except (UnicodeError, pa.ArrowInvalid, LookupError, OSError, EOFError) as error:
            if not last and not done:
                continue
            raise UsageError(
                f"cannot read {path.name!r}",
                expected=f"separated values in {candidate}",
                found=str(error).splitlines()[0],
                fix="name the encoding (--encoding latin-1, ...), or save the file as UTF-8",
            ) from error


def _possible_encodings(path: Path) -> list[str]:
    """Encodings in the order in which to try them; every byte is looked at, so that none fails half-way."""
    with _open(path) as file:
        start = file.read(4)
        for mark, name in MARKS.items():
            if start.startswith(mark):
                return [name]
        try:
            decoder = codecs.getincrementaldecoder("utf-8")()
            decoder.decode(start)
            while part := file.read(BLOCK):
                decoder.decode(part)
            decoder.decode(b"", final=True)
            return ["utf-8"]
        except UnicodeDecodeError:
            return ["cp1252", "latin-1"]
        except (OSError, EOFError) as error:
            raise UsageError(
                f"cannot read {path.name!r}", expected="a whole file", found=error, fix="copy the file again"
            ) from error


def _open(path: Path) -> Any:
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
    return openers.get(path.suffix.lower(), open)(path, "rb")


def _read(path: Path, encoding: str, notes: list[str]) -> Iterator[pa.RecordBatch]:
    with _open(path) as file:
        head = file.read(LOOKED_AT).decode(encoding, errors="replace")
    if not head.strip():
        raise UsageError(f"the table {path.name!r} is empty", expected="a header and rows", found="nothing")
    skipped = [0]

    def skip(row: Any) -> str:
        skipped[0] += 1
        return "skip"

    separator = _find_separator(head)
    parse = csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=skip)
    first = next(plain_csv.reader(head.splitlines(), delimiter=separator))
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(first, pa.string()), strings_can_be_null=False, null_values=[]
    )
    read = csv.ReadOptions(block_size=BLOCK, encoding=encoding, use_threads=False)
    with _open(path) as file, csv.open_csv(file, read, parse, convert) as reader:
        for batch in reader:
            yield pa.record_batch([column.cast(pa.string()) for column in batch.columns], batch.schema.names)
    if skipped[0]:
        notes.append(f"{skipped[0]} lines had more or fewer values than the header; they were left out.")


def _find_separator(head: str) -> str:
    """The separator of the header outside quotes."""
    line = head.lstrip("\ufeff").splitlines()[0]
    outside = "".join(line.split('"')[::2])
    return max(SEPARATORS, key=outside.count) if any(mark in outside for mark in SEPARATORS) else ","
