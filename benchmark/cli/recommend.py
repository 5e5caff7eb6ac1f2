"""``confoundbench calibrate``, ``confoundbench recommend`` and ``confoundbench power``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

import benchmark
from benchmark.cli import columns as column
from benchmark.cli.options import JSON, METHOD
from benchmark.cli.output import Progress, emit, note, show_table
from benchmark.contract.errors import EXIT_OK

WORLDS = typer.Option(24, "--worlds", help="How many worlds like the log to use, at least 20.")
REFERENCE = typer.Option(320, "--reference", help="How many worlds of the prior to compare the log with.")
STORE = typer.Option(
    None, "--store", help="Folder of the records; an interrupted call goes on where it stopped."
)
OUT = typer.Option(Path("calibrated.toml"), "--out", help="Suite file to write.")
WORKERS = typer.Option(0, "--workers", help="Number of processes; 0 runs everything in this one.")


def calibrate(
    log: str = column.LOG,
    out: Path = OUT,
    text: str | None = column.TEXT,
    outcome: str | None = column.OUTCOME,
    prompt: str | None = column.PROMPT,
    covariates: str | None = column.COVARIATES,
    instrument: str = column.INSTRUMENTS,
    time: str | None = column.TIME,
    ignore: str = column.IGNORE,
    worlds: int = WORLDS,
    reference: int = REFERENCE,
    as_json: bool = JSON,
) -> int:
    """Find simulated worlds like a log of yours and write them as a suite.

    Examples: confoundbench calibrate log.csv --out mine.toml; confoundbench run --suite mine.toml
    """
    own = column.read_own(
        log, 100_000, None, as_json, text=text, outcome=outcome, prompt=prompt, covariates=covariates,
        instruments=instrument, time=time, ignore=ignore,
    )  # fmt: skip
    with Progress("simulating worlds", as_json) as progress:
        progress.start(reference)
        found = benchmark.calibrate(own, out, worlds=worlds, reference=reference, on_worlds=progress.advance)
    if as_json:
        emit(found.as_dict())
        return EXIT_OK
    families = [[name, f"{chance:.0%}"] for name, chance in found.posterior.families.items()]
    show_table("how likely each kind of world is", ("family", "probability"), families)
    described = found.as_dict()["parameters"]
    values = [[name, *(f"{v:.2f}" for v in part.values())] for name, part in described.items()]
    show_table("parameters", ("parameter", "median", "5 %", "95 %"), values)
    if found.is_far:
        note("No simulated world resembles this log: take what follows from these with caution.")
    note(f"wrote {len(found.scenarios)} worlds to {out}; run them with: confoundbench run --suite {out}")
    return EXIT_OK


def recommend(
    log: str = column.LOG,
    method: list[str] = METHOD,
    text: str | None = column.TEXT,
    outcome: str | None = column.OUTCOME,
    prompt: str | None = column.PROMPT,
    covariates: str | None = column.COVARIATES,
    instrument: str = column.INSTRUMENTS,
    time: str | None = column.TIME,
    ignore: str = column.IGNORE,
    worlds: int = WORLDS,
    reference: int = REFERENCE,
    store: Path | None = STORE,
    workers: int = WORKERS,
    report: Path | None = column.REPORT,
    as_json: bool = JSON,
) -> int:
    """Say which method to trust on a log of yours, or that an experiment is needed.

    Methods that the log allows are ranked on worlds like it. This takes minutes; call it again after an
    interruption. Examples: confoundbench recommend log.csv; confoundbench recommend log.csv --report
    build/mine
    """
    own = column.read_own(
        log, 100_000, None, as_json, text=text, outcome=outcome, prompt=prompt, covariates=covariates,
        instruments=instrument, time=time, ignore=ignore,
    )  # fmt: skip
    found = _find_worlds(own, worlds, reference, as_json)
    with Progress("fitting methods", as_json) as progress:
        made = benchmark.recommend(
            own, methods=method, calibration=found, store=store, workers=workers,
            on_plan=lambda planned: progress.start(max(len(planned.missing), 1)),
            on_group=lambda *_: progress.advance(1),
        )  # fmt: skip
    if report is not None:
        benchmark.write_report(report, inspection=benchmark.inspect_log(own), recommendation=made)
    if as_json:
        emit(made.as_dict())
        return EXIT_OK
    rows = [
        [a.method, a.regret, f"{a.best:.0%}", f"{a.close:.0%}", a.removed, a.assumes] for a in made.ranking
    ]
    titles = ("method", "expected regret", "best", "close to it", "confounding removed", "it assumes that")
    show_table("methods on worlds like this log", titles, rows)
    note(made.answer)
    return EXIT_OK


def power(
    log: str = column.LOG,
    target: float = typer.Option(0.1, "--target", help="Regret to stay below, above 0 and below .5."),
    method: str | None = typer.Option(None, "--method", help="What is fitted to the log."),
    text: str | None = column.TEXT,
    outcome: str | None = column.OUTCOME,
    prompt: str | None = column.PROMPT,
    covariates: str | None = column.COVARIATES,
    instrument: str = column.INSTRUMENTS,
    time: str | None = column.TIME,
    ignore: str = column.IGNORE,
    worlds: int = WORLDS,
    reference: int = REFERENCE,
    store: Path | None = STORE,
    workers: int = WORKERS,
    report: Path | None = column.REPORT,
    as_json: bool = JSON,
) -> int:
    """Say how many rows of a log, or of an experiment, a target regret needs.

    Examples: confoundbench power log.csv --target 0.1; confoundbench power log.csv --method ipw-estimated
    """
    own = column.read_own(
        log, 100_000, None, as_json, text=text, outcome=outcome, prompt=prompt, covariates=covariates,
        instruments=instrument, time=time, ignore=ignore,
    )  # fmt: skip
    found = _find_worlds(own, worlds, reference, as_json)
    with Progress("fitting logs of several lengths", as_json) as progress:
        made = benchmark.power(
            own, target, method=method, calibration=found, store=store, workers=workers,
            on_plan=lambda planned: progress.start(max(len(planned.missing), 1)),
            on_group=lambda *_: progress.advance(1),
        )  # fmt: skip
    if report is not None:
        benchmark.write_report(report, inspection=benchmark.inspect_log(own), power=made)
    if as_json:
        emit(made.as_dict())
        return EXIT_OK
    for curve in made.curves:
        rows = [
            [p.rows, f"{p.regret:.3f}", f"{p.power:.0%} [{p.low:.0%}, {p.high:.0%}]"] for p in curve.points
        ]
        title = f"{curve.data}, {curve.method}"
        show_table(title, ("rows", "expected regret", f"worlds with at most {target:g}"), rows)
    note(made.answer)
    return EXIT_OK


def _find_worlds(own: Any, worlds: int, reference: int, as_json: bool) -> Any:
    with Progress("simulating worlds", as_json) as progress:
        progress.start(reference)
        return benchmark.calibrate(own, worlds=worlds, reference=reference, on_worlds=progress.advance)
