"""Seals: what a file of records says of itself, so that damage is noticed whenever it is read.

A file's footer states the SHA-256 digest of the file, the key of its group and the digest of the group's
predictions. The file's own digest is that of its bytes with the digest left blank, as in the header of a
tar archive. One file holds it all, so a rename still stores records and seal in one step.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.contract.errors import DamagedFile

_MARK = b"confoundbench-sha256:"
_BLANK = _MARK + b"0" * 64
_STATED = re.compile(_MARK + rb"[0-9a-f]{64}")
_OWN, _KEY, _PREDICTIONS = b"digest", b"group", b"predictions"


@dataclass(frozen=True)
class Seal:
    """What a file of records states beside its rows; all empty where it was written without a seal.

    Attributes:
        key: Key of the group.
        predictions: SHA-256 digest of the group's file of predictions.
    """

    key: str = ""
    predictions: str = ""


def pack_sealed(table: pa.Table, seal: Seal, small: bool = False) -> bytes:
    """A table as the bytes of a Parquet file that carries its seal.

    Args:
        table: The table.
        seal: What is stated beside its rows.
        small: Whether the file is kept long and read seldom, so that it is worth compressing.
    """
    stated = {_OWN: _BLANK, _KEY: seal.key.encode(), _PREDICTIONS: seal.predictions.encode()}
    buffer = io.BytesIO()
    table = table.replace_schema_metadata(stated)
    if small:
        texts = [field.name for field in table.schema if field.type != pa.float32()]
        numbers = {field.name: "BYTE_STREAM_SPLIT" for field in table.schema if field.type == pa.float32()}
        pq.write_table(
            table,
            buffer,
            compression="zstd",
            compression_level=15,
            use_dictionary=texts,
            column_encoding=numbers,
        )
    else:
        pq.write_table(table, buffer)
    data = buffer.getvalue()
    # The footer ends with what is stated, so the last mark is ours whatever the rows hold.
    before, _, after = data.rpartition(_BLANK)
    return before + _MARK + digest(data).encode() + after


def read_sealed(path: Path) -> tuple[pa.Table, Seal]:
    """A file's table and its seal, once its digest was found right.

    Raises:
        DamagedFile: If it is no Parquet file, or its bytes are not those that were written.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise damaged(path, error) from error
    marks = list(_STATED.finditer(data))
    if marks:
        first, last = marks[-1].span()
        if data[first + len(_MARK) : last] != digest(data[:first] + _BLANK + data[last:]).encode():
            raise damaged(path, "its bytes do not have the digest that it states")
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        stated = file.metadata.metadata or {}
        table = file.read().replace_schema_metadata(None)
    except Exception as error:  # bytes that are no Parquet file end in errors of many kinds
        raise damaged(path, str(error).splitlines()[0] if str(error) else "no Parquet file") from error
    if not marks and {_OWN, _KEY, _PREDICTIONS} & set(stated):
        raise damaged(path, "a seal without a digest")
    return table, Seal(stated.get(_KEY, b"").decode(), stated.get(_PREDICTIONS, b"").decode())


def digest(data: bytes) -> str:
    """The SHA-256 digest of some bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def damaged(path: Path, found: object) -> DamagedFile:
    """The error for a stored file that is not what was written."""
    return DamagedFile(
        f"the file {str(path)!r} is damaged",
        expected="a file as `confoundbench run` wrote it",
        found=found,
        fix=f"run the suite with --store {path.parent}: it sets the file aside and runs its cells again",
    )
