"""Adds a submission to a board: whose name it is, whether its cells are the board's, what is then written.

The rows come from whoever made them again from the bundle's predictions; this package cannot, because it sees
no world. Everything is checked before anything is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmark.contract.errors import IncompleteError, UsageError
from benchmark.contract.records import (
    MANIFEST,
    SOURCE,
    make_table,
    name_records,
    read_records,
    set_aside,
    write_records,
)
from leaderboard.board import make_board
from leaderboard.frame import FIT, Frame, from_table, read
from leaderboard.ledger import SUBMISSIONS, Entry, Ledger
from leaderboard.producers.evidence import Evidence
from leaderboard.producers.validity import find_problems
from leaderboard.tables import format_count

KEY_DIGITS = 20
DIGITS = 1e-9


@dataclass(frozen=True)
class Claim:
    """What a bundle says of itself, its signature verified.

    Attributes:
        method: Name of the method.
        sha256: Digest of its file.
        code: Digest of what the file does.
        owner: Public key of its author.
        isolation: Where it ran.
    """

    method: str
    sha256: str
    code: str
    owner: str
    isolation: str


def check_claim(claim: Claim, results: str | Path) -> None:
    """Refuse a name that is another's, and code that is on the board already.

    Args:
        claim: Whose bundle it is.
        results: Folder of the board's records.

    Raises:
        UsageError: If the name belongs to another author or to a method of the board, the file or its code is
            on the board, or the ledger was edited.
    """
    board, entries = read(results), Ledger(Path(results)).read()
    rows = board.records
    own = rows[rows["submission"] == ""]
    if claim.method in set(own["method"]) | set(own["label"]):
        raise UsageError(
            f"the name {claim.method!r} is a method's of the board", expected="a name of its own",
            found=claim.method, fix="rename the method and submit it again",
        )  # fmt: skip
    holders = {entry.owner for entry in entries if entry.method == claim.method}
    if holders - {claim.owner}:
        raise UsageError(
            f"the name {claim.method!r} belongs to another author",
            expected=f"a bundle signed with the key {min(holders)[:16]}...",
            found=f"one signed with {claim.owner[:16]}...",
            fix="rename the method, or sign with the key that the name was first submitted with",
        )
    shown = set(rows["submission"]) - {""}
    if claim.sha256 in shown:
        raise UsageError(
            "this very file is on the board",
            expected="a new file",
            found=f"{claim.method} {claim.sha256[:12]}",
        )
    for entry in entries:
        if entry.code == claim.code and entry.sha256 in shown and entry.method != claim.method:
            raise UsageError(
                f"the same code is on the board as {entry.method!r}", expected="another method",
                found=f"a file that differs from {entry.sha256[:12]} in names and comments alone",
            )  # fmt: skip
    check_registered(results)


def check_registered(results: str | Path) -> None:
    """Refuse a board that holds submissions of which the ledger knows nothing.

    Args:
        results: Folder of the board's records.

    Raises:
        UsageError: If there is one, or the ledger was edited.
    """
    shown = set(read_records(Path(results)).column("submission").to_pylist()) - {"", None}
    unknown = shown - {entry.sha256 for entry in Ledger(Path(results)).read()}
    if unknown:
        raise UsageError(
            "the board holds submissions without a line in the ledger", expected="a line for each",
            found=", ".join(sorted(digest[:12] for digest in unknown)),
            fix="restore the ledger, or take their records out and add their bundles",
        )  # fmt: skip


def check_cells(submitted: Frame, board: Frame) -> None:
    """Refuse a submission whose cells are not exactly those of the board.

    Raises:
        UsageError: If it is of another suite, version or season, or has a cell that the board lacks.
        IncompleteError: If it lacks cells of the board.
    """
    identity = (submitted.suite, submitted.version, submitted.season)
    if identity != (board.suite, board.version, board.season):
        raise UsageError(
            "the bundle was run on other worlds than the board's",
            expected=f"{board.suite} {board.version} {board.season}",
            found=" ".join(identity),
            fix="submit the file again with --board and the folder of this board",
        )
    everyone = pd.concat([board.records, board.twins])
    facts = [*FIT, "cell_naive_rho", "board"]
    naive = everyone.loc[everyone["role"] == "naive", facts]
    here = pd.concat([submitted.records, submitted.twins])[facts]
    joined = naive.merge(here, on=FIT, how="outer", suffixes=("", ".here"), indicator=True)
    lacking, extra = (joined[joined["_merge"] == side] for side in ("left_only", "right_only"))
    if len(extra):
        raise UsageError("the bundle has cells that the board has not", found=_name_cells(extra))
    if len(lacking):
        raise IncompleteError(
            f"the bundle lacks {format_count(len(lacking), 'cell')} of the board",
            expected=f"{len(naive)} cells",
            found=_name_cells(lacking),
            fix="submit the file again with --board and the folder of this board; finished cells are kept",
        )
    first, second = joined["cell_naive_rho"].to_numpy(float), joined["cell_naive_rho.here"].to_numpy(float)
    other = ~np.isclose(first, second, rtol=0, atol=DIGITS, equal_nan=True)
    other |= (joined["board"].fillna("") != joined["board.here"].fillna("")).to_numpy()
    if other.any():
        raise UsageError(
            "the bundle was scored against other truths than the board's",
            expected="equal cell_naive_rho and board in every cell",
            found=_name_cells(joined[other]),
            fix="the board was made by another version of the worlds; publish it anew first",
        )


def admit(
    claim: Claim,
    rows: Sequence[Mapping[str, Any]],
    bundle: str | Path,
    results: str | Path,
    checked: Sequence[str] = (),
) -> Entry:
    """Add rows that were made again from a bundle, or nothing at all.

    Args:
        claim: Whose they are.
        rows: One record a cell.
        bundle: The bundle, of which the file and the manifest are kept.
        results: Folder of the board's records.
        checked: What was checked before.

    Returns:
        The line that was added to the ledger.

    Raises:
        UsageError: If the claim or the cells are refused, or the new rows give the board a problem.
        IncompleteError: If cells are lacking, or none is ``ok``.
    """
    target = Path(results)
    check_claim(claim, target)
    table = make_table(rows)
    board, submitted = read(target), from_table(table)
    counts = pd.Series(table.column("status").to_pylist()).value_counts().sort_index()
    if not counts.get("ok"):
        raise IncompleteError(
            "no cell of the bundle is ok", expected="at least one",
            found=", ".join(f"{count} {status}" for status, count in counts.items()),
            fix="look at the column `reason` of its records",
        )  # fmt: skip
    check_cells(submitted, board)
    _check_merged(board, table, claim, target)
    path = target / name_records(claim.sha256[:KEY_DIGITS])
    if path.exists():
        raise UsageError("the board holds a file of this name", expected="none", found=path.name)
    ledger = Ledger(target)
    entry = ledger.append(
        method=claim.method,
        sha256=claim.sha256,
        code=claim.code,
        owner=claim.owner,
        attempt=1 + sum(entry.owner == claim.owner for entry in ledger.read()),
        suite=f"{submitted.suite} {submitted.version} {submitted.season}",
        isolation=claim.isolation,
        cells={str(status): int(count) for status, count in counts.items()},
        checked=(*checked, "the board with these rows is whole"),
    )
    kept = target / SUBMISSIONS / entry.folder
    for file in (SOURCE, MANIFEST):
        shutil.copyfile(Path(bundle) / file, kept / file)
    set_aside(target, claim.method)
    write_records(path, rows)
    return entry


def _check_merged(board: Frame, rows: pa.Table, claim: Claim, results: Path) -> None:
    """Make every table and figure with the new rows before they are kept."""
    before = read_records(results).to_pandas()
    older = (before["method"] == claim.method) & (before["submission"] != "")
    merged = pd.concat([before[~older], rows.to_pandas()], ignore_index=True)
    try:
        after = make_board(from_table(merged, board.suite)).problems
    except Exception as error:
        raise UsageError(
            "the board cannot be made with these rows",
            expected="every table and figure",
            found=f"{type(error).__name__}: {error}"[:300],
        ) from error
    known = find_problems(Evidence(from_table(before[~older], board.suite)))
    fresh = sorted(set(after) - set(known))
    if fresh:
        raise UsageError(
            "the board has a problem with these rows that it has not without them",
            expected="no new problem",
            found=" ".join(fresh)[:500],
        )


def _name_cells(cells: pd.DataFrame) -> str:
    named = [f"{row.scenario} seed {row.seed}" for row in cells.head(3).itertuples()]
    return ", ".join(named) + (f" and {len(cells) - 3} more" if len(cells) > 3 else "")
