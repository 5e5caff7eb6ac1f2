"""``confoundbench leaderboard``: build, publish, add."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

import benchmark
from benchmark.cli.options import JSON, SECRET, STORE, STORE_SUITE, read_secret, renamed
from benchmark.cli.output import Progress, count, emit, note
from benchmark.contract.errors import EXIT_INCOMPLETE, EXIT_OK

BUNDLE = typer.Argument(..., help="Folder written by `confoundbench submit`.")
OUT = typer.Option(None, "--out", help="Folder to write to; by default build/leaderboard.")
PUBLISHED = typer.Option(Path("leaderboard/results"), "--published", help="Folder of published records.")
ADDED_TO = typer.Option(Path("leaderboard/results"), "--store", help="Folder of the records to add to.")
ADOPTED = typer.Option(None, "--store", help="Store whose records replace the published ones.")
SITE = typer.Option(Path("leaderboard/site"), "--site", help="Folder of the published page.")
README = typer.Option(Path("README.md"), "--readme", help="File whose table is replaced.")
SUITE_OF_ADD = typer.Option(
    None,
    "--suite",
    help="Name or file of the board's suite, where neither its folder nor the package holds it.",
)
RESULTS_OF_ADD = renamed("--results", "--store")
RESULTS_OF_PUBLISH = renamed("--results", "--published")

app = typer.Typer(
    help="Build, publish and extend the leaderboard; without a verb, build it. "
    "Example: confoundbench leaderboard build --suite quick",
    invoke_without_command=True,
)


@app.callback()
def start(context: typer.Context) -> None:
    """Build, publish and extend the leaderboard; without a verb, build it.

    Examples: confoundbench leaderboard; confoundbench leaderboard build --store DIR --out DIR
    """
    if context.invoked_subcommand is None:
        raise typer.Exit(build(None, None, None, False))


@app.command("build")
def build(
    store: Path | None = STORE, suite: str | None = STORE_SUITE, out: Path | None = OUT, as_json: bool = JSON
) -> int:
    """Write the board of a store as markdown, csv, json and pages.

    The exit code is 3 if cells are missing or a control failed; the files are written in any case.

    Example: confoundbench leaderboard build --suite quick
    """
    board, folder = benchmark.build_leaderboard(store, out, suite=suite)
    if as_json:
        facts = {"out": str(folder), "files": board.files, "header": board.header}
        emit({**facts, "complete": board.is_complete, "problems": board.problems})
    else:
        for line in board.header:
            note(line)
        for problem in board.problems:
            note(f"problem: {problem}")
        note(f"wrote {count(len(board.files), 'file')} to {folder}")
    return EXIT_OK if board.is_complete else EXIT_INCOMPLETE


@app.command("publish")
def publish(
    published: Path = PUBLISHED,
    site: Path = SITE,
    readme: Path = README,
    store: Path | None = ADOPTED,
    results: Path | None = RESULTS_OF_PUBLISH,
    as_json: bool = JSON,
) -> int:
    """Write the boards in the README and the site from the published records; equal records give equal files.

    Examples: confoundbench leaderboard publish; confoundbench leaderboard publish --store build/store
    """
    board = benchmark.publish_leaderboard(store, published=published, site=site, readme=readme)
    if as_json:
        emit({"files": board.files, "complete": board.is_complete, "problems": board.problems})
    else:
        note(f"published {count(len(board.files), 'file')} to {site} and the boards in {readme}")
        for problem in board.problems:
            note(f"problem: {problem}")
    return EXIT_OK if board.is_complete else EXIT_INCOMPLETE


@app.command("add")
def add(
    bundle: Path = BUNDLE,
    store: Path = ADDED_TO,
    suite: str | None = SUITE_OF_ADD,
    secret: str | None = SECRET,
    results: Path | None = RESULTS_OF_ADD,
    as_json: bool = JSON,
) -> int:
    """Check a submission's bundle, compute its scores again and add its records to a board.

    Nothing is written unless everything holds. The exit code is 3 if the bundle lacks cells or none is ok.

    Example: confoundbench leaderboard add submissions/my-method-0123abcd
    """
    with Progress("scoring again", as_json) as progress:
        entry = benchmark.add_bundle(
            bundle, store, suite=suite, secret=read_secret(secret),
            on_start=progress.start, on_row=lambda: progress.advance(1),
        )  # fmt: skip
    if as_json:
        emit(asdict(entry))
    else:
        for checked in entry.checked:
            note(f"checked: {checked}")
        note(f"added {entry.method} to {store}; it is attempt {entry.attempt} of its author")
    return EXIT_OK
