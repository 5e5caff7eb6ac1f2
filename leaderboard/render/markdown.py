"""Tables as markdown that reads well as plain text too."""

from __future__ import annotations

import html

from leaderboard.render.page_tables import downloads_of
from leaderboard.tables import LONGEST, Board, Span, Table, format_cell


def render_markdown(board: Board) -> str:
    """The board with every table that is short enough to be read; the others are named with their file."""
    parts = [f"# Leaderboard: {board.suite} {board.version}", "\n".join(f"- {fact}" for fact in board.header)]
    if board.problems:
        parts.append("\n".join(f"> **Incomplete.** {escape_markdown(problem)}" for problem in board.problems))
    parts += [_section(table) for table in downloads_of(board)]
    return "\n\n".join(parts) + "\n"


def _section(table: Table) -> str:
    if len(table.rows) > LONGEST:
        return f"## {table.title}\n\nThe table has {len(table.rows)} rows: tables/{table.name}.csv"
    parts = [f"## {table.title}", table.text, render_table(table)]
    # Boards of some families have the columns of the main one, which explains them.
    explained = table.rows and "-part-" not in table.name
    notes = [f"- {column.title}: {column.note}." for column in table.columns if explained and column.note]
    notes += [f"- {note}" for note in table.notes]
    return "\n\n".join(part for part in (*parts, "\n".join(notes)) if part)


def render_table(table: Table) -> str:
    """One table, padded so that its source can be read."""
    if not table.rows:
        return "_Nothing to show._"
    texts = [[escape_markdown(column.title) for column in table.columns]]
    for row in table.rows:
        texts.append([escape_markdown(format_cell(v, c)) for v, c in zip(row, table.columns, strict=True)])
    widths = [max(3, *(len(row[i]) for row in texts)) for i in range(len(table.columns))]
    right = [is_number_column(table, i) for i in range(len(table.columns))]
    lines = [_line(texts[0], widths, right)]
    lines.append(
        "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True)) + "|"
    )
    return "\n".join(lines + [_line(row, widths, right) for row in texts[1:]])


def is_number_column(table: Table, index: int) -> bool:
    """Whether a column holds numbers, which are set flush right."""
    values = [row[index] for row in table.rows if row[index] is not None]
    return bool(values) and all(isinstance(v, Span | int | float) and not isinstance(v, bool) for v in values)


def _line(cells: list[str], widths: list[int], right: list[bool]) -> str:
    padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
    return "| " + " | ".join(padded) + " |"


def escape_markdown(text: str) -> str:
    """Text that comes from records, so that it is shown and never read as markup or as a link."""
    plain = html.escape(text, quote=False).replace("|", "\\|").replace("`", "\\`")
    plain = plain.replace("](", "]\\(").replace("://", ":&#47;/")
    return " ".join(plain.split())
