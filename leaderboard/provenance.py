"""When published records were made and by which versions: shown on the page, never ranked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmark.contract.files import write_json

FILE = "provenance.json"
RUNS = "run*.json"


def keep_provenance(store: Path, results: Path) -> None:
    """Write what the runs of a store say of themselves beside the published records, without their machines.

    Args:
        store: Folder written by ``confoundbench run``.
        results: Folder of published records.
    """
    runs = [_read(path) for path in sorted(store.glob(RUNS))]
    dates = sorted(str(run["started"])[:10] for run in runs if run.get("started"))
    if not dates:
        (results / FILE).unlink(missing_ok=True)
        return
    last = max(runs, key=lambda run: str(run.get("started", "")))
    kept = {name: last[name] for name in ("components", "packages", "commit") if last.get(name)}
    write_json(results / FILE, {"first": dates[0], "last": dates[-1], **kept})


def read_provenance(folder: Path) -> tuple[tuple[str, str], ...]:
    """What to show, as names and values; empty where nothing was kept."""
    path = folder / FILE
    content = _read(path) if path.exists() else {}
    dates = dict.fromkeys(str(content[name]) for name in ("first", "last") if name in content)
    found = [("Records made", " to ".join(dates))] if dates else []
    for title, name in (("Versions", "components"), ("Packages", "packages")):
        versions = content.get(name)
        if isinstance(versions, dict):
            found.append((title, ", ".join(f"{key} {value}" for key, value in sorted(versions.items()))))
    if content.get("commit"):
        found.append(("Commit", str(content["commit"])[:12]))
    return tuple(found)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
