"""``confoundbench run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import benchmark
from benchmark.cli.options import (
    BACKBONE,
    DEVICE,
    ISOLATION,
    JSON,
    METHOD,
    PRECISION,
    RETRY,
    SCENARIO,
    SECRET,
    SEEDS,
    STORE,
    SUITE,
    read_secret,
)
from benchmark.cli.output import Progress, count, emit, format_seconds, note, show_table
from benchmark.contract.errors import EXIT_INCOMPLETE, EXIT_OK

if TYPE_CHECKING:
    from benchmark.runs.execute import Summary
    from benchmark.runs.planned import PlannedRun


def run(
    suite: str = SUITE,
    method: list[str] = METHOD,
    scenario: list[str] = SCENARIO,
    seeds: int | None = SEEDS,
    device: str = DEVICE,
    backbone: str | None = BACKBONE,
    precision: str = PRECISION,
    engine: str = typer.Option("local", "--engine", help="local or ray"),
    workers: int | None = typer.Option(
        None, "--workers", help="Number of processes; 0 runs everything in this one, without time limits."
    ),
    shard: str | None = typer.Option(None, "--shard", help="i/n: run the i-th of n parts, for job arrays."),
    store: Path | None = STORE,
    retry: list[str] = RETRY,
    secret: str | None = SECRET,
    isolation: str = ISOLATION,
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the plan and its cost; run nothing."),
    as_json: bool = JSON,
) -> int:
    """Run the methods of a suite on its scenarios; cells that are stored already are not run again.

    A method may be a Python file, which runs in the sandbox: --method my_method.py.

    Examples: confoundbench run --suite quick; confoundbench run --method 'dpo*' --scenario observed
    --seeds 2; confoundbench run --suite core --shard 3/16 --store /scratch/core
    """
    options: dict[str, Any] = {
        "methods": method, "scenarios": scenario, "seeds": seeds, "device": device, "backbone": backbone,
        "precision": precision, "engine": engine, "workers": workers, "shard": shard, "retry": retry,
        "secret": read_secret(secret), "isolation": isolation,
    }  # fmt: skip
    if dry_run:
        return show_plan(benchmark.plan(suite, store, **options), as_json)
    with Progress(f"running {suite}", as_json) as progress:
        summary = benchmark.run_suite(
            suite,
            store,
            **options,
            on_plan=lambda planned: progress.start(sum(group.seconds for group in planned.missing)),
            on_group=lambda group, _: progress.advance(group.seconds, group.entrant.name),
        )
    return show_summary(summary, as_json)


def show_summary(summary: Summary, as_json: bool) -> int:
    """Say what happened; the exit code is 3 where cells are missing or nothing was measured."""
    if as_json:
        emit(summary.as_dict())
    else:
        statuses = ", ".join(f"{number} {status}" for status, number in sorted(summary.statuses.items()))
        note(
            f"{count(summary.planned, 'cell')} planned, {summary.ran} run, "
            f"{summary.skipped} found in the store"
        )
        note(f"{statuses or 'no cells'}; the records are in {summary.store}")
        for path in summary.set_aside:
            note(f"a damaged file was set aside as {path}")
        if not summary.statuses.get("ok"):
            note("nothing was measured")
    return EXIT_OK if summary.complete else EXIT_INCOMPLETE


def show_plan(planned: PlannedRun, as_json: bool) -> int:
    """Show what a run would do and about how long it would take."""
    if as_json:
        emit(planned.as_dict())
        return EXIT_OK
    rows = [
        [name, int(entry["groups"]), int(entry["cells"]), format_seconds(entry["core_seconds"])]
        for name, entry in planned.methods.items()
    ]
    show_table(f"plan of suite {planned.suite.name}", ("method", "groups", "cells", "core time"), rows)
    note(
        f"{count(planned.plan.n_cells, 'cell')} in {count(len(planned.plan.groups), 'group')}, "
        f"{planned.missing_cells} still to run"
    )
    for error in planned.damaged:
        note(f"{error.what}: {error.found}; its cells run again")
    if planned.backbones:
        note(f"{count(len(planned.backbones), 'backbone')} to make first")
    note(f"about {format_seconds(planned.seconds)} on {count(max(1, planned.workers), 'worker')}")
    return EXIT_OK
