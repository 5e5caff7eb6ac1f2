"""What policies must show on the Monday experiment, read from the published records.

Refitting them would take minutes; the records are what the leaderboard rests on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

RESULTS = Path(__file__).resolve().parents[2] / "leaderboard" / "results"


@pytest.fixture(scope="module")
def records() -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path) for path in sorted(RESULTS.glob("records-*.parquet"))])


def lift(records: pd.DataFrame, method: str) -> np.ndarray:
    """Share of a policy's texts with the marker, above the reference's; one number a seed."""
    rows = records[(records.family == "marker") & (records.method == method)].sort_values("seed")
    return (rows["metric.marker_rate"] - rows["metric.reference_marker_rate"]).to_numpy()


def test_every_published_cell_ran_or_was_declined(records):
    assert set(records.status) <= {"ok", "incompatible"}


def test_preference_optimisation_on_raw_scores_amplifies_the_greeting(records):
    raised = lift(records, "dpo-raw")
    assert raised.mean() - 2 * raised.std(ddof=1) / np.sqrt(len(raised)) > 0.2


@pytest.mark.parametrize("method", ["dpo-matched", "dpo-residual", "sft"])
def test_residual_and_matched_pairs_leave_it_near_the_reference(records, method):
    """Near: a quarter of what raw pairs add, at most."""
    assert abs(lift(records, method).mean()) < 0.25 * lift(records, "dpo-raw").mean()
