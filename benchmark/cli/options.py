"""Options that several verbs share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer

from benchmark.contract.errors import UsageError

SECRET_VARIABLE = "CONFOUNDBENCH_SECRET"

JSON = typer.Option(False, "--json", help="Print one JSON document and nothing else.")
SUITE = typer.Option("quick", "--suite", help="Name of a suite, or a TOML file.")
STORE_SUITE = typer.Option(None, "--suite", help="Name of a suite; by default the store's own, or quick.")
STORE = typer.Option(None, "--store", help="Folder of the records; by default build/store/SUITE.")
METHOD = typer.Option([], "--method", help="Name, pattern or Python file; may be repeated.")
SCENARIO = typer.Option([], "--scenario", help="Family, pattern or id; may be repeated.")
SEEDS = typer.Option(None, "--seeds", help="Use world seeds 0 to N - 1 instead of the suite's.")
DEVICE = typer.Option("auto", "--device", help="auto, cpu, cuda or cuda:N.")
PRECISION = typer.Option("float32", "--precision", help="float32, tf32 or bfloat16.")
BACKBONE = typer.Option(
    None,
    "--backbone",
    help="What methods train on: tiny, loglinear, smollm2-135m, a folder, a Hub id; by default the suite's.",
)
RETRY = typer.Option(
    [],
    "--retry",
    help="Run cells of this status again: incompatible, invalid, failed, timeout or memory. May be repeated.",
)
FILE = typer.Argument(..., help="A Python file that defines one method.")
ISOLATION = typer.Option("bubblewrap", "--isolation", help="bubblewrap, or none for a file you trust.")
SECRET = typer.Option(
    None,
    "--secret",
    envvar=SECRET_VARIABLE,
    help="Secret of a verified season, in hexadecimal digits.",
    show_default=False,
)


def read_secret(text: str | None) -> bytes | None:
    """A season's secret from hexadecimal digits; taken out of the environment, so no child inherits it."""
    os.environ.pop(SECRET_VARIABLE, None)
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError as error:
        raise UsageError(
            "the secret is not hexadecimal", expected="an even number of hex digits", found="something else"
        ) from error


def renamed(old: str, new: str) -> Any:
    """A hidden option that answers an old name with the new one.

    Args:
        old: The old option, such as ``"--results"``.
        new: What to write instead.
    """

    def refuse(value: Path | None) -> None:
        if value is not None:
            raise UsageError(
                f"the option {old} has a new name", expected=new, found=old, fix=f"write {new} {value}"
            )

    return typer.Option(None, old, hidden=True, callback=refuse)
