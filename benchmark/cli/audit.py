"""``confoundbench audit``: where a method's reward and the truth part most."""

from __future__ import annotations

from dataclasses import asdict

import typer

from benchmark.cli.output import JSON, emit, note, show_table
from benchmark.contract.errors import EXIT_OK, UsageError

SHOWN = 5


def audit(
    method: str = typer.Argument(..., help="Name of a method; see `confoundbench list methods`."),
    scenario: str = typer.Option(
        "observed", "--scenario", help="Family or id, such as 'observed[strength=2]'."
    ),
    seed: int = typer.Option(0, "--seed", help="World seed, at least 0."),
    n: int | None = typer.Option(None, "--n", help="Rows of the log; by default the suite's."),
    suite: str = typer.Option("quick", "--suite", help="Suite that sets season, rows and budget."),
    backbone: str | None = typer.Option(None, "--backbone", help="What the method trains on."),
    rounds: int = typer.Option(4, "--rounds", help="Rounds of the search, at least 1."),
    as_json: bool = JSON,
) -> int:
    """Fit a method, then search for prompts and texts that its reward gets wrong.

    Reads the truth, so it is for whoever studies a method, never part of one. Examples:
    confoundbench audit naive --scenario 'observed[strength=2]'; confoundbench audit dpo-residual --json
    """
    from benchmark.runs.audit import audit_method
    from benchmark.scoring.proposals import Search
    from benchmark.tasks.scenario import Scenario, check_rows
    from benchmark.tasks.suite import load_suite

    if rounds < 1 or seed < 0:
        raise UsageError("nothing to search", expected="--rounds of at least 1, --seed of at least 0")
    parsed, settings = Scenario.parse(scenario), load_suite(suite)
    parsed = parsed if n is None else parsed.with_rows(check_rows(n))
    found = audit_method(method, parsed, seed, settings, Search(rounds=rounds), backbone)
    if as_json:
        emit(
            {"method": method, "scenario": parsed.id, "seed": seed, "accused": found.accused, **asdict(found)}
        )
        return EXIT_OK
    rows = [[k + 1, f"{r.failures:.1%}", f"{r.lost:.3f}"] for k, r in enumerate(found.rounds)]
    show_table("the search", ("round", "pairs that fail", "worth lost a pair"), rows)
    blamed = [
        [b.attribute, f"{b.share:+.0%}", f"{b.overrated:+.3f}", "yes" * b.accused] for b in found.attributes
    ]
    show_table("attributes", ("attribute", "share of the blame", "overrated by", "accused"), blamed[:SHOWN])
    gathered = [[p.prompt, f"{p.share:.0%}", "yes"] for p in found.prompts if p.accused]
    if gathered:
        show_table("prompts where failures gather", ("prompt", "share", "accused"), gathered)
    worst = [[c.prompt, c.preferred, c.better, f"{c.lost:.2f}"] for c in found.worst[:SHOWN]]
    if worst:
        show_table("worst pairs", ("prompt", "preferred", "worth more", "lost"), worst)
    note(f"accused: {', '.join(found.accused)}" if found.accused else "nothing to accuse")
    return EXIT_OK
