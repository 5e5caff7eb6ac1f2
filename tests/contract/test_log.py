"""A log refuses what it cannot mean, says why, and survives a round trip."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from benchmark.contract import Log, UsageError


def table(**changes: object) -> pa.Table:
    columns: dict[str, object] = {
        "prompt": ["p", "p", "q"],
        "text": ["a", "b", "c"],
        "outcome": [1.0, 2.0, 3.0],
        "covariate.day": [0, 1, 1],
    }
    columns.update(changes)
    return pa.table({k: v for k, v in columns.items() if v is not None})


def test_a_log_reads_its_columns_by_role():
    log = Log(table())
    assert log.kind == "outcome"
    assert log.names("covariate") == ("day",)
    np.testing.assert_array_equal(log.covariates, [[0], [1], [1]])
    assert list(log.texts) == ["a", "b", "c"]
    assert log.has("covariate")
    assert not log.has("instrument")


def test_columns_cannot_be_written_through():
    log = Log(table())
    with pytest.raises(ValueError, match="read-only"):
        log.outcomes[0] = 9.0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"outcome": None}, "exactly one kind of feedback"),
        ({"text": None}, "exactly one kind of feedback"),
        ({"outcome": [1.0, float("nan"), 2.0]}, "missing or infinite"),
        ({"outcome": ["1", "2", "3"]}, "must hold numbers"),
        ({"text": [1, 2, 3]}, "must hold text"),
        ({"text": ["a", None, "c"]}, "empty cells"),
        ({"weekday": [0, 1, 1]}, "has no role"),
        ({"propensity": [0.5, 0.0, 0.5]}, "must hold probabilities"),
        ({"randomised": [0, 1, 2]}, "must hold 0 or 1"),
        ({"chosen": ["a", "b", "c"], "rejected": ["b", "c", "a"]}, "exactly one kind of feedback"),
    ],
)
def test_bad_tables_are_refused_with_a_reason(changes, says):
    with pytest.raises(UsageError) as caught:
        Log(table(**changes))
    assert says in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_empty_log_is_refused():
    with pytest.raises(UsageError, match="empty"):
        Log(table().slice(0, 0))


def test_missing_outcomes_are_allowed_where_marked_unobserved():
    log = Log(table(outcome=[1.0, float("nan"), 2.0], observed=[1, 0, 1]))
    assert np.isnan(log.outcomes[1])
    with pytest.raises(UsageError, match="missing or infinite"):
        Log(table(outcome=[1.0, float("nan"), 2.0], observed=[1, 1, 1]))


def test_parquet_and_datasets_round_trips(tmp_path):
    log = Log(table(outcome=[0.0, 1.0, 1.0]), feedback="binary")
    log.write(tmp_path / "log.parquet")
    for again in (Log.read(tmp_path / "log.parquet"), Log.from_dataset(log.to_dataset())):
        assert again.feedback == "binary"
        assert again.table.equals(log.table)


def test_a_users_own_columns_are_named_by_roles():
    own = pa.table({"headline": ["a", "b"], "clicks": [3, 4], "weekday": [0, 5], "other": [1, 1]})
    log = Log.from_table(own, {"headline": "text", "clicks": "outcome", "weekday": "covariate.weekday"})
    assert log.table.column_names == ["text", "outcome", "covariate.weekday"]
    assert list(log.prompts) == ["", ""]
    with pytest.raises(UsageError, match="does not have"):
        Log.from_table(own, {"title": "text"})


def test_take_repeats_and_reorders():
    log = Log(table()).take(np.array([2, 0, 0]))
    assert list(log.texts) == ["c", "a", "a"]


def test_two_columns_of_one_role_are_refused():
    table = pa.table({"headline": ["a"], "body": ["b"], "clicks": [1.0]})
    with pytest.raises(UsageError, match="headline, body"):
        Log.from_table(table, {"headline": "text", "body": "text", "clicks": "outcome"})
