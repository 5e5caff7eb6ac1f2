"""What verbs print: tables and notes for people, one JSON document for programs."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import typer

STEP, PAUSE_S = 0.1, 30.0
"""A line of progress tells at least this share of the work, or comes after this many seconds."""


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


class Progress:
    """A progress bar on a terminal; elsewhere a line now and then, such as in a file or a pipe.

    Args:
        title: What is under way.
        quiet: Whether nothing is shown at all.
    """

    def __init__(self, title: str, quiet: bool) -> None:
        self._title, self._quiet = title, quiet
        self._bar: Any = None
        self._task: Any = None
        self._total = self._done = self._told = 0.0
        self._begun = self._last = time.monotonic()
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
            )  # fmt: skip
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start(self, total: float) -> None:
        """Begin with this amount of work."""
        self._total, self._begun = total, time.monotonic()
        if self._bar is not None:
            self._task = self._bar.add_task(self._title, total=total)

    def advance(self, amount: float, text: str = "") -> None:
        """Move on by an amount of work."""
        self._done += amount
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=amount, description=text or self._title)
        elif not self._quiet and self._total > 0:
            self._tell()

    def _tell(self) -> None:
        """A line at every tenth of the work, and at least every half minute while there is news."""
        share, now = min(self._done / self._total, 1.0), time.monotonic()
        if share - self._told < STEP and now - self._last < PAUSE_S:
            return
        self._told, self._last = share, now
        left = (now - self._begun) * (1 - share) / share
        rest = f", about {format_seconds(left)} left" if share < 1 else ""
        note(f"{self._title}: {share:.0%} done{rest}")


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it must be."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


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
