"""The store: whole files or none, resume, and one record a cell."""

import os
import subprocess
import sys

import numpy as np
import pytest

from benchmark.contract import Predictions, UsageError
from benchmark.contract.files import write_whole
from benchmark.contract.records import (
    CELL_IDENTITY,
    COLUMNS,
    make_table,
    pack_predictions,
    unpack_predictions,
)
from benchmark.runs.store import Store


def row(seed, status="ok", **more):
    texts = [name for name in CELL_IDENTITY if name != "seed"]
    return {**dict.fromkeys(texts, "x"), "seed": seed, "status": status, **more}


def answers(seed):
    return Predictions(np.array([seed, 0.25]), diagnostics={"ess": 3.0})


def test_a_group_is_read_back(tmp_path):
    store = Store.open(tmp_path / "a" / "b")
    rows = [row(0, **{"metric.rho": 0.5}), row(1, "failed", reason="broke")]
    store.write_group("k", rows, [answers(0), None])
    assert store.list_keys() == ("k",)
    assert store.read_index().statuses["k"] == ["ok", "failed"]
    first, second = store.read_predictions("k", 2)
    assert first.reward.tolist() == [0, 0.25]
    assert first.diagnostics == {"ess": 3.0}
    assert second is None
    table = store.read_records().to_pydict()
    assert table["metric.rho"][0] == 0.5
    assert np.isnan(table["metric.rho"][1])
    assert table["reason"] == ["", "broke"]


def test_predictions_survive_exactly():
    awkward = np.array([["", "tail\0", "\ud800 lone"], ["日本", "a\nb", '"']], dtype=object)
    given = Predictions(
        np.array([1 / 3, -1e-300]), awkward, np.array([[-0.0, 1e300]]), np.array([True, False])
    )
    (found,) = unpack_predictions(pack_predictions([given]), 1)
    assert found.reward.tobytes() == given.reward.tobytes()
    assert found.samples.tolist() == awkward.tolist()
    assert found.intervals.tolist() == given.intervals.tolist()
    assert found.abstains.tolist() == [True, False]


def test_records_have_every_column_whatever_the_rows():
    table = make_table([row(0, **{"diagnostic.ess": 1.0}), row(1)])
    assert set(COLUMNS) <= set(table.column_names)
    assert np.isnan(table.column("diagnostic.ess").to_pylist()[1])
    assert make_table([]).num_rows == 0


def test_an_error_between_writing_and_renaming_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"old")

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_records_appear_last(tmp_path, monkeypatch):
    """A group with predictions but no records is not stored."""
    store, replace = Store.open(tmp_path), os.replace

    def crash_on_records(source, target):
        if "records-" in str(target):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", crash_on_records)
    with pytest.raises(KeyboardInterrupt):
        store.write_group("k", [row(0)], [answers(0)])
    monkeypatch.undo()
    assert (tmp_path / "predictions-k.npz").exists()
    assert not store.read_index().is_stored("k")
    assert store.read_records().num_rows == 0


KILLED = """
import os, sys
import numpy as np
from benchmark.contract import Predictions
from benchmark.runs.store import Store

store, replace, count = Store.open(sys.argv[1]), os.replace, 0

def kill_at(source, target):
    global count
    count += 1
    if count == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    replace(source, target)

os.replace = kill_at
for key in "abc":
    row = dict(suite="x", seed=1, status="ok", reason=key)
    store.write_group(key, [row], [Predictions(np.zeros(3))])
"""


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_killed_at_any_rename_loses_only_the_group_in_flight(tmp_path, moment):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(moment)], check=False)
    assert done.returncode == -9
    store = Store.open(tmp_path)
    # two renames a group: predictions, then records
    finished = "abc"[: (moment - 1) // 2]
    assert "".join(store.list_keys()) == finished
    assert store.read_records().column("reason").to_pylist() == list(finished)
    assert list(tmp_path.glob(".writing-*"))
    assert store.sweep() == 1
    assert not list(tmp_path.glob(".writing-*"))


def test_sweeping_spares_writers_that_live(tmp_path):
    store = Store.open(tmp_path)
    living = tmp_path / f".writing-{os.getppid()}-records-k.parquet"
    living.write_bytes(b"")
    assert store.sweep() == 0
    assert living.exists()


@pytest.mark.parametrize(
    ("statuses", "retry", "stored"),
    [
        (["ok", "failed"], [], True),
        (["ok", "failed"], ["timeout"], True),
        (["ok", "failed"], ["failed"], False),
        (["ok", "infrastructure"], [], False),
    ],
)
def test_what_counts_as_stored(tmp_path, statuses, retry, stored):
    store = Store.open(tmp_path)
    store.write_group("k", [row(i, s) for i, s in enumerate(statuses)], [None] * len(statuses))
    assert store.read_index().is_stored("k", retry) is stored
    assert not store.read_index().is_stored("other")


def test_a_newer_group_takes_over_its_cells(tmp_path):
    store = Store.open(tmp_path)
    old = [row(i, reason="old") for i in range(3)]
    store.write_group("old", old, [answers(i) for i in range(3)])
    index = store.read_index()
    new = [row(1, reason="new"), row(9, reason="new")]
    store.write_group("new", new, [answers(1), answers(9)])
    store.supersede("new", new, index)
    table = store.read_records().to_pydict()
    assert sorted(zip(table["seed"], table["reason"], strict=True)) == [
        (0, "old"),
        (1, "new"),
        (2, "old"),
        (9, "new"),
    ]
    assert not store.read_index().is_stored("old")
    assert store.read_index() == index
    (rest,) = set(store.list_keys()) - {"new"}
    assert [p.reward[0] for p in store.read_predictions(rest, 2)] == [0, 2]
    assert (tmp_path / "superseded" / "records-old.parquet").exists()


def test_stores_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        Store.open(tmp_path / "file")
    with pytest.raises(UsageError, match="there is no store"):
        Store.existing(tmp_path / "absent")
