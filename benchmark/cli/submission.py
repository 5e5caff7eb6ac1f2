"""``confoundbench check`` and ``confoundbench submit``: files with a method of someone else's."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from benchmark.cli.output import JSON, SECRET, emit, note, progress_bar, read_secret, show_table
from benchmark.contract.errors import EXIT_INCOMPLETE, EXIT_OK

FILE = typer.Argument(..., help="A Python file that defines one method.")
SCENARIO = typer.Option([], "--scenario", help="Family, pattern or id; may be repeated.")
RETRY = typer.Option([], "--retry", help="Run cells of this status again.")
OUT = typer.Option(Path("submissions"), "--out", help="Folder for the bundle.")
ISOLATION = typer.Option("bubblewrap", "--isolation", help="bubblewrap, or none for a file you trust.")


def check(file: Path = FILE, isolation: str = ISOLATION, as_json: bool = JSON) -> int:
    """Check that a file's method keeps the contract; the file runs in the sandbox.

    Example: confoundbench check examples/my_method.py
    """
    from benchmark.sandbox.outside.submit import check_file

    report = check_file(file, isolation)
    if as_json:
        emit({**asdict(report), "passed": report.passed})
    else:
        rows = [[result.name, result.status, result.reason] for result in report.results]
        show_table(f"{report.file}: {report.method or 'does not load'}", ("check", "status", "reason"), rows)
        note("the method keeps the contract" if report.passed else "the method breaks the contract")
    return report.exit_code


def submit(
    file: Path = FILE,
    suite: str = typer.Option("quick", "--suite", help="Name of a suite, or a TOML file."),
    scenario: list[str] = SCENARIO,
    seeds: int | None = typer.Option(None, "--seeds", help="Use world seeds 0 .. N-1."),
    out: Path = OUT,
    isolation: str = ISOLATION,
    device: str = typer.Option("cpu", "--device", help="cpu or cuda"),
    retry: list[str] = RETRY,
    secret: str | None = SECRET,
    as_json: bool = JSON,
) -> int:
    """Run a file's method on a suite in the sandbox and write a bundle for `leaderboard add`.

    Example: confoundbench submit examples/my_method.py --suite quick
    """
    from benchmark.sandbox.outside.submit import submit_file

    with progress_bar(f"submitting {file.name}", 1.0, as_json) as advance:
        share = [1.0]
        bundle = submit_file(
            file,
            suite,
            out,
            isolation=isolation,
            device=device,
            seeds=seeds,
            scenarios=scenario,
            retry=retry,
            secret=read_secret(secret),
            on_cell=lambda cell, status: advance(share[0], f"{cell.scenario.id} seed {cell.seed}: {status}"),
            on_plan=lambda cells: share.__setitem__(0, 1.0 / max(1, cells)),
        )
    if as_json:
        emit({"bundle": str(bundle.folder), "statuses": bundle.statuses, "manifest": bundle.manifest})
    else:
        note(", ".join(f"{count} {status}" for status, count in bundle.statuses.items()))
        note(f"bundle in {bundle.folder}; add it with `confoundbench leaderboard add {bundle.folder}`")
    complete = bundle.statuses.get("ok", 0) > 0 and "infrastructure" not in bundle.statuses
    return EXIT_OK if complete else EXIT_INCOMPLETE
