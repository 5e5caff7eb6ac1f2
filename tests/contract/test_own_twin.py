"""The own twin: the same columns without the confounding, planned, run and recorded beside the log."""

import numpy as np
import pytest

import benchmark
import simulators
from benchmark.contract.records import BOARDS, LOG, TWIN, list_records, read_columns
from benchmark.runs.entrants import Entrant, list_entrants
from benchmark.runs.plan import make_plan
from benchmark.tasks.placement import place_world
from benchmark.tasks.prepare import digest_log, make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite
from leaderboard.frame import read

SMALL = {"pairs": 512, "contrasts": 4, "pool": 16, "samples": 2}
ENTRANTS = [
    entrant
    for entrant in list_entrants()
    if entrant.name in ("naive", "ceiling", "covariate-regression", "canary-constant")
]
CARDS = [card for card in simulators.list_families() if not card.user_data]


def suite_of(*scenarios, **more):
    return check_suite({
        "name": "twins", "version": "1", "n": 200, "seeds": 2, "queries": SMALL, "own_twin": True,
        "cells": [{"scenarios": list(scenarios)}], **more,
    })  # fmt: skip


@pytest.mark.parametrize("family", [card.name for card in CARDS])
def test_a_twin_has_the_columns_and_rows_of_its_log_and_every_outcome(family):
    task = make_task(Scenario.parse(family), 0, suite_of(family))
    for track in ("log", "propensity", "slice"):
        log, twin = task.view(track), task.view(track, "twin")
        assert twin.table.column_names == log.table.column_names
        assert twin.table.schema.types == log.table.schema.types
        assert len(twin) == len(log)
    if twin.kind == "outcome":
        assert np.isfinite(twin.outcomes).all()
    for flag in ("observed", "observation_propensity"):
        if twin.has(flag):
            assert (twin.numbers(flag) == 1).all()


def test_texts_of_a_twin_do_not_depend_on_the_people():
    suite = suite_of("observed[strength=2]", n=20_000)
    task = make_task(suite.scenarios[0], 0, suite)
    read = task.world.domain.detect
    for data, least, most in (("log", 0.1, 1.0), ("twin", 0.0, 4 / np.sqrt(20_000))):
        log = task.view("log", data)
        people = log.covariates[:, 0]
        attributes = np.asarray(read(log.texts).attributes, dtype=float)
        strongest = max(abs(np.corrcoef(people, column)[0, 1]) for column in attributes.T)
        assert least <= strongest <= most, data


def test_a_suite_with_own_twins_plans_both_and_the_ceiling_once():
    groups = make_plan(suite_of("observed"), ENTRANTS).groups
    fitted = sorted((group.entrant.name, group.fitted_on) for group in groups)
    others = ("canary-constant", "covariate-regression", "naive")
    assert fitted == sorted([("ceiling", TWIN), *((name, on) for name in others for on in (LOG, TWIN))])
    assert len({group.key for group in groups}) == len(groups)
    assert {group.data for group in groups if group.entrant.name == "ceiling"} == {"complete"}


def test_a_block_may_do_without_twins():
    cells = [{"scenarios": ["observed"]}, {"scenarios": ["null"], "own_twin": False}]
    groups = make_plan(suite_of(cells=cells), ENTRANTS).groups
    planned = {
        (group.cells[0].scenario.family, group.fitted_on)
        for group in groups
        if group.entrant.role != "ceiling"
    }
    assert planned == {("observed", LOG), ("observed", TWIN), ("null", LOG)}


def test_submissions_have_twins_too():
    submitted = Entrant("mine", submission="0" * 64)
    groups = make_plan(suite_of("observed"), [submitted]).groups
    assert sorted(group.fitted_on for group in groups) == [LOG, TWIN]


def test_a_verified_season_draws_another_world_for_the_twin():
    suite, secret = suite_of("observed"), b"0123456789abcdef"
    log, twin = (make_task(suite.scenarios[0], 0, suite, secret, on) for on in (LOG, TWIN))
    assert not np.allclose(log.truth.effects, twin.truth.effects)
    assert digest_log(log.twin_log) != digest_log(twin.twin_log)


def test_records_say_what_was_fitted(tmp_path):
    suite = suite_of("observed[strength=4]", "randomised", n=4000)
    benchmark.run_suite(
        suite, tmp_path, methods=["naive", "covariate-regression", "canary-constant"], workers=0
    )
    found = benchmark.read_records(tmp_path)
    assert set(found["status"]) == {"ok"}
    counted = found.groupby(["method", "fitted_on"]).size()
    assert counted.to_dict() == {
        ("canary-constant", LOG): 4, ("canary-constant", TWIN): 4, ("ceiling", TWIN): 4,
        ("covariate-regression", LOG): 4, ("covariate-regression", TWIN): 4,
        ("naive", LOG): 4, ("naive", TWIN): 4,
    }  # fmt: skip
    naive = found[(found["method"] == "naive") & (found["family"] == "observed")]
    rho = naive.set_index(["seed", "fitted_on"])["metric.rho"].unstack()
    assert (rho[LOG] > rho[TWIN] + 0.05).all()
    boards = found.groupby("family")["board"].unique()
    assert boards["observed"].tolist() == ["recorded"]
    assert boards["randomised"].tolist() == ["controls"]
    frame = read(tmp_path)
    assert frame.is_complete
    assert (len(frame.records), len(frame.twins)) == (16, 12)


def test_a_twin_that_was_planned_and_has_no_record_is_missing(tmp_path):
    suite = suite_of("observed", seeds=1)
    benchmark.run_suite(suite, tmp_path, methods=["naive"], workers=0)
    (twin,) = (path for path in list_records(tmp_path) if read_columns(path, "fitted_on", "method") == {
        "fitted_on": [TWIN], "method": ["naive"],
    })  # fmt: skip
    twin.unlink()
    absent = read(tmp_path).absent
    assert absent[["entrant", "fitted_on"]].to_numpy().tolist() == [["naive", TWIN]]


def test_a_block_can_be_declared_a_control(tmp_path):
    suite = suite_of(cells=[{"scenarios": ["observed"], "control": True, "own_twin": False}], seeds=1)
    benchmark.run_suite(suite, tmp_path, methods=["naive"], workers=0)
    assert set(benchmark.read_records(tmp_path)["board"]) == {"controls"}


PLACES = {
    "recorded": ("observed", "nonlinear", "interaction", "overlap", "drift", "badcontrol", "wide", "robust",
                 "brief", "marker", "style", "letters", "position"),
    "auxiliary": ("instrument", "entangled", "proxy", "mixture", "selection", "selection[rule=extreme]",
                  "judge", "corrupt"),
    "preferences": ("correlated", "prefix", "objective", "heterogeneous"),
    "unidentified": ("hidden", "overlap[correlation=1]", "impossible"),
    "controls": ("randomised", "null", "observed[strength=0]"),
}  # fmt: skip


@pytest.mark.parametrize(("board", "scenarios"), PLACES.items())
def test_worlds_are_placed_by_what_identifies_them(board, scenarios):
    suite = suite_of("observed")
    assert set(PLACES) == set(BOARDS)
    for text in scenarios:
        task = make_task(Scenario.parse(text), 1, suite)
        assert task.board == place_world(task.world, task.log.kind) == board, text


def test_every_family_is_on_a_board():
    placed = {Scenario.parse(text).family for scenarios in PLACES.values() for text in scenarios}
    assert placed == {card.name for card in CARDS}


def test_a_record_is_of_the_world_that_its_seed_names(tmp_path):
    """The exact limit of the confounded reward is computed again from scenario and seed."""
    suite = suite_of("observed[strength=2]", n=400)
    benchmark.run_suite(suite, tmp_path, methods=["naive"], workers=0)
    found = benchmark.read_records(tmp_path)
    expected = {seed: make_task(suite.scenarios[0], seed, suite).key.naive_rho for seed in suite.seeds}
    assert len(set(expected.values())) > 1
    assert [expected[seed] for seed in found["seed"]] == found["cell_naive_rho"].tolist()
