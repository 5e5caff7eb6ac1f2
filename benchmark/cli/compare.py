"""``confoundbench compare``."""

from __future__ import annotations

from pathlib import Path

import typer

import benchmark
from benchmark.cli.options import JSON
from benchmark.cli.output import emit

BASE = typer.Argument(..., help="Store before a change.")
HEAD = typer.Argument(..., help="Store after the change.")
OUT = typer.Option(None, "--out", help="Folder for compare.md, compare.xml and compare.json.")


def compare(
    base: Path = BASE,
    head: Path = HEAD,
    margin: float = typer.Option(0.02, "--margin", help="Largest tolerated rise in mean regret."),
    suite: str | None = typer.Option(None, "--suite", help="Name of a suite, where a store holds several."),
    out: Path | None = OUT,
    as_json: bool = JSON,
) -> int:
    """Check that no method got worse: a paired non-inferiority test for each method, corrected by Holm.

    The exit code is 1 if a method is worse, and 3 if too little was measured to decide.

    Example: confoundbench compare build/store/main build/store/quick --margin 0.02
    """
    comparison = benchmark.compare(base, head, margin=margin, suite=suite, out=out)
    if as_json:
        emit(comparison.data)
    else:
        typer.echo(comparison.markdown)
    return comparison.exit_code
