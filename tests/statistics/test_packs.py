"""Packs: few files that hold the records of many, small enough to live in a repository."""

import numpy as np
import pandas as pd
import pytest
from leaderboard_records import add_twins, make_records, write_store

from benchmark.contract import UsageError
from benchmark.contract.records import list_records, make_table, read_records, write_packs
from leaderboard.frame import from_table, read
from leaderboard.publish import adopt_store


@pytest.fixture(scope="module")
def table():
    records = add_twins(make_records(seeds=4), {})
    records.loc[records["family"] == "hidden", "board"] = "unidentified"
    lost = (records["family"] == "marker") & (records["seed"] == 1) & (records["method"] == "fair")
    records.loc[lost, ["board", "status", "metric.rho"]] = ["", "timeout", np.nan]
    return make_table(records.to_dict("records"))


def test_a_pack_for_each_board_holds_every_record(table, tmp_path):
    files = write_packs(tmp_path, table)
    assert [path.name for path in files] == [
        "records-synthetic-recorded.parquet", "records-synthetic-unidentified.parquet"
    ]  # fmt: skip
    order = ["method", "role", "fitted_on", "scenario", "seed"]
    before = table.to_pandas().sort_values(order, ignore_index=True)
    after = read_records(tmp_path).to_pandas().sort_values(order, ignore_index=True)
    assert len(after) == len(before)
    for name in before.columns:
        if before[name].dtype == float:
            exact = 0 if name.startswith("cell_") or name == "strength" else 1e-7
            np.testing.assert_allclose(after[name], before[name], rtol=exact, atol=exact)
        else:
            assert after[name].tolist() == before[name].tolist()


def test_the_same_records_in_any_order_give_the_same_bytes(table, tmp_path):
    shuffled = table.take(np.random.default_rng(0).permutation(table.num_rows))
    first, second = write_packs(tmp_path / "a", table), write_packs(tmp_path / "b", shuffled)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_thousand_records_take_little_room(table, tmp_path):
    size = sum(path.stat().st_size for path in write_packs(tmp_path, table))
    assert size / table.num_rows < 200


def test_adopting_a_store_replaces_its_suite_and_keeps_the_others(tmp_path):
    first = make_records(seeds=2)
    tiny = make_records(seeds=3).assign(suite="synthetic-tiny", backbone="tiny")
    write_store(first.assign(backbone="loglinear"), tmp_path / "first")
    write_store(tiny, tmp_path / "tiny")
    for name in ("first", "tiny", "first"):
        adopt_store(tmp_path / name, tmp_path / "results")
    frame = read(tmp_path / "results")
    assert frame.suite == "synthetic + synthetic-tiny"
    assert frame.records.groupby("backbone").size().to_dict() == {"loglinear": len(first), "tiny": len(tiny)}
    assert len(list_records(tmp_path / "results")) == 2


def test_suites_on_one_backbone_are_never_mixed():
    records = make_records(seeds=2)
    both = [records, records.assign(suite="other", seed=records["seed"] + 10)]
    with pytest.raises(UsageError, match="mixes suites"):
        from_table(pd.concat(both))
