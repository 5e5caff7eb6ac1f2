"""The board's dearest step, simultaneous rank sets, grows as it should."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from benchmark.contract import make_rng
from leaderboard.board import make_board
from leaderboard.catalogue import Catalogue
from leaderboard.frame import from_table
from leaderboard.intervals import Clusters, Estimate, estimate
from leaderboard.ranks import rank
from leaderboard.render import render_board

BOARDS = ("recorded", "auxiliary", "preferences", "unidentified", "controls")
SEEDS, FAMILIES, MINUTE = 11, 29, 60.0


def make_estimates(methods: int, families: int, seeds: int) -> Estimate:
    family, seed = np.repeat(np.arange(families), seeds), np.tile(np.arange(seeds), families)
    values = make_rng("perf", methods).normal(size=(methods, families * seeds))
    return estimate(values, Clusters.of(family.astype(str), seed))


def seconds(methods: int) -> float:
    """Least of three runs, which is the least noisy summary of a duration."""
    estimates, found = make_estimates(methods, 6, 5), []
    for _ in range(3):
        start = time.perf_counter()
        rank(estimates, make_rng("perf"))
        found.append(time.perf_counter() - start)
    return min(found)


def test_rank_sets_cost_no_more_than_the_number_of_pairs() -> None:
    """60 methods have 1,770 pairs, 20 have 190: 9.3 times the work; 2.5 times that is an alarm."""
    assert seconds(60) / seconds(20) < 9.3 * 2.5


@pytest.mark.parametrize("methods", [20, 60])
def test_rank_sets(benchmark, methods: int) -> None:
    estimates = make_estimates(methods, 6, 5)
    benchmark(lambda: rank(estimates, make_rng("perf"), draws=500))


def make_records(methods: int) -> pd.DataFrame:
    """Every method, naive and the ceiling in 29 families of 11 seeds, on the log and on the own twin."""
    rng = make_rng("perf", "records", methods)
    names = ["naive", "ceiling", *(f"method-{number}" for number in range(methods))]
    index = pd.MultiIndex.from_product([names, range(FAMILIES), range(SEEDS), ["log", "twin"]])
    rows = index.to_frame(index=False, name=["method", "number", "seed", "fitted_on"])
    rows = rows[(rows["method"] != "ceiling") | (rows["fitted_on"] == "twin")].reset_index(drop=True)
    rows["role"] = rows["method"].where(rows["method"].isin(["naive", "ceiling"]), "method")
    rows["family"] = "family-" + rows["number"].astype(str)
    rows["scenario"] = rows["family"] + "[n=4000]"
    rows["board"] = [BOARDS[number % len(BOARDS)] for number in rows["number"]]
    fixed = {"suite": "s", "suite_version": "1", "season": "t", "strength": 1.0, "n": 4000, "track": "log"}
    fixed |= {"kind": "outcome", "backbone": "loglinear", "status": "ok", "reason": "", "adjusts": True}
    fixed |= {"policy": False, "canary": False, "submission": "", "device": "cpu", "cell_naive_rho": 0.3}
    fixed |= {"cell_effect_scale": 1.0, "cell_roles": "outcome text"}
    skill = pd.Series(rng.uniform(0, 0.25, len(names)), index=names)
    noise = rng.normal(0, 0.03, len(rows)) + 0.1 * (rows["fitted_on"] == "log")
    rows["metric.rho"] = (skill[rows["method"]].to_numpy() + noise + 0.1).clip(0, 1)
    return rows.drop(columns="number").assign(**fixed)


def test_a_hundred_thousand_records_become_a_site_within_a_minute(figures) -> None:
    """A test run builds the site of a tenth of the methods; the cost of ranks grows with their square."""
    methods = 15 if figures.brief else 157
    records = make_records(methods)
    assert figures.brief or len(records) >= 100_000
    begun = time.process_time()
    files = render_board(make_board(from_table(records)), Catalogue())
    seconds = time.process_time() - begun
    figures.note(f"{len(records):,} records to {len(files)} files (at most 60)", seconds, "s")
    figures.show(lambda: None)
    assert len(files) > methods
    assert seconds < MINUTE
