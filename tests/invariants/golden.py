"""A golden store: what a few methods scored on small worlds, kept beside the tests for ``compare``.

``python tests/invariants/golden.py`` measures it again; do so when a change of the scores is meant.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import benchmark
from benchmark.contract.records import list_records, read_records, write_packs
from benchmark.tasks.suite import Suite, check_suite

FOLDER = Path(__file__).parent / "golden"
METHODS = ("covariate-regression", "residual-marginal", "dpo-raw")


def make_suite() -> Suite:
    """A suite of seconds: two small worlds with a confounder that is recorded, and one without."""
    return check_suite({
        "name": "golden", "version": "1", "n": 600, "seeds": 3, "backbone": "loglinear",
        "queries": {"pairs": 256, "contrasts": 4, "pool": 32, "samples": 2},
        "cells": [{"scenarios": ["observed[strength=1]", "hidden[strength=1]"], "methods": list(METHODS)}],
    })  # fmt: skip


def measure(store: Path) -> None:
    """Run the suite into a store."""
    benchmark.run_suite(make_suite(), store, workers=0)


def write_golden() -> None:
    """Measure the golden store anew."""
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))
        FOLDER.mkdir(exist_ok=True)
        for path in list_records(FOLDER):
            path.unlink()
        write_packs(FOLDER, read_records(Path(folder)))


if __name__ == "__main__":
    write_golden()
