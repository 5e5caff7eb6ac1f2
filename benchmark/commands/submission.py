"""``confoundbench check`` and ``confoundbench submit``: files with a method of someone else's."""

from __future__ import annotations

from pathlib import Path

import typer

from benchmark.commands.output import JSON, emit, note, show_table
from benchmark.contract.errors import EXIT_CONTRACT, EXIT_OK

FILE = typer.Argument(..., help="A Python file that defines one method.")


def check(file: Path = FILE, as_json: bool = JSON) -> int:
    """Check that a file's method keeps the contract; the file runs in the sandbox.

    Example: confoundbench check my_method.py
    """
    from benchmark.submit import check_file

    raise NotImplementedError


def submit(file: Path = FILE, as_json: bool = JSON) -> int:
    """Run a file's method in the sandbox.

    Example: confoundbench submit my_method.py
    """
    raise NotImplementedError
