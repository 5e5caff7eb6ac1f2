"""A bundle: one folder that holds everything a submission's rows rest on, and a digest of each file.

``method.py``, ``records-KEY.parquet``, ``predictions-KEY.npz`` and ``manifest.json``. The digests
show damage and mix-ups; they are no signature. A maintainer who wants certainty runs the file again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmark.contract import UsageError
from benchmark.runs.store import Store, write_atomically
from benchmark.sandbox.outside.submission import Submission

FORMAT = 1
MANIFEST, SOURCE = "manifest.json", "method.py"
SUFFIXES = (".parquet", ".npz", ".py")


def write_manifest(folder: Path, submission: Submission, details: Mapping[str, Any]) -> dict[str, Any]:
    """Seal a bundle: add the source and the manifest, the manifest last.

    Args:
        folder: Folder that already holds the records and predictions.
        submission: What was run.
        details: Suite, isolation, versions and times.
    """
    write_atomically(folder / SOURCE, lambda: submission.source)
    files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    manifest = {
        "format": FORMAT,
        "method": submission.name,
        "sha256": submission.sha256,
        "files": {path.name: _digest(path) for path in files},
        **details,
    }
    text = json.dumps(manifest, indent=2, sort_keys=True, default=str) + "\n"
    write_atomically(folder / MANIFEST, text.encode)
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
        identity = (str(manifest["method"]), str(manifest["sha256"]))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise _broken(folder, f"no readable {MANIFEST}: {error}") from error
    if manifest.get("format") != FORMAT:
        raise _broken(folder, f"format {manifest.get('format')}")
    found = {p.name: _digest(p) for p in folder.iterdir() if p.suffix in SUFFIXES and not p.is_symlink()}
    if found != stated:
        wrong = sorted(n for n in {*found, *stated} if found.get(n) != stated.get(n))
        raise _broken(folder, f"missing, added or changed: {', '.join(wrong)}")
    if stated.get(SOURCE) != identity[1]:
        raise _broken(folder, f"{SOURCE} is not the file that was run")
    records = Store.existing(folder).read_records()
    names = {str(value) for value in records.column("method").to_pylist()}
    digests = {str(value) for value in records.column("submission").to_pylist()}
    if names != {identity[0]} or digests != {identity[1]}:
        raise _broken(folder, f"rows of {', '.join(sorted(names)) or 'nothing'}")
    return manifest, records


def _broken(folder: Path, found: str) -> UsageError:
    return UsageError(
        f"{str(folder)!r} is not an intact bundle",
        expected="a folder written by `confoundbench submit`, unchanged",
        found=found,
        fix="submit the file again",
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
