"""``confoundbench submit``."""

from __future__ import annotations

from pathlib import Path

import typer

import benchmark
from benchmark.cli.options import (
    BACKBONE,
    FILE,
    ISOLATION,
    JSON,
    PRECISION,
    RETRY,
    SCENARIO,
    SECRET,
    SEEDS,
    SUITE,
    read_secret,
)
from benchmark.cli.output import Progress, emit, note
from benchmark.contract.errors import EXIT_INCOMPLETE, EXIT_OK

OUT = typer.Option(Path("submissions"), "--out", help="Folder for the bundle.")


def submit(
    file: Path = FILE,
    suite: str = SUITE,
    scenario: list[str] = SCENARIO,
    seeds: int | None = SEEDS,
    out: Path = OUT,
    isolation: str = ISOLATION,
    device: str = typer.Option("cpu", "--device", help="cpu or cuda"),
    backbone: str | None = BACKBONE,
    precision: str = PRECISION,
    retry: list[str] = RETRY,
    secret: str | None = SECRET,
    as_json: bool = JSON,
) -> int:
    """Run the method in a file on a suite, in the sandbox, and write a bundle for `leaderboard add`.

    Example: confoundbench submit examples/my_method.py --suite quick
    """
    with Progress(f"submitting {file.name}", as_json) as progress:
        bundle = benchmark.submit_file(
            file, suite, out, isolation=isolation, scenarios=scenario, seeds=seeds, backbone=backbone,
            device=device, precision=precision, retry=retry, secret=read_secret(secret),
            on_plan=lambda planned: progress.start(planned.missing_cells),
            on_cell=lambda cell, status: progress.advance(1, f"{cell.scenario.id}, seed {cell.seed}"),
        )  # fmt: skip
    if as_json:
        emit({"bundle": str(bundle.folder), "statuses": bundle.statuses, "manifest": bundle.manifest})
    else:
        note(", ".join(f"{number} {status}" for status, number in bundle.statuses.items()))
        note(f"bundle in {bundle.folder}; add it with `confoundbench leaderboard add {bundle.folder}`")
    return EXIT_OK if bundle.complete else EXIT_INCOMPLETE
