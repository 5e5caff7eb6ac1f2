"""Renderers: the same tables as markdown, csv, json and a site of pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaderboard.catalogue import Catalogue
    from leaderboard.tables import Board

FIGURE = "figures/boards.svg"


def render_board(board: Board, catalogue: Catalogue) -> dict[str, str]:
    """Every form of a board: the text of each file by its path.

    Args:
        board: The board.
        catalogue: Descriptions of its families and methods.
    """
    from leaderboard.render.markdown import render_markdown, render_table
    from leaderboard.render.page_tables import downloads_of
    from leaderboard.render.pages import Site
    from leaderboard.render.plain import render_csv, render_json, render_table_json

    site = Site(board, catalogue)
    files = {"leaderboard.md": render_markdown(board), "leaderboard.json": render_json(board)}
    files |= site.render()
    files |= {f"tables/{table.name}.csv": render_csv(table) for table in downloads_of(board)}
    files |= {f"tables/{table.name}.json": render_table_json(table) for table in downloads_of(board)}
    if drawing := site.figure():
        files[FIGURE] = drawing
    files |= {f"timings/{table.name}.csv": render_csv(table) for table in board.timings}
    files |= {f"timings/{table.name}.md": render_table(table) + "\n" for table in board.timings}
    return files


def write_board(board: Board, out: Path, catalogue: Catalogue) -> tuple[str, ...]:
    """Write every form of a board; returns the names of the files, relative to the folder.

    Args:
        board: The board.
        out: Folder to write to; made if need be.
        catalogue: Descriptions of its families and methods.
    """
    files = render_board(board, catalogue)
    for name, text in sorted(files.items()):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return tuple(sorted(files))
