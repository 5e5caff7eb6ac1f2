"""Publishes results: takes over a store's records, renders the site and the README's first screen."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from benchmark.contract.errors import IncompleteError, UsageError
from benchmark.contract.records import (
    list_plans,
    list_records,
    read_columns,
    read_records,
    read_suite,
    write_packs,
)
from leaderboard.admission import check_registered
from leaderboard.board import build_board
from leaderboard.catalogue import Catalogue
from leaderboard.frame import read
from leaderboard.provenance import keep_provenance
from leaderboard.render import FIGURE
from leaderboard.render.markdown import escape_markdown
from leaderboard.render.pages import describe_boards
from leaderboard.tables import Board

BEGIN, END = "<!-- leaderboard:begin -->", "<!-- leaderboard:end -->"
GENERATED = ("tables", "figures", "timings", "boards", "methods", "families")


def adopt_store(store: str | Path, results: str | Path) -> int:
    """Replace the published records and plans of a suite by a store's, in one file a board.

    Submissions that were added stay, and so do the records of other suites. Predictions are left where they
    are: they are large, and nothing that is published needs them.

    Args:
        store: Folder written by ``confoundbench run``, complete.
        results: Folder of published records; made if need be.

    Returns:
        Number of files written.

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
    replaced = [path for path in list_records(target) if _is_of(path, frame.suite)]
    for old in (*replaced, *(path for path in list_plans(target) if read_suite(path) in ("", frame.suite))):
        old.unlink()
    fresh = write_packs(target, read_records(Path(store)))
    for path in list_plans(Path(store)):
        fresh += (Path(shutil.copyfile(path, target / path.name)),)
    keep_provenance(Path(store), target)
    return len(fresh)


def publish_results(
    results: str | Path,
    site: str | Path,
    readme: str | Path,
    *,
    suite: str | None = None,
    catalogue: Catalogue | None = None,
) -> Board:
    """Render the site and bring the README's picture and lines up to date.

    Args:
        results: Folder of published records.
        site: Folder of the site; generated files that are no longer made are removed.
        readme: File with the two markers.
        suite: Name of the suite, where there are several.
        catalogue: Descriptions of families and methods for their pages.

    Raises:
        UsageError: If the README lacks its markers, or a submission is not in the ledger.
        IncompleteError: If there are no results.
    """
    page = Path(readme)
    text = page.read_text("utf-8") if page.exists() else ""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise UsageError(
            f"{page.name} has no place for the board",
            expected=f"one {BEGIN} followed by one {END}",
            found=f"{text.count(BEGIN)} and {text.count(END)}",
            fix="add the two markers on lines of their own",
        )
    check_registered(results)
    board = build_board(results, site, suite=suite, catalogue=catalogue)
    _remove_stale(Path(site), board.files)
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(
        f"{before}{BEGIN}\n{render_short(board, _path_from(page, Path(site)))}\n{END}{after}",
        encoding="utf-8",
        newline="\n",
    )
    return board


def render_short(board: Board, site: str) -> str:
    """The picture of the boards and one line for each, for the first screen of a README.

    Args:
        board: The board.
        site: Folder of the site as seen from the README.
    """
    lines = describe_boards(board)
    parts = [f"![Regret of the best methods on each board]({site}/{FIGURE})"] if lines else []
    parts.append("\n".join(f"- **{title}.** {escape_markdown(line)}" for title, line in lines))
    parts.append(
        f"{escape_markdown('. '.join(board.header))}. All methods, situations and claims: "
        f"[{site}/index.html]({site}/index.html), as text: [{site}/leaderboard.md]({site}/leaderboard.md)."
    )
    if board.problems:
        parts.append("\n".join(f"> **Incomplete.** {escape_markdown(problem)}" for problem in board.problems))
    return "\n\n".join(part for part in parts if part)


def _path_from(page: Path, site: Path) -> str:
    """Where the site is as seen from the folder of a page."""
    return Path(os.path.relpath(site.resolve(), page.resolve().parent)).as_posix()


def _remove_stale(site: Path, files: tuple[str, ...]) -> None:
    for folder in GENERATED:
        for path in sorted((site / folder).glob("*.*")):
            if path.relative_to(site).as_posix() not in files:
                path.unlink()


def _is_of(path: Path, suite: str) -> bool:
    """Whether a file holds records of a suite's methods, and not those of a submission."""
    columns = read_columns(path, "submission", "suite")
    return "" in columns["submission"] and suite in columns["suite"]
