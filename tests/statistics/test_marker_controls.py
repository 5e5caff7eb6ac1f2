"""Policies on the Monday experiment: raw preferences amplify the greeting, adjusted ones do not.

Log-linear policies are fitted afresh, so that a change of code can fail this. A lift is one number a world,
and methods are compared within worlds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import benchmark
from benchmark.tasks.suite import check_suite

RESULTS = Path(__file__).resolve().parents[2] / "leaderboard" / "results"
ADJUSTED = ("dpo-matched", "dpo-residual", "sft")
SUITE = check_suite(
    {
        "name": "marker-controls",
        "version": "1",
        "n": 4000,
        "seeds": 6,
        "group_size": 6,
        "backbone": "loglinear",
        "queries": {"pairs": 64, "contrasts": 16, "pool": 256, "samples": 64},
        "cells": [{"scenarios": ["marker"], "methods": ["dpo-raw", *ADJUSTED]}],
    }
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lifts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Share of a policy's texts with the greeting, above the reference's; by method, one number a world."""
    store = tmp_path_factory.mktemp("store")
    benchmark.run_suite(SUITE, store, workers=0)
    found = benchmark.read_records(store)
    assert set(found["status"]) == {"ok"}
    found = found[(found["fitted_on"] == "log") & (found["role"] == "method")].sort_values("seed")
    above = found["metric.marker_rate"] - found["metric.reference_marker_rate"]
    return {str(name): values.to_numpy() for name, values in above.groupby(found["method"])}


def test_preference_optimisation_on_raw_scores_amplifies_the_greeting(lifts) -> None:
    assert stats.ttest_1samp(lifts["dpo-raw"], 0.2, alternative="greater").pvalue < 0.05


@pytest.mark.parametrize("method", ADJUSTED)
def test_residual_and_matched_pairs_add_much_less_of_it(lifts, method) -> None:
    """Less by a tenth of all texts at least, and on average less than half of what raw pairs add."""
    saved = lifts["dpo-raw"] - lifts[method]
    assert stats.ttest_1samp(saved, 0.1, alternative="greater").pvalue < 0.05
    assert abs(lifts[method].mean()) < 0.5 * lifts["dpo-raw"].mean()


def test_every_published_cell_ran_or_was_declined() -> None:
    """A check of the published data and of no code: nothing failed in the records that the board rests on."""
    published = [
        pd.read_parquet(path, columns=["status"]) for path in sorted(RESULTS.glob("records-*.parquet"))
    ]
    assert set(pd.concat(published)["status"]) <= {"ok", "incompatible"}
