"""``confoundbench claims``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

import benchmark
from benchmark.cli.options import JSON, STORE, STORE_SUITE
from benchmark.cli.output import count, emit, note, show_table
from benchmark.contract.errors import EXIT_INCOMPLETE, EXIT_OK

NAMES = typer.Argument(None, help="Names or patterns of claims; all by default.")


def claims(
    names: list[str] | None = NAMES,
    store: Path | None = STORE,
    suite: str | None = STORE_SUITE,
    as_json: bool = JSON,
) -> int:
    """Judge published claims on a store's records: reproduced, not reproduced or undetermined.

    Example: confoundbench claims --suite claims 'adversary-*'
    """
    verdicts = benchmark.judge_claims(store, suite=suite, names=names or ())
    if as_json:
        emit({"claims": [asdict(verdict) for verdict in verdicts]})
    else:
        rows = [[v.claim.name, v.verdict, v.claim.statement, v.claim.source] for v in verdicts]
        show_table("claims", ("claim", "verdict", "statement", "source"), rows)
        note(f"{count(len(rows), 'claim')} with records")
    return EXIT_OK if verdicts else EXIT_INCOMPLETE
