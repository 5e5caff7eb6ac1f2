"""``confoundbench inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

import benchmark
from benchmark.cli.options import JSON
from benchmark.cli.output import emit, note, show_table
from benchmark.contract.errors import EXIT_OK

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


def inspect(
    log: str = LOG,
    text: str | None = TEXT,
    outcome: str | None = OUTCOME,
    prompt: str | None = PROMPT,
    covariates: str | None = COVARIATES,
    propensity: str | None = PROPENSITY,
    instrument: str = INSTRUMENTS,
    unit: str | None = UNIT,
    time: str | None = TIME,
    placebo: str = PLACEBOS,
    ignore: str = IGNORE,
    rows: int = ROWS,
    encoding: str | None = ENCODING,
    as_json: bool = JSON,
) -> int:
    """Say what a log of yours is like: how texts were chosen, and how fragile the answers are.

    Examples: confoundbench inspect log.csv; confoundbench inspect log.parquet --outcome clicks --placebo
    clicks_before
    """
    columns: dict[str, Any] = {
        "text": text, "outcome": outcome, "prompt": prompt, "propensity": propensity, "unit": unit,
        "time": time,
        "covariates": None if covariates is None else split(covariates),
        "instruments": split(instrument), "placebos": split(placebo), "ignore": split(ignore),
    }  # fmt: skip
    own = benchmark.read_log(Path(log), rows=rows, encoding=encoding, **columns)
    if not as_json:
        roles = [[role.column, role.role, role.reason] for role in own.roles]
        show_table(f"what {own.name} holds ({own.rows} rows)", ("column", "taken for", "why"), roles)
        note("\n".join(own.notes))
    found = benchmark.inspect_log(own)
    if as_json:
        emit(found.as_dict())
        return EXIT_OK
    show_table("what was found", ("",), [[sentence] for sentence in found.findings])
    if found.disagreement is not None:
        shown = [
            [p.phrase, f"{p.share:.0%}", p.naive, p.adjusted, "yes" * p.disagrees]
            for p in found.disagreement.phrases[:10]
        ]
        columns_shown = ("phrase", "rows", "at face value", "adjusted", "they differ")
        show_table("effects of phrases", columns_shown, shown)
    tilts = [[t.about, f"{t.effect:.3g}", f"{t.gamma:.2f} [{t.low:.2f}, {t.high:.2f}]"] for t in found.tilts]
    show_table("how unfair an unrecorded choice must be to undo it", ("what", "effect", "Gamma"), tilts)
    return EXIT_OK


def split(names: str) -> tuple[str, ...]:
    """Column names that are joined by commas."""
    return tuple(name.strip() for name in names.split(",") if name.strip())
