"""Options that say what the columns of a log of one's own are; shared by the verbs of advice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

import benchmark
from benchmark.cli.output import note, show_table

LOG = typer.Argument(..., help="A table: csv, tsv or parquet, or a folder.")
TEXT = typer.Option(None, "--text", help="Column of the text that was shown.")
OUTCOME = typer.Option(None, "--outcome", help="Column of what was measured after it.")
PROMPT = typer.Option(None, "--prompt", help="Column of what the writer was asked for.")
COVARIATES = typer.Option(
    None, "--covariates", help="Columns from before the text was chosen, joined by commas; '' for none."
)
PROPENSITY = typer.Option(None, "--propensity", help="Column of the logged chance of the text.")
INSTRUMENTS = typer.Option(
    "", "--instrument", help="Columns that move the text, and the outcome only through it."
)
UNIT = typer.Option(None, "--unit", help="Column that says whose rows belong together.")
TIME = typer.Option(None, "--time", help="Column of when the row was logged.")
PLACEBOS = typer.Option("", "--placebo", help="Columns that the text cannot have moved, joined by commas.")
IGNORE = typer.Option("", "--ignore", help="Columns to leave out, joined by commas.")
ROWS = typer.Option(100_000, "--rows", help="The most rows to use; they are drawn at random.")
ENCODING = typer.Option(None, "--encoding", help="Encoding of a text file; found out by default.")
REPORT = typer.Option(None, "--report", help="Folder to write a page with plots to.")


def read_own(log: str, rows: int, encoding: str | None, quiet: bool, **columns: Any) -> Any:
    """The log that the options describe; what its columns were taken for is shown.

    Args:
        log: Path of the table.
        rows: The most rows to use.
        encoding: Encoding of a text file, or None.
        quiet: Whether to show nothing.
        **columns: Fields of ``benchmark.advice.reading.Choices``; several names are joined by commas.
    """
    for name in ("covariates", "instruments", "placebos", "ignore"):
        if isinstance(columns.get(name), str):
            columns[name] = tuple(part.strip() for part in columns[name].split(",") if part.strip())
    own = benchmark.read_log(Path(log), rows=rows, encoding=encoding, **columns)
    if not quiet:
        roles = [[role.column, role.role, role.reason] for role in own.roles]
        show_table(f"what {own.name} holds ({own.rows} rows)", ("column", "taken for", "why"), roles)
        note("\n".join(own.notes))
    return own
