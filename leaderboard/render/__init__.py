"""Renderers: the same tables as markdown, csv, json and one self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaderboard.tables import Board


def write_board(board: Board, out: Path) -> tuple[str, ...]:
    """Write every form of a board; returns the names of the files, relative to the folder.

    Args:
        board: The board.
        out: Folder to write to; made if need be.
    """
    from leaderboard.render.html import render_html
    from leaderboard.render.markdown import render_markdown, render_table
    from leaderboard.render.plain import render_csv, render_json

    files = {"leaderboard.md": render_markdown(board), "leaderboard.json": render_json(board)}
    files["index.html"] = render_html(board)
    files |= {f"tables/{table.name}.csv": render_csv(table) for table in board.tables}
    files |= {f"figures/{figure.name}.svg": figure.svg for figure in board.figures}
    files |= {f"timings/{table.name}.csv": render_csv(table) for table in board.timings}
    files |= {f"timings/{table.name}.md": render_table(table) + "\n" for table in board.timings}
    for name, text in sorted(files.items()):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return tuple(sorted(files))
