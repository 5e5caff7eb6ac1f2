"""The tables of value against KL and of scores by budget are what the records say of each point."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from leaderboard_records import METHODS, make_records

from leaderboard.frame import from_table
from leaderboard.producers.budgets import make_budget_curves
from leaderboard.producers.evidence import Evidence
from leaderboard.producers.values import make_value_curves
from leaderboard.tables import Span


def test_each_point_is_a_mean_of_records_and_own_samples_stand_at_their_own_kl() -> None:
    records = make_records(METHODS, seeds=3)
    writes = records["policy"]
    records["metric.value_kl_0.25"], records["metric.value_kl_4"] = 0.1, 0.5
    records["metric.samples_kl"] = np.where(writes, 2.5, np.nan)
    records["metric.value_samples"] = np.where(writes, 0.3, np.nan)
    (table,) = make_value_curves(Evidence(from_table(records)))
    rows = [dict(zip((c.name for c in table.columns), row, strict=True)) for row in table.rows]
    poor = [row for row in rows if row["entrant"] == "poor"]
    assert [(row["kl"], row["own"]) for row in poor] == [
        (0.25, False),
        (1.0, False),
        (4.0, False),
        (2.5, True),
    ]
    values = [row["value"].value for row in poor if isinstance(row["value"], Span)]
    assert values == pytest.approx([0.1, 0.4, 0.5, 0.3])
    assert not any(row["own"] for row in rows if row["entrant"] == "good")
    assert (
        make_value_curves(Evidence(from_table(make_records(METHODS).drop(columns="metric.value_kl_1")))) == []
    )


def test_scores_by_budget_are_told_apart_by_the_name_of_the_backbone() -> None:
    once = make_records({name: METHODS[name] for name in ("naive", "ceiling", "poor", "good")}, seeds=3)
    more = once.assign(backbone="tiny[budget=4]", **{"metric.rho": once["metric.rho"] / 2})
    (table,) = make_budget_curves(Evidence(from_table(pd.concat([once, more]))))
    rows = [dict(zip((c.name for c in table.columns), row, strict=True)) for row in table.rows]
    assert {row["entrant"] for row in rows} == {"poor"}  # the only policy
    observed = {row["budget"]: row["rho"].value for row in rows if row["family"] == "observed"}
    assert observed[4] == pytest.approx(observed[1] / 2, abs=1e-5)
    assert make_budget_curves(Evidence(from_table(once))) == []
