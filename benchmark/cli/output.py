"""What verbs print: tables and notes for people, one JSON document for programs."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from benchmark.contract.errors import UsageError

SECRET_VARIABLE = "CONFOUNDBENCH_SECRET"
SECRET = typer.Option(
    None,
    "--secret",
    envvar=SECRET_VARIABLE,
    help="Key of a verified season, hexadecimal.",
    show_default=False,
)
JSON = typer.Option(False, "--json", help="Print one JSON document and nothing else.")


def emit(data: object) -> None:
    """Print a JSON document; numbers that JSON cannot hold become null."""
    typer.echo(json.dumps(_plain(data), indent=2, default=str))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table for people."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_escape(str(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def note(text: str) -> None:
    """Print a line for people on the error stream, so that output stays clean."""
    typer.echo(text, err=True)


def show_error(text: str, fields: Mapping[str, Any], as_json: bool) -> None:
    """Print an error: text for people on the error stream, or JSON on the output stream."""
    if as_json:
        emit(fields)
    else:
        typer.echo(f"error: {text}", err=True)


@contextmanager
def progress_bar(title: str, total: float, quiet: bool) -> Iterator[Any]:
    """A progress bar with an estimate of the time left; silent where nobody watches.

    Yields:
        A function to call with the amount of work done and a description.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda amount, text="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)

        def advance(amount: float, text: str = "") -> None:
            progress.update(task, advance=amount, description=text or title)

        yield advance


def read_secret(text: str | None) -> bytes | None:
    """A season's secret from hexadecimal digits; taken out of the environment, so no child inherits it."""
    os.environ.pop(SECRET_VARIABLE, None)
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError as error:
        raise UsageError(
            "the secret is not hexadecimal", expected="an even number of hex digits", found="something else"
        ) from error


def format_seconds(seconds: float) -> str:
    """A duration for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
