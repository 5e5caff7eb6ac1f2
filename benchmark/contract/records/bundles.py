"""A bundle: one folder with all that a submission's records rest on, and a digest of each of its files.

It holds ``method.py``, ``records-KEY.parquet``, ``predictions-KEY.npz`` and ``manifest.json``. The
digests show damage and mix-ups; they are no signature, so a maintainer who wants certainty runs the
file again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmark.contract.errors import UsageError
from benchmark.contract.files import write_json, write_whole
from benchmark.contract.records.groups import read_records

MANIFEST, SOURCE = "manifest.json", "method.py"
_FORMAT = 1
_SUFFIXES = (".parquet", ".npz", ".py")


def name_bundle(method: str, sha256: str) -> str:
    """Name of the folder of a submission: its method and the start of its file's digest."""
    return f"{method}-{sha256[:12]}"


def seal_bundle(folder: Path, method: str, source: bytes, details: Mapping[str, Any]) -> dict[str, Any]:
    """Add the source and then the manifest to a folder of records; the manifest makes it a bundle.

    Args:
        folder: Folder that already holds the records and predictions.
        method: Name of the method.
        source: The file that defines it.
        details: Suite, isolation, versions and times.

    Returns:
        The manifest.
    """
    write_whole(folder / SOURCE, source)
    manifest = {
        "format": _FORMAT,
        "method": method,
        "sha256": hashlib.sha256(source).hexdigest(),
        "files": _digest_files(folder),
        **details,
    }
    write_json(folder / MANIFEST, manifest)
    return manifest


def read_bundle(folder: str | Path) -> tuple[dict[str, Any], pa.Table]:
    """A bundle's manifest and records, after checking that they belong together.

    Raises:
        UsageError: If a file is missing, added or changed, or a row belongs to another submission.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        stated = {str(name): str(digest) for name, digest in manifest["files"].items()}
        identity = str(manifest["method"]), str(manifest["sha256"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise _broken(folder, f"no readable {MANIFEST}: {error}") from error
    if manifest.get("format") != _FORMAT:
        raise _broken(folder, f"format {manifest.get('format')}")
    if links := sorted(path.name for path in folder.iterdir() if path.is_symlink()):
        raise _broken(folder, "symbolic links: " + ", ".join(links))
    found = _digest_files(folder)
    if found != stated:
        wrong = sorted(name for name in {*found, *stated} if found.get(name) != stated.get(name))
        raise _broken(folder, "missing, added or changed: " + ", ".join(wrong))
    if stated.get(SOURCE) != identity[1]:
        raise _broken(folder, f"{SOURCE} is not the file that was run")
    records = read_records(folder)
    rows = set(zip(records["method"].to_pylist(), records["submission"].to_pylist(), strict=True))
    if rows != {identity}:
        raise _broken(folder, "rows of another method or file" if rows else "no records")
    return manifest, records


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
        fix="submit the file again",
    )
