"""``confoundbench simulate``."""

from __future__ import annotations

from pathlib import Path

import typer

import benchmark
from benchmark.cli.options import JSON
from benchmark.cli.output import Progress, emit, note

OUT = typer.Option(..., "--out", help="Folder to write to.")


def simulate(
    scenario: str = typer.Argument(..., help="such as observed or 'observed[strength=1]'"),
    out: Path = OUT,
    n: int | None = typer.Option(
        None, "--n", help="Rows of the log; by default 4000, or all rows that your table yields."
    ),
    seed: int = typer.Option(0, "--seed", help="World seed, at least 0."),
    twin: bool = typer.Option(False, "--twin", help="Also write the randomised twin."),
    with_truth: bool = typer.Option(False, "--with-truth", help="Also write the causal truth."),
    season: str | None = typer.Option(
        None, "--season", help="Season, which decides the draw of worlds; by default the public one."
    ),
    as_json: bool = JSON,
) -> None:
    """Write the log of a scenario: log.parquet and card.json, and on request the twin and the truth.

    Examples: confoundbench simulate observed --n 4000 --out build/observed;
    confoundbench simulate 'marker[strength=2]' --twin --with-truth --out build/marker;
    confoundbench simulate 'corpus[data=trial.csv,text=message,test=issue,outcome=score]' --out build/trial
    """
    with Progress("simulating", as_json) as progress:
        made = benchmark.simulate(
            scenario, out, n=n, seed=seed, twin=twin, with_truth=with_truth, season=season,
            on_start=progress.start, on_rows=progress.advance,
        )  # fmt: skip
    if as_json:
        emit(
            {"scenario": made.scenario, "n": made.n, "seed": seed, "out": str(out), "files": list(made.files)}
        )
    else:
        note(made.card["situation"])
        note(f"wrote {made.n} rows to {out}: {', '.join(made.files)}")
