"""Board of unidentified worlds: honest ignorance is rewarded, nonsense and endless intervals are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from leaderboard_records import METHODS, make_records

from benchmark.scoring.metrics import interval_score
from leaderboard.board import make_board
from leaderboard.frame import from_table

EFFECTS = np.array([1.0, -0.5, 0.0, 0.25])
# Half widths of intervals: honest ones around noisy estimates, endless ones, and a calibrated constant.
DECLARED = {"good": 0.4, "fair": 1e3, "poor": 0.0}
CENTRED = {"good": 1.0, "fair": 1.0, "poor": 0.0}


def make_unidentified_records() -> pd.DataFrame:
    """Synthetic records; hidden worlds are unidentified, three methods declare intervals of known quality.

    ``good`` abstains from 60 % of the pairs there and is right on the others, ``fair`` answers all and loses,
    ``poor`` abstains from all.
    """
    records, rng = make_records(METHODS), np.random.default_rng(8)
    records["board"] = np.where(records["family"] == "hidden", "unidentified", "recorded")
    facts = {"good": (0.6, 0.3, 0.0), "fair": (0.0, 0.7, 0.7), "poor": (1.0, 0.5, np.nan)}
    for name, (abstention, cautious, answered) in facts.items():
        rows = records["method"] == name
        shaken = np.clip(cautious + rng.normal(0, 0.02, int(rows.sum())) * (abstention < 1), 0, 1)
        records.loc[rows, "metric.abstention"] = abstention
        records.loc[rows, "metric.rho_cautious"] = shaken
        records.loc[rows, "metric.rho_answered"] = answered
        for index in records.index[rows]:
            centre = CENTRED[name] * (EFFECTS + rng.normal(0, 0.2, len(EFFECTS)))
            intervals = centre[:, None] + DECLARED[name] * np.array([-1.0, 1.0])
            held = (intervals[:, 0] <= EFFECTS) & (intervals[:, 1] >= EFFECTS)
            records.loc[index, "metric.coverage"] = held.mean()
            records.loc[index, "metric.width"] = (intervals[:, 1] - intervals[:, 0]).mean()
            records.loc[index, "metric.interval_score"] = interval_score(intervals, EFFECTS)
    return records


@pytest.fixture(scope="module")
def rows() -> dict[str, dict]:
    table = make_board(from_table(make_unidentified_records())).table("unidentified")
    assert table is not None
    names = [column.name for column in table.columns]
    assert not {"ranks", "tier"} & set(names)
    return {row[0]: dict(zip(names, row, strict=True)) for row in table.rows}


def test_what_was_planted_is_shown(rows: dict[str, dict]) -> None:
    assert rows["good"]["harm"].value == pytest.approx(-0.2, abs=0.03)
    assert rows["fair"]["harm"].value == pytest.approx(0.2, abs=0.03)
    assert (rows["good"]["harmful"].value, rows["fair"]["harmful"].value) == (0, 1)
    assert (rows["good"]["abstention"].value, rows["poor"]["abstention"].value) == (0.6, 1)
    assert rows["poor"]["harm"].value == rows["poor"]["harmful"].value == 0
    assert rows["poor"]["rho_answered"] is None
    assert rows["good"]["cells"] == 6
    assert rows["good"]["harm"].is_known


def test_neither_endless_intervals_nor_a_constant_win(rows: dict[str, dict]) -> None:
    """Endless intervals hold everything and a constant is never wide: neither wins."""
    assert rows["fair"]["coverage"].value == 1
    assert rows["poor"]["width"].value == 0
    scores = {name: rows[name]["interval_score"].value for name in DECLARED}
    assert min(scores, key=scores.__getitem__) == "good"


def test_the_effects_table_shows_width_and_the_proper_score() -> None:
    table = make_board(from_table(make_unidentified_records())).table("effects")
    assert table is not None
    names = [column.name for column in table.columns]
    found = {row[1]: row[names.index("interval_score")] for row in table.rows if row[0] == "observed"}
    assert found["good"].value < min(found["fair"].value, found["poor"].value)
    assert "width" in names


def test_a_cell_without_an_answer_is_counted_and_in_no_mean() -> None:
    records = make_unidentified_records()
    lost = (records["method"] == "fair") & (records["family"] == "hidden") & (records["seed"] < 2)
    records.loc[lost, "status"] = "failed"
    table = make_board(from_table(records)).table("unidentified")
    assert table is not None
    assert {row[0]: row[-2:] for row in table.rows}["fair"] == (4, 2)


def test_records_that_know_no_boards_have_no_such_table() -> None:
    assert make_board(from_table(make_records())).table("unidentified") is None
