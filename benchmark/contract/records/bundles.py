"""A bundle: one folder with all that a submission's records rest on, a digest of each file and a signature.

It holds ``method.py``, ``records-KEY.parquet``, ``predictions-KEY.npz`` and ``manifest.json``. The digests
show damage and mix-ups, and the signature shows whose it is. Neither shows that the records are true: whoever
adds a bundle to a board computes its scores again, and for certainty runs the file again.

Bundles come from strangers. Sizes, names and types are checked before anything is read whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmark.contract.errors import UsageError
from benchmark.contract.files import write_json, write_whole
from benchmark.contract.records.columns import COLUMNS, DIAGNOSTIC_PREFIX, METRIC_PREFIX, join_tables
from benchmark.contract.records.groups import key_of, list_records, name_predictions
from benchmark.contract.records.metrics import METRICS
from benchmark.contract.records.signatures import find_owner, sign
from benchmark.contract.records.statuses import REASON_LENGTH

MANIFEST, SOURCE = "manifest.json", "method.py"
MAXIMUM_ROWS = 20_000
_FORMAT = 2
_SUFFIXES = (".parquet", ".npz", ".py")
_NAME = re.compile(r"method\.py|records-[a-z0-9-]{1,64}\.parquet|predictions-[a-z0-9-]{1,64}\.npz")
_DIAGNOSTIC = re.compile(re.escape(DIAGNOSTIC_PREFIX) + r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}")
_MAXIMUM_DIAGNOSTICS = 64
_MIB = 2**20
_MAXIMUM_BYTES = {MANIFEST: 4 * _MIB, ".py": _MIB, ".parquet": 16 * _MIB, ".npz": 64 * _MIB}
_MAXIMUM_FILES = 2 * MAXIMUM_ROWS
_MAXIMUM_TABLE_BYTES = 64 * _MIB


def name_bundle(method: str, sha256: str) -> str:
    """Name of the folder of a submission: its method and the start of its file's digest."""
    return f"{method}-{sha256[:12]}"


def seal_bundle(
    folder: Path, method: str, source: bytes, details: Mapping[str, Any], key: bytes
) -> dict[str, Any]:
    """Add the source and then the manifest to a folder of records; the manifest makes it a bundle.

    Args:
        folder: Folder that already holds the records and predictions.
        method: Name of the method.
        source: The file that defines it.
        details: Suite, tags, isolation, versions and times.
        key: The author's private key, which signs the manifest.

    Returns:
        The manifest.
    """
    write_whole(folder / SOURCE, source)
    content = {
        "format": _FORMAT,
        "method": method,
        "sha256": hashlib.sha256(source).hexdigest(),
        "files": _digest_files(folder),
        **details,
    }
    manifest = sign(json.loads(json.dumps(content, default=str)), key)
    write_json(folder / MANIFEST, manifest)
    return manifest


def read_bundle(folder: str | Path) -> tuple[dict[str, Any], pa.Table]:
    """A bundle's manifest and records, after checking that they belong together.

    Raises:
        UsageError: If a file is missing, added, changed, too large or no regular file, the manifest is not
            signed, a column is unknown or of another type, or a row belongs to another submission.
    """
    folder = Path(folder)
    try:
        _check_files(folder)
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        stated = {str(name): str(digest) for name, digest in manifest["files"].items()}
        identity = str(manifest["method"]), str(manifest["sha256"])
        form = manifest.get("format")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise _broken(folder, f"no readable {MANIFEST}: {str(error)[:200]}") from error
    if form != _FORMAT:
        raise _broken(folder, f"format {str(form)[:20]}")
    found = _digest_files(folder)
    if found != stated:
        wrong = sorted(name for name in {*found, *stated} if found.get(name) != stated.get(name))
        raise _broken(folder, "missing, added or changed: " + ", ".join(wrong)[:200])
    if stated.get(SOURCE) != identity[1]:
        raise _broken(folder, f"{SOURCE} is not the file that was run")
    try:
        find_owner(manifest)
    except (ValueError, RecursionError) as error:
        raise _broken(folder, str(error)) from error
    return manifest, _read_table(folder, identity)


def _check_files(folder: Path) -> None:
    """Refuse whatever is no plain file of a bundle, before any of it is opened."""
    entries = sorted(folder.iterdir())
    if len(entries) > _MAXIMUM_FILES:
        raise _broken(folder, f"{len(entries)} files")
    for path in entries:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode) and path.suffix not in _SUFFIXES:
            continue  # what a store keeps for itself; nothing reads it
        if not stat.S_ISREG(mode):
            raise _broken(folder, f"{path.name!r} is a link, a folder or a device")
        limit = _MAXIMUM_BYTES.get(path.name, _MAXIMUM_BYTES.get(path.suffix, _MAXIMUM_BYTES[MANIFEST]))
        if path.stat().st_size > limit:
            raise _broken(folder, f"{path.name!r} is larger than {limit // _MIB} MiB")
        if path.suffix in _SUFFIXES and not _NAME.fullmatch(path.name):
            raise _broken(folder, f"a file named {path.name!r}")
    for path in list_records(folder):
        if not (folder / name_predictions(key_of(path))).is_file():
            raise _broken(folder, f"{path.name} without its predictions, from which scores are computed")


def _read_table(folder: Path, identity: tuple[str, str]) -> pa.Table:
    """The records, with types and sizes checked before any of them is read."""
    files = list_records(folder)
    try:
        opened = [pq.ParquetFile(path) for path in files]
        rows = sum(file.metadata.num_rows for file in opened)
        if not 0 < rows <= MAXIMUM_ROWS:
            raise _broken(
                folder, f"{rows} records; a bundle has 1 to {MAXIMUM_ROWS}" if rows else "no records"
            )
        size = 0
        for path, file in zip(files, opened, strict=True):
            _check_columns(folder, path, file.schema_arrow)
            groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
            size += sum(group.total_byte_size for group in groups)
        if size > _MAXIMUM_TABLE_BYTES:
            raise _broken(folder, f"records of {size // _MIB} MiB")
        table = join_tables(_read_file(folder, path) for path in files)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _broken(folder, f"unreadable records: {str(error)[:200]}") from error
    if set(zip(table["method"].to_pylist(), table["submission"].to_pylist(), strict=True)) != {identity}:
        raise _broken(folder, "rows of another method or file")
    return table


def _check_columns(folder: Path, path: Path, schema: pa.Schema) -> None:
    known = {name: kind for name, (kind, _) in COLUMNS.items()}
    known |= {f"{METRIC_PREFIX}{metric.name}": pa.float64() for metric in METRICS}
    reported = [name for name in schema.names if _DIAGNOSTIC.fullmatch(name)]
    known |= {name: pa.float64() for name in reported[:_MAXIMUM_DIAGNOSTICS]}
    wrong = [f.name for f in schema if known.get(f.name) != f.type] + sorted(set(COLUMNS) - set(schema.names))
    if wrong or len(set(schema.names)) != len(schema.names):
        raise _broken(
            folder, f"columns of {path.name} unknown, missing or of another type: {wrong[:3]}"[:300]
        )


def _read_file(folder: Path, path: Path) -> pa.Table:
    """One file, its texts read by distinct value so that a long text in every row stays one text."""
    texts = [name for name, (kind, _) in COLUMNS.items() if kind == pa.string()]
    table = pq.ParquetFile(path, read_dictionary=texts).read().replace_schema_metadata(None)
    for name in texts:
        column = table.column(name)
        for chunk in column.chunks:
            longest = pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0
            if longest > 4 * REASON_LENGTH or chunk.null_count:
                raise _broken(folder, f"{name!r} with a text of {longest} bytes, or without one")
        table = table.set_column(table.schema.get_field_index(name), name, column.cast(pa.string()))
    return table


def _digest_files(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix in _SUFFIXES and path.is_file()
    }


def _broken(folder: Path, found: str) -> UsageError:
    return UsageError(
        f"{str(folder)!r} is not an intact bundle",
        expected="a folder written by `confoundbench submit`, unchanged",
        found=found,
        fix="submit the file again; cells that are finished are not run again",
    )
