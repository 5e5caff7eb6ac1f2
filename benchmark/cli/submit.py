"""``confoundbench submit``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from benchmark.cli.output import Progress, count, emit, note
from benchmark.contract.errors import EXIT_INCOMPLETE, EXIT_OK

if TYPE_CHECKING:
    from benchmark.sandbox.outside.submit import Bundle

OUT = typer.Option(Path("submissions"), "--out", help="Folder for the bundle.")
BOARD = typer.Option(
    None,
    "--board",
    help="Folder of a board's records, whose cells are run; by default the published board's.",
)
KEY = typer.Option(
    None, "--key", help="File with the key that signs the bundle; by default one in your home."
)
REASONS = 5


def submit(
    file: Path = FILE,
    suite: str = SUITE,
    scenario: list[str] = SCENARIO,
    seeds: int | None = SEEDS,
    out: Path = OUT,
    board: Path | None = BOARD,
    isolation: str = ISOLATION,
    device: str = typer.Option("cpu", "--device", help="cpu or cuda"),
    backbone: str | None = BACKBONE,
    precision: str = PRECISION,
    retry: list[str] = RETRY,
    secret: str | None = SECRET,
    key: Path | None = KEY,
    as_json: bool = JSON,
) -> int:
    """Run the method in a file on a board's cells, in the sandbox, and write a bundle for `leaderboard add`.

    With --scenario, --seeds or --backbone other cells are run, and there is no rank.

    Example: confoundbench submit examples/my_method.py --suite quick
    """
    with Progress(f"submitting {file.name}", as_json) as progress:
        bundle = benchmark.submit_file(
            file, suite, out, isolation=isolation, scenarios=scenario, seeds=seeds, backbone=backbone,
            device=device, precision=precision, retry=retry, secret=read_secret(secret), key=key, board=board,
            on_note=None if as_json else lambda text: note(f"running {text}"),
            on_plan=lambda planned: progress.start(planned.missing_cells),
            on_cell=lambda cell, status: progress.advance(1, f"{cell.scenario.id}, seed {cell.seed}"),
        )  # fmt: skip
    measured = bundle.statuses.get("ok", 0) > 0
    standings = benchmark.find_standing(bundle.folder, bundle.board) if measured and bundle.board else []
    if as_json:
        facts = {"bundle": str(bundle.folder), "statuses": bundle.statuses, "reasons": bundle.reasons}
        ranks = [asdict(standing) for standing in standings]
        emit({**facts, "standings": ranks, "manifest": bundle.manifest})
    else:
        show_bundle(bundle)
        for standing in standings:
            show_standing(standing)
        show_next(bundle, file, measured)
    return EXIT_OK if bundle.complete else EXIT_INCOMPLETE


def show_bundle(bundle: Bundle) -> None:
    """Say how the cells ended, each reason once, and how large the regret is."""
    note(", ".join(f"{number} {status}" for status, number in bundle.statuses.items()))
    for reason, number in list(bundle.reasons.items())[:REASONS]:
        note(f"  {count(number, 'cell')} {reason}")
    if len(bundle.reasons) > REASONS:
        note(f"  and {count(len(bundle.reasons) - REASONS, 'other reason')}; see the column `reason`")
    records = benchmark.read_records(bundle.folder)
    scored = records[records["metric.rho"].notna() & (records["fitted_on"] == "log")]
    if len(scored):
        regret, limit = scored["metric.rho"].mean(), scored["cell_naive_rho"].mean()
        note(
            f"mean regret {regret:.3f} in {count(len(scored), 'cell')}; the confounded limit has {limit:.3f}"
        )


def show_standing(standing: Any) -> None:
    """Say where the method stands in one ranking."""
    place = f"rank {standing.ranks} of {standing.methods}" if standing.ranks else "no rank"
    note(f"{standing.title}: {place}, regret {standing.regret:.3f}, improvement {standing.improvement}")


def show_next(bundle: Bundle, file: Path, measured: bool) -> None:
    """Say what to do with the bundle."""
    if not measured:
        note(f"nothing was measured, so {bundle.folder} cannot be added to a board")
        note(f"next: confoundbench check {file}")
    elif bundle.board is None:
        note("these are not the cells of a board, so there is no rank")
        note(f"next: confoundbench submit {file} --board DIR, with the folder of a board's records")
    else:
        note(f"next: confoundbench leaderboard add {bundle.folder} --store {bundle.board}")
