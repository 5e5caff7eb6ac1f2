"""A small board, an honest bundle for it, and ways to forge the bundle as one who knows the format would."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.contract import records as files
from benchmark.contract.records import MANIFEST, SOURCE, seal_bundle
from benchmark.tasks.suite import Suite, check_suite

MINE, THEIRS = bytes([1]) * 32, bytes([2]) * 32


def make_suite() -> Suite:
    """Two worlds of 150 rows."""
    return check_suite(
        {
            "name": "two",
            "version": "1",
            "n": 150,
            "seeds": 2,
            "queries": {"pairs": 32, "contrasts": 4, "pool": 16, "samples": 2},
            "own_twin": True,
            "cells": [{"scenarios": ["observed[strength=1]"], "methods": ["covariate-regression"]}],
        }
    )


def write_key(folder: Path, key: bytes) -> Path:
    """An author's key in a file."""
    path = folder / f"{key.hex()[:4]}.key"
    path.write_text(key.hex())
    return path


def seal_again(folder: Path, key: bytes = MINE, **changes: Any) -> Path:
    """Digests and signature of a bundle whose files were changed, as a forger makes them."""
    manifest = json.loads((folder / MANIFEST).read_text())
    source = (folder / SOURCE).read_bytes()
    kept = {n: v for n, v in manifest.items() if n not in ("format", "files", "owner", "signature", "sha256")}
    details = {**kept, **changes}
    seal_bundle(folder, details.pop("method"), source, details, key)
    return folder


def change_rows(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change the records of every file of a bundle."""
    for path in files.list_records(folder):
        before = pq.read_table(path)
        after = change(before.to_pandas())
        kinds = {field.name: field.type for field in before.schema}
        columns = {
            name: pa.array(after[name].tolist(), kinds.get(name, pa.float64())) for name in after.columns
        }
        pq.write_table(pa.table(columns), path)


def make_variant(bundle: Path, folder: Path, source: bytes, name: str, key: bytes = MINE) -> Path:
    """The bundle of another file that answers the same: no check runs the file, so neither does this."""
    shutil.copytree(bundle, folder)
    digest = hashlib.sha256(source).hexdigest()
    (folder / SOURCE).write_bytes(source)
    change_rows(folder, lambda rows: rows.assign(method=name, label=name, submission=digest))
    return seal_again(folder, key, method=name)


def fail_all(folder: Path) -> None:
    """Let every cell of a bundle have failed."""

    def fail(rows: pd.DataFrame) -> pd.DataFrame:
        measured = [name for name in rows.columns if name.startswith(("metric.", "diagnostic."))]
        return rows.assign(status="failed", reason="RuntimeError: no", **dict.fromkeys(measured, math.nan))

    change_rows(folder, fail)
    for path in folder.glob("predictions-*.npz"):
        path.write_bytes(files.pack_predictions([None]))


def change_manifest(folder: Path, **changes: Any) -> None:
    """Change the manifest without a new signature."""
    content: Mapping[str, Any] = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**content, **changes}))
