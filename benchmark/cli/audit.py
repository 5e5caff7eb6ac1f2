"""``confoundbench audit``."""

from __future__ import annotations

from dataclasses import asdict

import typer

import benchmark
from benchmark.cli.options import BACKBONE, ISOLATION, JSON
from benchmark.cli.output import emit, note, show_table
from benchmark.contract.errors import EXIT_OK

SHOWN = 5


def audit(
    method: str = typer.Argument(..., help="Name of a method, or a Python file that defines one."),
    scenario: str = typer.Option(
        "observed", "--scenario", help="Family or id, such as 'observed[strength=2]'."
    ),
    seed: int = typer.Option(0, "--seed", help="World seed, at least 0."),
    n: int | None = typer.Option(None, "--n", help="Rows of the log; by default the suite's."),
    suite: str = typer.Option("quick", "--suite", help="Suite that sets season, rows and budget."),
    backbone: str | None = BACKBONE,
    rounds: int = typer.Option(4, "--rounds", help="Rounds of the search, at least 1."),
    isolation: str = ISOLATION,
    as_json: bool = JSON,
) -> int:
    """Fit a method, then search for prompts and texts that its reward gets wrong.

    The audit reads the truth: it is a tool for studying methods, and no method may use it.

    Examples: confoundbench audit naive --scenario 'observed[strength=2]'; confoundbench audit my_method.py
    """
    found = benchmark.audit(
        method, scenario, seed=seed, n=n, suite=suite, backbone=backbone, rounds=rounds, isolation=isolation
    )
    if as_json:
        emit(
            {"method": method, "scenario": scenario, "seed": seed, "accused": found.accused, **asdict(found)}
        )
        return EXIT_OK
    rows = [[k + 1, f"{r.failures:.1%}", f"{r.lost:.3f}"] for k, r in enumerate(found.rounds)]
    show_table("the search", ("round", "pairs that fail", "reward lost per pair"), rows)
    blamed = [
        [b.attribute, f"{b.share:+.0%}", f"{b.overrated:+.3f}", "yes" * b.accused] for b in found.attributes
    ]
    show_table("attributes", ("attribute", "share of the blame", "overrated by", "blamed"), blamed[:SHOWN])
    gathered = [[p.prompt, f"{p.share:.0%}", "yes"] for p in found.prompts if p.accused]
    if gathered:
        show_table("prompts where failures gather", ("prompt", "share", "blamed"), gathered)
    worst = [[c.prompt, c.preferred, c.better, f"{c.lost:.2f}"] for c in found.worst[:SHOWN]]
    if worst:
        show_table("worst pairs", ("prompt", "preferred", "truly better", "reward lost"), worst)
    note(f"to blame: {', '.join(found.accused)}" if found.accused else "no attribute or prompt is to blame")
    return EXIT_OK
