"""The ledger of submissions: bundles come in whole and verified, and every attempt is counted.

``results/attempts.jsonl`` is append-only: each line carries the digest of the line before, so
that a line taken out or changed shows. A newer attempt under the same name replaces the older
one on the board (its records move to ``superseded/``), but the number of attempts stays.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.contract.errors import IncompleteError, UsageError
from benchmark.contract.records import (
    MANIFEST,
    SOURCE,
    SUPERSEDED,
    list_records,
    name_bundle,
    read_bundle,
    read_columns,
)
from leaderboard.frame import CELL, Frame, from_table, read

ATTEMPTS, SUBMISSIONS = "attempts.jsonl", "submissions"
BEGINNING = "0" * 64
DIGITS = 1e-9


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        method: Name of the submitted method.
        sha256: Digest of its file.
        attempt: How many files have been added under this name, this one included.
        suite: Suite, version and season it was run on.
        isolation: Where it ran.
        cells: Cells by status.
    """

    method: str
    sha256: str
    attempt: int
    suite: str
    isolation: str
    cells: dict[str, int]


@dataclass(frozen=True)
class Ledger:
    """The attempts of a results folder.

    Attributes:
        folder: The results folder.
    """

    folder: Path

    def read(self) -> list[dict[str, Any]]:
        """Every line, oldest first.

        Raises:
            UsageError: If a line was changed or taken out.
        """
        path = self.folder / ATTEMPTS
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        previous, entries = BEGINNING, []
        for number, line in enumerate(lines, start=1):
            entry = _parse(line)
            if entry.get("previous") != previous or entry.get("number") != number:
                raise UsageError(
                    "the ledger of attempts was edited",
                    expected=f"line {number} to follow on from the line before it",
                    found=line[:120],
                    fix=f"restore {ATTEMPTS} from version control; it is append-only",
                )
            previous = hashlib.sha256(line.encode()).hexdigest()
            entries.append(entry)
        return entries

    def append(self, entry: Entry) -> None:
        """Add a line."""
        path = self.folder / ATTEMPTS
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        previous = hashlib.sha256(lines[-1].encode()).hexdigest() if lines else BEGINNING
        content = {"number": len(lines) + 1, **vars(entry), "previous": previous}
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(content, sort_keys=True) + "\n")


def add_bundle(bundle: str | Path, results: str | Path) -> Entry:
    """Verify a bundle and add its records to the results.

    Args:
        bundle: Folder written by ``confoundbench submit``.
        results: Folder of published results, which already holds the naive and ceiling records.

    Returns:
        The line that was added to the ledger.

    Raises:
        UsageError: If the bundle is damaged, its rows are not plausible, it is on the board
            already, or its worlds are not those of the results.
        IncompleteError: If it lacks cells that the results have.
    """
    source, target = Path(bundle), Path(results)
    manifest, table = read_bundle(source)
    name, digest = str(manifest["method"]), str(manifest["sha256"])
    ledger = Ledger(target)
    entries = ledger.read()
    if any(entry["sha256"] == digest for entry in entries):
        raise UsageError(
            "this very file was added before", expected="a new file", found=f"{name} {digest[:12]}"
        )
    submitted, board = from_table(table), read(target)
    _check_rows(submitted, str(manifest.get("isolation", "")))
    _check_worlds(submitted, board)
    _set_aside(target, name)
    for path in list_records(source):
        shutil.copyfile(path, target / path.name)
    kept = target / SUBMISSIONS / name_bundle(name, digest)
    kept.mkdir(parents=True, exist_ok=True)
    for file in (SOURCE, MANIFEST):
        shutil.copyfile(source / file, kept / file)
    counts = submitted.records["status"].value_counts().sort_index()
    entry = Entry(
        method=name,
        sha256=digest,
        attempt=1 + sum(entry["method"] == name for entry in entries),
        suite=f"{submitted.suite} {submitted.version} {submitted.season}",
        isolation=str(manifest.get("isolation", "unknown")),
        cells={str(status): int(count) for status, count in counts.items()},
    )
    ledger.append(entry)
    return entry


def _check_rows(submitted: Frame, isolation: str) -> None:
    """Rows must be those of a contender with possible scores, run where the manifest says."""
    records = submitted.records
    rho = records["metric.rho"].dropna()
    problems = [
        ("a role of its own", (records["role"] != "method").any() or records["canary"].any()),
        ("several tracks", records["track"].nunique() > 1),
        ("an isolation that the manifest denies", (records["isolation"] != isolation).any()),
        ("a regret outside [0, 1]", ((rho < 0) | (rho > 1)).any()),
    ]
    wrong = [what for what, is_wrong in problems if is_wrong]
    if wrong:
        raise UsageError(
            "the bundle's rows are not a submission's", found="; ".join(wrong), fix="submit again"
        )


def _check_worlds(submitted: Frame, board: Frame) -> None:
    """The cells must be the board's, with the same facts of truth."""
    identity = (submitted.suite, submitted.version, submitted.season)
    if identity != (board.suite, board.version, board.season):
        raise UsageError(
            "the bundle was run on other worlds than the board's",
            expected=f"{board.suite} {board.version} {board.season}",
            found=" ".join(identity),
        )
    naive = board.of_role("naive")[[*CELL, "cell_naive_rho"]]
    joined = naive.merge(
        submitted.records[[*CELL, "cell_naive_rho"]],
        on=CELL,
        how="outer",
        suffixes=("", ".here"),
        indicator=True,
    )
    lacking = joined[joined["_merge"] == "left_only"]
    if len(lacking):
        raise IncompleteError(
            f"the bundle lacks {len(lacking)} cells of the board",
            expected=f"{len(naive)} cells",
            found=_name_cells(lacking),
            fix="submit the file again; finished cells are kept",
        )
    if (joined["_merge"] == "right_only").any():
        extra = joined[joined["_merge"] == "right_only"]
        raise UsageError("the bundle has cells that the board has not", found=_name_cells(extra))
    gap = (joined["cell_naive_rho"] - joined["cell_naive_rho.here"]).abs().to_numpy()
    if (gap[np.isfinite(gap)] > DIGITS).any():
        raise UsageError(
            "the bundle was scored against other truths than the board's",
            expected="equal cell_naive_rho in every cell",
            found=_name_cells(joined[np.nan_to_num(gap) > DIGITS]),
        )


def _name_cells(cells: pd.DataFrame) -> str:
    named = [f"{row.scenario} seed {row.seed}" for row in cells.head(3).itertuples()]
    return ", ".join(named) + (" and more" if len(cells) > 3 else "")


def _set_aside(target: Path, name: str) -> None:
    """Move the records of older attempts under a name to ``superseded/``, which no board reads."""
    for path in list_records(target):
        columns = read_columns(path, "method", "submission")
        if set(columns["method"]) == {name} and "" not in columns["submission"]:
            (target / SUPERSEDED).mkdir(exist_ok=True)
            path.rename(target / SUPERSEDED / path.name)


def _parse(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
