"""Regret in parts: they add up, hold the planted costs, and blame nobody for a fit that failed."""

import math

import numpy as np
import pandas as pd
import pytest
from leaderboard_records import CEILING_RHO, METHODS, SCENARIOS, add_twins, make_records

from leaderboard.board import make_board
from leaderboard.comparison_group import make_comparison_groups
from leaderboard.decomposition import decompose, decompose_role
from leaderboard.frame import from_table
from leaderboard.producers.evidence import Evidence

LEARNING = {"poor": 0.15, "fair": 0.05}
CONFOUNDED = [level for _, _, level in SCENARIOS.values() if level > 0.05]


def group_of(records):
    (group,) = make_comparison_groups(from_table(records))
    return group.where(group.counted)


@pytest.fixture(scope="module")
def records():
    return add_twins(make_records(seeds=12), LEARNING)


@pytest.fixture(scope="module")
def board(records):
    return make_board(from_table(records))


def rows(board, name):
    table = board.table(name)
    return [dict(zip([column.name for column in table.columns], row, strict=True)) for row in table.rows]


def test_the_parts_add_up_to_the_last_digit_in_every_row(board):
    found = [*rows(board, "parts"), *(row for row in rows(board, "family-parts") if row["status"] == "ok")]
    assert len(found) > 20
    for row in found:
        total = row["floor"].value + row["learning"].value + row["confounding"].value
        assert round(total, 6) == row["rho"].value, row


def test_rho_of_the_parts_is_that_of_the_ranking(board):
    ranking = {row["entrant"]: row["rho"] for row in rows(board, "ranking")}
    for row in rows(board, "parts"):
        if row["role"] == "method":
            assert row["rho"].value == pytest.approx(ranking[row["entrant"]], abs=3e-6)


@pytest.mark.parametrize("name", ["good", "fair", "poor"])
def test_planted_costs_lie_in_their_intervals(records, name):
    group = group_of(records)
    parts = decompose(group, name)
    share = METHODS[name]["share"]
    learning = LEARNING.get(name, 0.0)
    log = np.mean([level - share * (level - CEILING_RHO) for level in CONFOUNDED])
    confounding, naive = log - CEILING_RHO - learning, np.mean(CONFOUNDED) - CEILING_RHO
    planted = {"floor": CEILING_RHO, "learning": learning, "confounding": confounding}
    planted |= {"removed": 1 - confounding / naive}
    for part, value in planted.items():
        span = getattr(parts, part)
        assert span.low <= value <= span.high, part
        assert span.high - span.low < 0.2, part


def test_references_have_the_parts_they_must_have(records):
    group = group_of(records)
    naive, ceiling = decompose_role(group, "naive"), decompose_role(group, "ceiling")
    assert naive.removed.value == naive.removed.low == naive.removed.high == 0
    assert ceiling.learning.value == ceiling.confounding.value == 0
    assert ceiling.removed is None
    constant = decompose(group, "canary-constant")
    assert constant.confounding.value == 0
    assert constant.rho.value == 0.5


def test_intervals_of_the_confounding_cost_cover(records):
    """A method without any confounding cost: its interval holds 0 in 95 of 100 stores, give or take."""
    covered = []
    for stream in range(100):
        plain = make_records({"naive": METHODS["naive"], "ceiling": METHODS["ceiling"]}, 6, 0.02, stream)
        rng = np.random.default_rng(stream)
        method = plain[plain["role"] == "ceiling"].assign(
            method="same", label="same", role="method", fitted_on="log"
        )
        method["metric.rho"] = method["metric.rho"] + 0.1 + rng.normal(0, 0.02, len(method))
        store = add_twins(pd.concat([plain, method]), {"same": 0.1}, 0.02, stream)
        own = (store["method"] == "same") & (store["fitted_on"] == "twin")
        ceiling = plain[plain["role"] == "ceiling"]["metric.rho"].to_numpy()
        store.loc[own, "metric.rho"] = ceiling + 0.1 + rng.normal(0, 0.02, own.sum())
        span = decompose(group_of(store), "same").confounding
        covered.append(span.low <= 0 <= span.high)
    assert 0.95 - 4 * math.sqrt(0.95 * 0.05 / 100) <= np.mean(covered)


def test_a_fit_that_failed_on_the_twin_takes_its_cell_along_and_is_counted(records):
    failed = records.copy()
    chosen = (failed["method"] == "fair") & (failed["fitted_on"] == "twin") & (failed["seed"] == 0)
    failed.loc[chosen, ["status", "metric.rho"]] = ["failed", np.nan]
    before, after = (decompose(group_of(table), "fair") for table in (records, failed))
    assert after.cells == before.cells - len(CONFOUNDED)
    assert abs(after.confounding.value - before.confounding.value) < 0.02
    other = [decompose(group_of(table), "good") for table in (records, failed)]
    assert other[0] == other[1]


def test_a_fit_that_failed_on_the_log_counts_as_on_the_board(records):
    failed = records.copy()
    chosen = (failed["method"] == "fair") & (failed["fitted_on"] == "log")
    failed.loc[chosen, ["status", "metric.rho"]] = ["failed", np.nan]
    parts = decompose(group_of(failed), "fair")
    assert parts.rho.value >= 0.5
    assert parts.confounding.value > 0.3


def test_removed_is_open_where_naive_pays_nothing(records):
    harmless = records[records["family"] == "randomised"].copy()
    harmless["board"] = "controls"
    parts = decompose(group_of(harmless), "poor")
    assert parts.removed.outside or math.isinf(parts.removed.low)


def test_boards_are_never_averaged(records):
    split = records.copy()
    split.loc[split["family"] == "hidden", "board"] = "unidentified"
    split.loc[split["family"] == "marker", "board"] = "auxiliary"
    split.loc[split["family"].isin(["randomised", "null"]), "board"] = "controls"
    board = make_board(from_table(split))
    found = rows(board, "parts")
    assert {row["board"] for row in found} == {"recorded", "auxiliary", "unidentified", "controls"}
    by_board = {row["board"]: row["cells"] for row in found if row["entrant"] == "good"}
    assert by_board == {"recorded": 36, "auxiliary": 12, "unidentified": 12, "controls": 12}
    ranked = {table.name for table in board.tables if table.name.startswith("ranking")}
    assert ranked == {"ranking-recorded-log-outcome-tiny", "ranking-auxiliary-log-outcome-tiny"}
    assert {row["ranks"] for row in found if row["board"] in ("unidentified", "controls")} == {None}


def test_a_world_says_whether_it_tells_methods_apart(records):
    alike = records.copy()
    marker = (alike["family"] == "marker") & (alike["role"] == "method") & (alike["fitted_on"] == "log")
    rng = np.random.default_rng(0)
    alike.loc[marker, "metric.rho"] = 0.1 + rng.normal(0, 0.02, marker.sum())
    worlds = {row["family"]: row for row in rows(make_board(from_table(alike)), "worlds")}
    assert worlds["marker"]["separates"] is False
    assert worlds["hidden"]["separates"] is True
    cost = worlds["hidden"]["cost"]
    assert cost.low <= 0.3 - CEILING_RHO <= cost.high


def test_records_without_twins_have_no_parts():
    evidence = Evidence(from_table(make_records()))
    board = make_board(evidence.frame)
    assert not any(board.table(name) for name in ("parts", "family-parts", "curves", "worlds"))
