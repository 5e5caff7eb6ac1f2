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
from leaderboard.intervals import Clusters, estimate
from leaderboard.power import count_needed_seeds


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


def disturb(records: pd.DataFrame, spread: float, loss: float, repeat: int) -> pd.DataFrame:
    """The records of another run: every seed of a family moves all its cells, and one method got worse."""
    rng, after = np.random.default_rng(repeat), records.copy()
    methods = after["role"] == "method"
    shared = after.groupby(["family", "seed"]).ngroup().to_numpy()
    own = after.groupby(["method", "family", "seed"]).ngroup().to_numpy()
    moved = rng.normal(0, spread, shared.max() + 1)[shared] + rng.normal(0, spread, own.max() + 1)[own]
    after["metric.rho"] = after["metric.rho"] + np.where(methods, moved, 0.0)
    after.loc[after["method"] == "good", "metric.rho"] += loss
    return after


@pytest.mark.parametrize("spread", [0.03, 0.06, 0.15])
def test_the_seeds_that_are_asked_for_give_the_power_that_is_promised(spread: float) -> None:
    """Three families, one of three tests at 5 % by Holm: 80 % as near as a whole number of seeds allows."""
    rng = np.random.default_rng(4)

    def draw(seeds: int, loss: float, repeats: int):
        family, seed = np.repeat(np.arange(3), seeds), np.tile(np.arange(seeds), 3)
        values = loss + rng.normal(0, spread, (repeats, 3 * seeds))
        return estimate(values, Clusters.of(family, seed))

    pilots = [count_needed_seeds(draw(12, 0.0, 1), 0.05, tests=3) for _ in range(200)]
    needed = int(np.median(pilots))
    assert (draw(needed, 0.05, 4000).p_value(side="greater") < 0.05 / 3).mean() >= 0.77
    if needed > 2:
        assert (draw(needed - 1, 0.05, 4000).p_value(side="greater") < 0.05 / 3).mean() <= 0.83


def test_six_seeds_find_a_loss_of_five_hundredths_under_the_usual_spread() -> None:
    before = make_records(seeds=6)
    found = [run(before, disturb(before, 0.03, 0.05, repeat)) for repeat in range(10)]
    assert sum(verdicts(one)["good"] == "worse" for one in found) >= 9


def test_the_report_says_how_many_seeds_it_takes() -> None:
    before = make_records(seeds=3)
    found = run(before, disturb(before, 0.1, 0.0, 1))
    assert "To find a loss of 0.05 with 80 % power in every method takes about " in found.markdown
    assert "; there are 3." in found.markdown
    alone = run(make_records(seeds=1), make_records(seeds=1))
    assert alone.exit_code == 3
    assert alone.data["rows"][0]["seeds_needed"] is None


def test_false_alarms_are_rare() -> None:
    """With equal methods under fresh noise nobody is called worse in 60 repeats but by chance (5 %).

    60 repeats at 5 % give at most 8 with probability .995 (binomial).
    """
    alarms = 0
    before = make_records(seeds=4, stream=1)
    base = from_table(before)
    for repeat in range(60):
        after = before.copy()
        noise = np.random.default_rng(repeat).normal(0, 0.06, len(after))
        after["metric.rho"] = np.where(
            after["role"] == "method", after["metric.rho"] + noise, after["metric.rho"]
        )
        alarms += compare_frames(base, from_table(after), 0.005).exit_code == 1
    assert alarms <= 8
