"""Damaged files of a store: each is named and set aside, its cells run again, and no reader trusts it."""

from __future__ import annotations

import shutil
from collections import Counter
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_bench import FakeBench
from test_run import plan_of

from benchmark.cli.main import invoke
from benchmark.contract import make_rng
from benchmark.contract.errors import DamagedFile
from benchmark.contract.records import list_plans, read_records
from benchmark.runs.engines.base import run_inline
from benchmark.runs.execute import execute, select_groups
from benchmark.runs.store import Store

PLAN = plan_of("a", "b")


def flip(data: bytes, bits: int = 2) -> bytes:
    changed, rng = bytearray(data), make_rng("flip")
    for place in rng.choice(len(data), bits, replace=False):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def foreign_table(path) -> None:
    pq.write_table(pa.table({"text": ["a table of somebody else"]}), path)


DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "random": lambda path: path.write_bytes(make_rng("noise").bytes(path.stat().st_size)),
    "flipped": lambda path: path.write_bytes(flip(path.read_bytes())),
    "foreign": foreign_table,
    "text": lambda path: path.write_text("not what you think"),
}
MISSING = {"missing": lambda path: path.unlink()}


@pytest.fixture
def diary(tmp_path):
    folder = tmp_path / "diary"
    folder.mkdir()
    return folder


def run(store, diary, plan=PLAN):
    return execute(plan, store, partial(run_inline, factory=partial(FakeBench, diary)))


def begun(diary):
    return Counter(path.stem for path in diary.iterdir())


def frame_of(store) -> pd.DataFrame:
    order = ["method", "scenario", "seed"]
    return store.read_records().to_pandas().sort_values(order, ignore_index=True)


@pytest.mark.parametrize(
    ("kind", "damage"),
    [("records", name) for name in DAMAGES] + [("predictions", name) for name in {**DAMAGES, **MISSING}],
)
def test_a_damaged_file_is_named_set_aside_and_measured_again(tmp_path, diary, kind, damage):
    store = Store.open(tmp_path / "store")
    run(store, diary)
    before, times = frame_of(store), begun(diary)
    victim = sorted(store.folder.glob(f"{kind}-*"))[1]
    harm = {**DAMAGES, **MISSING}[damage]
    harm(victim)

    index = store.read_index()
    (problem,) = index.damaged.values()
    assert victim.name in problem.what
    (lost,) = select_groups(PLAN, index)
    if kind == "records":
        with pytest.raises(DamagedFile, match=victim.name):
            read_records(store.folder)
    if damage != "missing":
        broken = victim.read_bytes()

    summary = run(store, diary)
    assert summary.ran == len(lost.cells)
    again = begun(diary) - times
    assert set(again) == {f"{lost.entrant.name}-{c.scenario.family}-{c.seed}" for c in lost.cells}
    pd.testing.assert_frame_equal(frame_of(store), before)
    assert not store.read_index().damaged
    kept = store.folder / "damaged"
    assert {path.parent for path in summary.set_aside} == {kept}
    if damage != "missing":
        assert (kept / victim.name).read_bytes() == broken
    assert run(store, diary).ran == 0


def test_every_flipped_byte_is_noticed(tmp_path):
    store = Store.open(tmp_path)
    store.write_group("k", [dict.fromkeys(("suite", "method"), "x") | {"seed": 1, "status": "ok"}], [None])
    (path,) = tmp_path.glob("records-*")
    whole = path.read_bytes()
    for place in [*range(0, len(whole), 41), *range(len(whole) - 700, len(whole))]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with pytest.raises(DamagedFile):
            store.read_rows("k")


def test_a_file_damaged_twice_is_kept_twice(tmp_path, diary):
    store = Store.open(tmp_path / "store")
    run(store, diary)
    victim = sorted(store.folder.glob("records-*"))[0]
    for content in ("first", "second"):
        victim.write_text(content)
        run(store, diary)
    kept = [store.folder / "damaged" / name for name in (victim.name, f"1-{victim.name}")]
    assert [path.read_text() for path in kept] == ["first", "second"]


def test_another_groups_records_under_a_name_are_not_taken_for_its_own(tmp_path, diary):
    store = Store.open(tmp_path / "store")
    run(store, diary)
    before = frame_of(store)
    first, second, *_ = (sorted(store.folder.glob(f"{kind}-*"))[:2] for kind in ("records", "predictions"))
    for source, target in (first, second):
        shutil.copyfile(source, target)
    assert len(select_groups(PLAN, store.read_index())) == 1
    assert run(store, diary).ran > 0
    pd.testing.assert_frame_equal(frame_of(store), before)


def test_a_damaged_plan_is_set_aside_and_written_again(tmp_path, diary):
    store = Store.open(tmp_path / "store")
    store.write_expected(PLAN)
    (path,) = list_plans(store.folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    run(store, diary)
    store.write_expected(PLAN)
    assert path.read_bytes() == whole
    assert (store.folder / "damaged" / path.name).read_bytes() == whole[:40]


def test_answers_of_a_group_that_is_stored_again_fit_at_every_moment(tmp_path, monkeypatch):
    """Whatever file was written last when a run was killed, old or new answers belong to the records."""
    import benchmark.runs.store as module

    store = Store.open(tmp_path)
    row = {"suite": "x", "seed": 1, "status": "infrastructure"}
    store.write_group("k", [row], [None])

    def check(write):
        def written(*arguments):
            write(*arguments)
            assert not store.read_index().damaged

        return written

    monkeypatch.setattr(module, "write_whole", check(module.write_whole))
    monkeypatch.setattr(module.files, "write_records", check(module.files.write_records))
    from benchmark.contract import Predictions

    store.write_group("k", [row | {"status": "ok"}], [Predictions(np.ones(2))])
    assert store.read_index().statuses["k"] == ["ok"]


# -- verbs --------------------------------------------------------------------
@pytest.fixture(scope="module")
def small_store(tmp_path_factory):
    import benchmark

    folder = tmp_path_factory.mktemp("small") / "store"
    benchmark.run_suite("quick", folder, methods=["naive"], scenarios=["null[n=100]"], seeds=1, workers=0)
    return folder


VERBS = {
    "leaderboard": lambda store, other: ["leaderboard", "build", "--store", store],
    "compare": lambda store, other: ["compare", other, store],
    "claims": lambda store, other: ["claims", "--store", store],
    "score": lambda store, other: ["score", "--store", store],
}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_verbs_that_read_name_the_file_and_say_what_to_do(verb, small_store, tmp_path, capsys):
    store = tmp_path / "store"
    shutil.copytree(small_store, store)
    victim = sorted(store.glob("records-*"))[0]
    victim.write_bytes(flip(victim.read_bytes()))
    assert invoke([str(word) for word in VERBS[verb](store, small_store)]) == 5
    said = capsys.readouterr().err
    assert victim.name in said
    assert "run the suite" in said
    assert "unexpected" not in said


def test_run_says_what_it_set_aside(small_store, tmp_path, capsys):
    store = tmp_path / "store"
    shutil.copytree(small_store, store)
    victim = sorted(store.glob("predictions-*"))[0]
    victim.unlink()
    arguments = ["run", "--store", store, "--method", "naive", "--scenario", "null[n=100]", "--seeds", "1"]
    arguments = [str(word) for word in [*arguments, "--workers", "0", "--device", "cpu"]]
    assert invoke([*arguments, "--dry-run"]) == 0
    assert victim.name in capsys.readouterr().err
    assert not (store / "damaged").exists()
    assert invoke(arguments) == 0
    assert "set aside" in capsys.readouterr().err
    assert victim.exists()


def test_a_store_that_cannot_be_written_to_serves_a_run_with_nothing_to_do(
    small_store, tmp_path, monkeypatch
):
    import benchmark

    store = tmp_path / "store"
    shutil.copytree(small_store, store)
    before = {path: path.stat().st_mtime_ns for path in store.iterdir()}

    def refuse(*_):
        raise AssertionError("the store was opened for writing")

    monkeypatch.setattr(Store, "open", refuse)
    summary = benchmark.run_suite(
        "quick", store, methods=["naive"], scenarios=["null[n=100]"], seeds=1, workers=0
    )
    assert (summary.ran, summary.statuses) == (0, {"ok": summary.planned})
    assert {path: path.stat().st_mtime_ns for path in store.iterdir()} == before
