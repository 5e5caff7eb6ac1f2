"""``confoundbench score``."""

from __future__ import annotations

from pathlib import Path

import benchmark
from benchmark.cli.options import JSON, STORE, SUITE
from benchmark.cli.output import Progress, count, emit, note
from benchmark.contract.errors import EXIT_INCOMPLETE, EXIT_OK


def score(suite: str = SUITE, store: Path | None = STORE, as_json: bool = JSON) -> int:
    """Score stored predictions again, for instance after the scorer gained a metric.

    Example: confoundbench score --suite quick --store build/store/quick
    """
    with Progress("scoring", as_json) as progress:
        scored = benchmark.score(
            suite, store, on_start=progress.start, on_group=lambda _: progress.advance(1)
        )
    if as_json:
        emit({"scored": scored})
    else:
        note(f"{count(scored, 'cell')} scored")
    return EXIT_OK if scored else EXIT_INCOMPLETE
