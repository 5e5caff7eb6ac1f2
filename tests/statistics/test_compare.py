"""The CI gate: a planted loss is found, no loss passes, and measuring nothing never passes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from leaderboard_records import METHODS, make_records, write_store

from benchmark.contract import UsageError
from leaderboard.compare import compare_frames, compare_stores
from leaderboard.frame import from_table


def run(before: pd.DataFrame, after: pd.DataFrame, margin: float = 0.02):
    return compare_frames(from_table(before), from_table(after), margin)


def verdicts(comparison) -> dict[str, str]:
    return {row["entrant"]: row["verdict"] for row in comparison.data["rows"]}


def test_equal_stores_pass() -> None:
    found = run(make_records(), make_records())
    assert found.exit_code == 0
    assert set(verdicts(found).values()) == {"no worse"}


def test_a_planted_loss_is_found_and_named() -> None:
    after = make_records({**METHODS, "good": {"share": 0.6, "adjusts": True}})
    found = run(make_records(), after)
    assert found.exit_code == 1
    assert {name for name, verdict in verdicts(found).items() if verdict == "worse"} == {"good"}
    suite = ElementTree.fromstring(found.junit_xml)
    assert suite.get("failures") == "1"
    assert suite.find(".//testcase[@name='good']/failure") is not None


def test_a_loss_within_the_margin_passes() -> None:
    """A share of .85 for .9 costs .05 of a mean room of about .2: a rise of .01 in regret."""
    after = make_records({**METHODS, "good": {"share": 0.85, "adjusts": True}})
    assert run(make_records(), after, margin=0.05).exit_code == 0


def test_too_few_seeds_do_not_pass_as_no_loss() -> None:
    """Independent noise of .15 on three seeds cannot show that a rise is below .02."""
    before, after = make_records(seeds=3), make_records(seeds=3)
    rows = after["method"] == "good"
    after.loc[rows, "metric.rho"] += np.random.default_rng(5).normal(0, 0.15, int(rows.sum()))
    found = run(before, after)
    assert verdicts(found)["good"] == "unclear"
    assert found.exit_code == 3


def test_a_failure_is_a_loss() -> None:
    after = make_records()
    rows = after["method"] == "good"
    after.loc[rows, ["status", "metric.rho"]] = ["failed", np.nan]
    found = run(make_records(), after)
    assert verdicts(found)["good"] == "worse"
    assert found.exit_code == 1


@pytest.mark.parametrize("kept", ["no good", "a single seed"])
def test_an_emptied_grid_is_incomplete(kept: str) -> None:
    records = make_records()
    after = {
        "no good": records[records["method"] != "good"],
        "a single seed": records[records["seed"] == 0],
    }[kept]
    assert run(records, after).exit_code == 3


def test_stores_on_disk(tmp_path: Path) -> None:
    records = make_records()
    base, head = write_store(records, tmp_path / "base"), tmp_path / "head"
    head.mkdir()
    assert compare_stores(base, head).exit_code == 3
    write_store(records, head)
    found = compare_stores(base, head)
    assert found.exit_code == 0
    found.write(tmp_path / "report")
    assert (tmp_path / "report" / "compare.xml").exists()
    with pytest.raises(UsageError, match="margin"):
        compare_stores(base, head, margin=-1)


def test_unmeasured_base_never_passes() -> None:
    records = make_records()
    records[["status", "metric.rho"]] = ["failed", np.nan]
    assert run(records, make_records()).exit_code == 3


def test_other_worlds_are_refused() -> None:
    with pytest.raises(UsageError, match="different worlds"):
        run(make_records(), make_records().assign(season="next"))


def test_run_time_is_a_ratio_with_an_interval() -> None:
    """Twice as slow in every cell: the ratio is 2 and, without noise, so are its limits."""
    found = run(make_records(), make_records().assign(**{"meter.wall_s": 2.0}))
    time = found.data["rows"][0]["time"]
    assert (time["value"], time["low"], time["high"]) == pytest.approx((2.0, 2.0, 2.0))
    assert found.exit_code == 0


def test_false_alarms_are_rare() -> None:
    """With equal methods under fresh noise nobody is called worse in 60 repeats but by chance (5 %).

    60 repeats at 5 % give at most 8 with probability .995 (binomial).
    """
    alarms = 0
    before = make_records(seeds=4, stream=1)
    for repeat in range(60):
        after = before.copy()
        noise = np.random.default_rng(repeat).normal(0, 0.06, len(after))
        after["metric.rho"] = np.where(
            after["role"] == "method", after["metric.rho"] + noise, after["metric.rho"]
        )
        alarms += run(before, after, margin=0.005).exit_code == 1
    assert alarms <= 8
