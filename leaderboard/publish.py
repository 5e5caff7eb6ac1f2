"""Publishes results: takes over the records of a store, renders the site and the table in the README."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from benchmark.contract.errors import IncompleteError, UsageError
from benchmark.contract.records import list_plans, list_records, read_columns
from leaderboard.board import build_board
from leaderboard.frame import read
from leaderboard.render.markdown import render_table
from leaderboard.tables import Board, Table

BEGIN, END = "<!-- leaderboard:begin -->", "<!-- leaderboard:end -->"
SHORT = ("ranks", "letters", "entrant", "equivalence", "improvement", "rho")
GENERATED = ("tables", "figures", "timings")


def adopt_store(store: str | Path, results: str | Path) -> int:
    """Replace the published records and plans by a store's; submissions that were added stay.

    Predictions are left where they are: they are large, and nothing that is published needs them.

    Args:
        store: Folder written by ``confoundbench run``, complete.
        results: Folder of published records; made if need be.

    Returns:
        Number of files copied.

    Raises:
        UsageError: If the store is not a store of one suite.
        IncompleteError: If cells of the store are missing; nothing is changed then.
    """
    frame, target = read(store), Path(results)
    if not frame.is_complete:
        raise IncompleteError(
            "only a complete store is published",
            expected="a record for every planned cell",
            found=f"{len(frame.absent)} missing, {len(frame.infrastructure)} failed by the machine",
            fix="run the suite again; finished cells are kept",
        )
    target.mkdir(parents=True, exist_ok=True)
    replaced = [path for path in list_records(target) if not _is_submitted(path)]
    for old in (*replaced, *list_plans(target)):
        old.unlink()
    fresh = (*list_records(Path(store)), *list_plans(Path(store)))
    for path in fresh:
        shutil.copyfile(path, target / path.name)
    return len(fresh)


def publish_results(
    results: str | Path, site: str | Path, readme: str | Path, *, suite: str | None = None
) -> Board:
    """Render the site and bring the README's table up to date.

    Args:
        results: Folder of published records.
        site: Folder of the site; generated files that are no longer made are removed.
        readme: File with the two markers.
        suite: Name of the suite, where there are several.

    Raises:
        UsageError: If the README lacks its markers.
        IncompleteError: If there are no results.
    """
    page = Path(readme)
    text = page.read_text("utf-8") if page.exists() else ""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise UsageError(
            f"{page.name} has no place for the table",
            expected=f"one {BEGIN} followed by one {END}",
            found=f"{text.count(BEGIN)} and {text.count(END)}",
            fix="add the two markers on lines of their own",
        )
    board = build_board(results, site, suite=suite)
    _remove_stale(Path(site), board.files)
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n{render_short(board)}\n{END}{after}", encoding="utf-8", newline="\n")
    return board


def render_short(board: Board) -> str:
    """The main ranking in few columns, with what a reader must know to read it."""
    tables = [t for t in board.tables if t.name.startswith("ranking") and "-part-" not in t.name]
    parts = [" · ".join(board.header) + "."]
    for table in tables:
        parts += [
            f"**{table.title}**",
            render_table(_shortened(table)),
            "\n".join(f"- {n}" for n in table.notes),
        ]
    if board.problems:
        parts.append("\n".join(f"> **Incomplete.** {problem}" for problem in board.problems))
    return "\n\n".join(part for part in parts if part)


def _shortened(table: Table) -> Table:
    kept = [i for i, column in enumerate(table.columns) if column.name in SHORT]
    rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return replace(table, columns=tuple(table.columns[i] for i in kept), rows=rows)


def _remove_stale(site: Path, files: tuple[str, ...]) -> None:
    for folder in GENERATED:
        for path in sorted((site / folder).glob("*.*")):
            if path.relative_to(site).as_posix() not in files:
                path.unlink()


def _is_submitted(path: Path) -> bool:
    return "" not in read_columns(path, "submission")["submission"]
