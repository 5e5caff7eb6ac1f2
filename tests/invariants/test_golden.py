"""The guard of this repository: a fresh run is no worse than the golden store; a planted loss is found."""

from __future__ import annotations

import pytest
from golden import FOLDER, METHODS, make_suite, measure

from benchmark.contract.records import make_table, read_records, write_packs
from leaderboard import compare_stores


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    store = tmp_path_factory.mktemp("fresh")
    measure(store)
    return store


def test_no_method_got_worse_than_the_golden_store(fresh):
    comparison = compare_stores(FOLDER, fresh)
    assert comparison.exit_code == 0, comparison.markdown
    compared = {row["entrant"] for row in comparison.data["rows"]}
    assert compared >= {*METHODS, "naive"}


def test_a_planted_loss_fails_the_comparison(fresh, tmp_path):
    table = read_records(fresh).to_pandas()
    hit = (table["method"] == "dpo-raw").to_numpy()
    table.loc[hit, "metric.rho"] += 0.05
    write_packs(tmp_path, make_table(table.to_dict("records")))
    comparison = compare_stores(FOLDER, tmp_path)
    assert comparison.exit_code == 1
    verdicts = {row["entrant"]: row["verdict"] for row in comparison.data["rows"]}
    assert verdicts["dpo-raw"] == "worse"
    assert verdicts["covariate-regression"] == "no worse"


def test_the_golden_store_holds_the_whole_suite():
    records = read_records(FOLDER).to_pandas()
    suite = make_suite()
    assert set(records["scenario"]) == {scenario.id for scenario in suite.scenarios}
    assert set(records["seed"]) == set(suite.seeds)
    assert set(records["status"]) == {"ok"}
