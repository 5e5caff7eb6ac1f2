"""``confoundbench leaderboard``, ``compare`` and ``claims``: what records say."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from benchmark.cli.output import JSON, emit, note, show_table
from benchmark.contract.errors import EXIT_INCOMPLETE, EXIT_OK

RESULTS = typer.Option(Path("leaderboard/results"), "--results", help="Folder of published records.")
SITE = typer.Option(Path("leaderboard/site"), "--site", help="Folder of the published page.")
README = typer.Option(Path("README.md"), "--readme", help="File whose table is replaced.")
BUNDLE = typer.Argument(..., help="Folder written by `confoundbench submit`.")
BASE = typer.Argument(..., help="Store before a change.")
HEAD = typer.Argument(..., help="Store after it.")
COMPARED = typer.Option(None, "--out", help="Folder for compare.md, compare.xml and compare.json.")
STORE = typer.Option(None, "--store", help="Folder of results; by default build/store/SUITE.")
SUITE = typer.Option(None, "--suite", help="Name of a suite; by default the store's own, or quick.")
ADOPTED = typer.Option(None, "--store", help="Publish this store's records in place of those published.")
OUT = typer.Option(None, "--out", help="Folder to write to; by default build/leaderboard.")

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
    store: Path | None = STORE, suite: str | None = SUITE, out: Path | None = OUT, as_json: bool = JSON
) -> int:
    """Render the board of a store: markdown, csv, json, html and figures.

    Exits with 3 where cells are missing or a control failed; the files are written all the same.

    Example: confoundbench leaderboard build --suite quick
    """
    from benchmark.tasks.prepare import build_folder
    from leaderboard import build_board

    folder = out or build_folder() / "leaderboard"
    board = build_board(store or store_of(suite), folder, suite=suite)
    if as_json:
        facts = {"out": str(folder), "files": board.files, "header": board.header}
        emit({**facts, "complete": board.is_complete, "problems": board.problems})
    else:
        for line in board.header:
            note(line)
        for problem in board.problems:
            note(f"problem: {problem}")
        note(f"wrote {len(board.files)} files to {folder}")
    return EXIT_OK if board.is_complete else EXIT_INCOMPLETE


@app.command("publish")
def publish(
    results: Path = RESULTS,
    site: Path = SITE,
    readme: Path = README,
    store: Path | None = ADOPTED,
    as_json: bool = JSON,
) -> int:
    """Render the published records to the README table and the site; the same records, the same bytes.

    Examples: confoundbench leaderboard publish; confoundbench leaderboard publish --store build/store
    """
    from leaderboard import adopt_store, publish_results

    if store is not None:
        adopt_store(store, results)
    board = publish_results(results, site, readme)
    if as_json:
        emit({"files": board.files, "complete": board.is_complete, "problems": board.problems})
    else:
        note(f"published {len(board.files)} files to {site} and the table in {readme}")
        for problem in board.problems:
            note(f"problem: {problem}")
    return EXIT_OK if board.is_complete else EXIT_INCOMPLETE


@app.command("add")
def add(
    bundle: Path = BUNDLE,
    results: Path = RESULTS,
    as_json: bool = JSON,
) -> int:
    """Verify a submission's bundle and add its records, with a count of attempts.

    Example: confoundbench leaderboard add submissions/my-method-0123abcd
    """
    from leaderboard import add_bundle

    entry = add_bundle(bundle, results)
    if as_json:
        emit(asdict(entry))
    else:
        note(f"added {entry.method}, attempt {entry.attempt}, to {results}")
    return EXIT_OK


def compare(
    base: Path = BASE,
    head: Path = HEAD,
    margin: float = typer.Option(0.02, "--margin", help="Largest tolerated rise in mean regret."),
    suite: str | None = typer.Option(None, "--suite", help="Name of a suite, where a store holds several."),
    out: Path | None = COMPARED,
    as_json: bool = JSON,
) -> int:
    """Check that no method got worse: paired non-inferiority per method, corrected by Holm.

    Exits with 1 where a method is worse, with 3 where nothing was measured or too little to say.

    Example: confoundbench compare build/store/main build/store/quick --margin 0.02
    """
    from leaderboard import compare_stores

    comparison = compare_stores(base, head, margin, suite)
    if out is not None:
        comparison.write(out)
    if as_json:
        emit(comparison.data)
    else:
        typer.echo(comparison.markdown)
    return comparison.exit_code


def claims(store: Path | None = STORE, suite: str | None = SUITE, as_json: bool = JSON) -> int:
    """Judge published claims on a store's records: reproduced, not reproduced or undetermined.

    Example: confoundbench claims --suite quick
    """
    from leaderboard import judge_claims
    from leaderboard.frame import read

    frame = read(store or store_of(suite), suite)
    verdicts = [v for v in judge_claims(frame) if any(finding.cells for finding in v.findings)]
    rows = [[v.claim.name, v.verdict, v.claim.statement, v.claim.source] for v in verdicts]
    if as_json:
        emit({"claims": [asdict(verdict) for verdict in verdicts]})
    else:
        show_table("claims", ("claim", "verdict", "statement", "source"), rows)
        note(f"{len(rows)} claims with records")
    return EXIT_OK if rows else EXIT_INCOMPLETE


def store_of(suite: str | None) -> Path:
    """Where ``run`` puts the results of a suite (``quick`` by default) unless told otherwise."""
    from benchmark.cli.execution import default_store
    from benchmark.tasks.suite import load_suite

    return default_store(load_suite(suite or "quick"))
