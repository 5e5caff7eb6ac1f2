"""The board as a whole: what it says, what it refuses, and that it says the same thing twice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from leaderboard_records import CEILING_RHO, METHODS, SCENARIOS, make_records, write_store

from benchmark.contract import IncompleteError, UsageError
from benchmark.contract.errors import DamagedFile
from leaderboard.board import build_board, make_board
from leaderboard.comparison_group import make_comparison_groups
from leaderboard.frame import from_table, read
from leaderboard.tables import Span, Table


def read_ranking(records: pd.DataFrame, name: str = "ranking") -> dict[str, dict]:
    """Rows of a ranking by method."""
    return read_table(make_board(from_table(records)).table(name))


def read_table(table: Table | None) -> dict[str, dict]:
    """Rows of a table by method."""
    assert table is not None
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, row, strict=True)) for row in table.rows]
    return {row["entrant"]: row for row in rows}


def spoil(records: pd.DataFrame, method: str, status: str, where: pd.Series | bool = True) -> pd.DataFrame:
    """Records in which a method has another status in some cells."""
    records = records.copy()
    rows = (records["method"] == method) & where
    records.loc[rows, "status"] = status
    records.loc[rows, [c for c in records if c.startswith("metric.")]] = np.nan
    return records


def test_scores_are_what_was_planted() -> None:
    """Without noise D is the share times the mean room, .284 here, and A/B equivalence is the share."""
    levels = [level for family, _, level in SCENARIOS.values() if level >= 0.05]
    room = float(np.mean(levels)) - CEILING_RHO
    rows = read_ranking(make_records(noise=0.0))
    for name, facts in METHODS.items():
        if facts.get("role"):
            continue
        assert rows[name]["improvement"].value == pytest.approx(facts["share"] * room, abs=1e-5)
        assert rows[name]["equivalence"].value == pytest.approx(facts["share"], abs=1e-5)
    assert rows["canary-constant"]["ranks"] is None
    assert rows["good"]["ranks"] == "1"


def test_harmless_and_null_cells_stay_out_of_the_ranking() -> None:
    records = make_records()
    board = make_board(from_table(records))
    harm = board.table("harm")
    assert harm is not None
    assert {row[3] for row in harm.rows} == {6}  # the randomised scenario alone, six seeds
    group = next(make_comparison_groups(from_table(records)))
    assert set(group.where(group.confounded).cells["family"]) == {"observed", "marker", "hidden"}
    effects = board.table("effects")
    assert effects is not None
    assert "null" in {row[0] for row in effects.rows}


def test_a_board_says_that_its_seeds_cannot_rank() -> None:
    """Eight nearly equal methods on two seeds: everybody is in tier 1, and a note says why."""
    similar = {f"similar-{i}": {"share": 0.5 + i / 500, "adjusts": True} for i in range(8)}
    references = {name: METHODS[name] for name in ("naive", "ceiling")}
    for seeds, methods, ranks in ((2, {**references, **similar}, False), (6, METHODS, True)):
        table = make_board(from_table(make_records(methods, seeds=seeds))).table("ranking")
        assert table is not None
        tiers = {row[1] for row in table.rows} - {None}
        assert (tiers == {1}) != ranks
        assert any(f"{seeds} seeds cannot rank these methods." in note for note in table.notes) != ranks
        assert any("of methods can be told apart" in note for note in table.notes)


def test_harm_has_an_interval_where_a_single_seed_of_a_family_is_harmless() -> None:
    records = make_records()
    records.loc[records["family"].eq("observed") & records["seed"].eq(2), "cell_naive_rho"] = 0.01
    harm = make_board(from_table(records)).table("harm")
    assert harm is not None
    assert {row[3] for row in harm.rows} == {6 + 3}  # six seeds of randomised, three strengths of observed
    assert all(row[1].is_known for row in harm.rows)


def test_another_entrant_changes_no_score() -> None:
    base = read_ranking(make_records())
    more = read_ranking(make_records({**METHODS, "newcomer": {"share": 0.7}, "failing": {"share": 0.1}}))
    for name, row in base.items():
        for column in ("improvement", "equivalence", "rho", "leave_one_out"):
            assert more[name][column] == row[column]


def test_a_failure_counts_as_the_worst_of_naive_coin_and_valid_seeds() -> None:
    records = make_records()
    cell = (records["family"] == "marker") & (records["seed"] == 2)
    valid = (records["method"] == "good") & (records["family"] == "marker") & (records["seed"] == 3)
    for status in ("failed", "invalid", "timeout", "memory"):
        group = next(make_comparison_groups(from_table(spoil(records, "good", status, cell))))
        here = ((group.cells["family"] == "marker") & (group.cells["seed"] == 2)).to_numpy()
        assert group.filled[group.names.index("good")][here] == [0.5]
    bad = records.copy()
    bad.loc[cell & (records["method"] == "naive"), "metric.rho"] = 0.7
    group = next(make_comparison_groups(from_table(spoil(bad, "good", "failed", cell))))
    assert group.filled[group.names.index("good")][here] == [0.7]
    records.loc[valid, "metric.rho"] = 0.8
    group = next(make_comparison_groups(from_table(spoil(records, "good", "failed", cell))))
    assert group.filled[group.names.index("good")][here] == [0.8]
    assert read_ranking(spoil(records, "good", "failed", cell))["good"]["imputed"].startswith("†1")


def test_the_machine_s_failures_are_never_imputed() -> None:
    records = make_records()
    broken = spoil(records, "good", "infrastructure", records["seed"] == 1)
    board = make_board(from_table(broken))
    assert not board.is_complete
    assert "machine failed" in board.problems[0]
    assert "good" not in read_ranking(broken)


def test_a_score_that_is_nan_is_invalid_not_missing() -> None:
    records = make_records()
    records.loc[(records["method"] == "good") & (records["family"] == "marker"), "metric.rho"] = np.nan
    frame = from_table(records)
    assert (frame.records["status"] == "invalid").sum() == 6


def test_gaps_are_listed() -> None:
    records = make_records()
    gone = (records["method"] == "good") & (records["seed"] == 4) & (records["family"] == "hidden")
    board = make_board(from_table(records[~gone]))
    assert board.problems == ("1 cell is missing: good on hidden[n=4000] (1).",)


def test_an_incompatible_method_is_ranked_where_it_fits_against_everybody() -> None:
    records = make_records()
    partial = spoil(records, "fair", "incompatible", records["family"] != "observed")
    assert "fair" not in read_ranking(partial)
    rows = read_ranking(partial, "ranking-part-1")
    assert {"fair", "good", "poor"} <= set(rows)
    assert make_board(from_table(partial)).is_complete


def test_tracks_are_never_ranked_together() -> None:
    board = make_board(
        from_table(make_records({**METHODS, "weights": {"share": 0.95, "track": "propensity"}}))
    )
    table = board.table("ranking-recorded-log-outcome-tiny")
    assert table is not None
    assert "weights" not in {row[2] for row in table.rows}
    assert board.table("ranking-recorded-propensity-outcome-tiny") is not None


def test_a_track_is_ranked_on_the_worlds_that_record_what_it_is_about() -> None:
    """``hidden`` logs no propensities, so a method that needs them is whole without it."""
    records = make_records({**METHODS, "weights": {"share": 0.95, "track": "propensity"}})
    records = spoil(records, "weights", "incompatible", records["family"] == "hidden")
    board = make_board(from_table(records))
    table = board.table("ranking-recorded-propensity-outcome-tiny")
    assert table is not None
    assert "weights" in {row[2] for row in table.rows}
    assert not any("hidden" in note for note in table.notes)
    main = board.table("ranking-recorded-log-outcome-tiny")
    assert main is not None
    assert any("hidden" in note for note in main.notes)


def test_a_method_of_which_nothing_came_back_is_missed(tmp_path: Path) -> None:
    records = make_records()
    store = write_store(records[records["method"] != "fair"], tmp_path / "store")
    assert read(store).is_complete
    plan = {
        "suite": "synthetic", "suite_version": "1", "season": "test",
        "expected": [{
            "entrants": [{"method": m, "submission": "", "backbone": "tiny"} for m in ("fair", "good")],
            "cells": {"observed[strength=1,n=4000]": [0, 1, 2]},
        }],
    }  # fmt: skip
    (store / "plan-1.json").write_text(json.dumps(plan))
    (store / "plan-2.json").write_text(json.dumps({**plan, "suite": "another"}))
    assert make_board(read(store)).problems == (
        "3 cells are missing: fair on observed[strength=1,n=4000] (3).",
    )
    (store / "plan-1.json").write_text("{}")
    with pytest.raises(DamagedFile, match=r"plan-1\.json"):
        read(store)


def test_controls_are_watched() -> None:
    records = make_records()
    wrong = (records["method"] == "canary-constant") & (records["family"] == "hidden")
    records.loc[wrong, "metric.rho"] = 0.4
    assert any("canary-constant" in problem for problem in make_board(from_table(records)).problems)


def test_a_leak_on_impossible_worlds_invalidates_the_run() -> None:
    """Over 120 fair signs a coin's mean is .5 with error .5 / sqrt(120) = .046; an informed one is caught."""
    worlds = {**SCENARIOS, "impossible[n=4000]": ("impossible", 1.0, 0.5)}
    records = make_records(seeds=120, scenarios=worlds)
    rows = (records["family"] == "impossible") & (records["role"] != "ceiling")
    signs = np.resize([0.0, 1.0], rows.sum())
    records.loc[rows, "metric.rho"] = signs
    records.loc[records["method"] == "canary-constant", "metric.rho"] = 0.5
    assert not any("impossible" in p for p in make_board(from_table(records)).problems)
    informed = rows & (records["method"] == "good")
    records.loc[informed, "metric.rho"] = np.resize([0.0, 0.0, 0.0, 1.0], informed.sum())
    problems = make_board(from_table(records)).problems
    assert any("impossible worlds: good" in problem for problem in problems)


@pytest.mark.parametrize("status", ["failed", "timeout", "incompatible"])
def test_who_does_not_answer_in_impossible_worlds_is_shown(status: str) -> None:
    """A method that knows the truth could hide it by failing there, so failures are not left out."""
    worlds = {**SCENARIOS, "impossible[n=4000]": ("impossible", 1.0, 0.5)}
    submitted = {"hides": {"share": 0.9, "submission": "ab" * 32, "isolation": "bubblewrap"}}
    records = make_records({**METHODS, **submitted}, seeds=20, scenarios=worlds)
    hides = (records["family"] == "impossible") & (records["method"] == "hides") & (records["seed"] > 15)
    records.loc[hides, ["status", "metric.rho"]] = [status, np.nan]
    board = make_board(from_table(records))
    row = next(row for name, row in read_table(board.table("controls")).items() if "hides" in name)
    assert row["failed"] == (0 if status == "incompatible" else 4)
    assert row["declined"] == (4 if status == "incompatible" else 0)
    assert any("hides" in p for p in board.problems) == (status != "incompatible")


def test_declining_harmless_cells_costs_the_rank() -> None:
    records = make_records()
    harmless = (records["method"] == "good") & (records["family"] == "randomised")
    records.loc[harmless, ["status", "metric.rho"]] = ["incompatible", np.nan]
    table = make_board(from_table(records)).table("ranking")
    assert "good" not in read_table(table)
    assert any("decline cells in which the log is right: good" in note for note in table.notes)


def test_boards_that_are_left_out_are_counted() -> None:
    """20 methods that each take other scenarios give more partial boards than are shown."""
    names = list(SCENARIOS)[:5]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    singles = [(name,) for name in names]
    picky = {f"m{k}": {"share": 0.5} for k in range(len(pairs) + len(singles))}
    records = make_records({**METHODS, **picky}, seeds=2)
    for k, taken in enumerate([*pairs, *singles]):
        declined = (records["method"] == f"m{k}") & ~records["scenario"].isin(taken)
        records.loc[declined, ["status", "metric.rho"]] = ["incompatible", np.nan]
    board = make_board(from_table(records))
    parts = [table for table in board.tables if "-part-" in table.name]
    assert len(parts) == 12
    assert "3 smaller sets of scenarios that some methods take have no table." in parts[-1].notes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: pd.concat([r, r.iloc[:1]]), "more than once"),
        (lambda r: r.assign(status="fine"), "unknown status"),
        (lambda r: r.drop(columns="cell_naive_rho"), "lack columns"),
        (lambda r: r.assign(season=np.where(r["seed"] == 1, "a", "b")), "never ranked together"),
    ],
)
def test_bad_records_are_refused(change, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        from_table(change(make_records()))


def test_an_empty_store_is_incomplete_and_no_store_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(IncompleteError):
        read(tmp_path)
    with pytest.raises(UsageError, match="no store"):
        read(tmp_path / "nowhere")


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    """In another order, split into other files, with other run times."""
    records = make_records()
    first = build_board(write_store(records, tmp_path / "a"), tmp_path / "one")
    shuffled = records.sample(frac=1, random_state=1).assign(**{"meter.wall_s": 7.0})
    second = build_board(write_store(shuffled, tmp_path / "b", files=5), tmp_path / "two")
    assert first.files == second.files
    for name in first.files:
        if not name.startswith("timings/"):
            assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_what_is_written_is_well_formed_and_says_nothing_of_the_machine(tmp_path: Path) -> None:
    board = build_board(write_store(make_records(), tmp_path / "store"), tmp_path / "out")
    texts = {n: (tmp_path / "out" / n).read_text("utf-8") for n in board.files if "timings" not in n}
    for name, text in texts.items():
        assert str(tmp_path) not in text
        assert not re.search(r"wall_s|20\d\d-\d\d-\d\dT", text), name
    content = json.loads(texts["leaderboard.json"])
    assert content["complete"] is True
    assert content["tables"]["ranking"]["rows"][0]["entrant"].startswith("ceiling")


def test_submissions_have_one_primary_comparison_under_holm() -> None:
    digest = "ab" * 32
    records = make_records({**METHODS, "theirs": {"share": 0.95, "submission": digest}})
    table = make_board(from_table(records)).table("comparisons")
    assert table is not None
    primary = [row for row in table.rows if row[5].startswith("primary")]
    assert [(row[0], row[1]) for row in primary] == [
        ("theirs@abababab", "naive"),
        ("theirs@abababab", "good"),
    ]
    assert all(row[0] != "theirs@abababab" for row in table.rows if row not in primary)


def test_spans_read_well() -> None:
    from leaderboard.tables import format_span

    assert format_span(Span(0.12, 0.08, 0.16), 2) == "0.12 [0.08, 0.16]"
    assert format_span(Span(-0.0001, -0.2, 0.2), 2) == "0.00 [−0.20, 0.20]"
    assert format_span(Span(2.0, -1.0, 1.0, outside=True), 1) == "2.0 [≤ −1.0 or ≥ 1.0]"
    assert format_span(Span(0.3, -np.inf, np.inf), 1) == "0.3 [any]"
