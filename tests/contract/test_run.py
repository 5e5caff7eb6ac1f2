"""Running plans: nothing twice, nothing lost, and every way a cell can end."""

import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from fake_bench import FakeBench

import benchmark
from benchmark.contract import (
    ContractError,
    Incompatible,
    InfrastructureError,
    UsageError,
)
from benchmark.contract.records import status_of
from benchmark.runs.engines.base import run_inline
from benchmark.runs.engines.local import THREAD_CAPS, environment, run_local
from benchmark.runs.engines.work import Kept
from benchmark.runs.entrants import Entrant
from benchmark.runs.execute import execute, select_groups
from benchmark.runs.plan import make_plan
from benchmark.runs.store import Store
from benchmark.tasks.suite import check_suite


def plan_of(*names, seeds=3):
    product = {"scenarios": ["null", "observed"]}
    suite = check_suite(
        {"name": "t", "version": "1", "n": 10, "seeds": seeds, "group_size": 4, "cells": [product]}
    )
    return make_plan(suite, [Entrant(name, fingerprint=name) for name in names])


@pytest.fixture
def diary(tmp_path):
    folder = tmp_path / "diary"
    folder.mkdir()
    return folder


def begun(diary):
    return Counter(path.stem for path in diary.iterdir())


def run(plan, store, diary, engine=run_inline, **options):
    return execute(plan, store, partial(engine, factory=partial(FakeBench, diary)), **options)


def test_resuming_runs_nothing_twice(tmp_path, diary):
    plan, store = plan_of("a", "refuses"), Store.open(tmp_path / "store")
    first = run(plan.shard("1/2"), store, diary)
    assert 0 < first.ran < plan.n_cells
    second = run(plan, store, diary)
    assert (second.ran, second.skipped) == (plan.n_cells - first.ran, first.ran)
    third = run(plan, store, diary)
    assert (third.ran, third.skipped) == (0, plan.n_cells)
    assert set(begun(diary).values()) == {1}
    table = store.read_records()
    assert table.num_rows == plan.n_cells
    assert Counter(table.column("status").to_pylist()) == {"ok": 10, "incompatible": 2}


def test_only_asked_statuses_run_again_and_the_rest_is_kept(tmp_path, diary):
    plan, store = plan_of("refuses"), Store.open(tmp_path / "store")
    run(plan, store, diary)
    before = store.read_records()
    assert not select_groups(plan, store.read_index(), ["failed"])
    again = run(plan, store, diary, retry=["incompatible"])
    assert again.ran > 0
    assert store.read_records().to_pandas().equals(before.to_pandas())
    with pytest.raises(UsageError, match="did you mean 'timeout'"):
        select_groups(plan, store.read_index(), ["timout"])


def test_interrupted_runs_keep_what_was_finished(tmp_path, diary):
    plan, store = plan_of("a", "b", "c"), Store.open(tmp_path / "store")
    stop = {"after": 2}

    def stopping(group, statuses):
        stop["after"] -= 1
        if not stop["after"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(plan, store, diary, on_group=stopping)
    assert len(store.list_keys()) == 2
    run(plan, store, diary)
    assert set(begun(diary).values()) == {1}
    assert store.read_records().num_rows == plan.n_cells


def test_local_workers_give_what_this_process_gives(tmp_path, diary):
    plan = plan_of("a", "b", "refuses")
    here, there = Store.open(tmp_path / "here"), Store.open(tmp_path / "there")
    run(plan, here, diary)
    run(plan, there, diary, partial(run_local, workers=2))
    assert here.list_keys() == there.list_keys()
    assert here.read_records().to_pandas().equals(there.read_records().to_pandas())


def test_a_cell_that_takes_too_long_costs_itself_alone(tmp_path, diary):
    plan, store = plan_of("a", "hangs"), Store.open(tmp_path / "store")
    run(plan, store, diary, partial(run_local, workers=2, seconds_per_cell=5.0))
    table = store.read_records().to_pydict()
    ended = {
        (m, f, s): x
        for m, f, s, x in zip(*(table[k] for k in ("method", "family", "seed", "status")), strict=True)
    }
    assert {cell for cell, status in ended.items() if status == "timeout"} == {
        ("hangs", "null", 1),
        ("hangs", "observed", 1),
    }
    assert set(ended.values()) == {"ok", "timeout"}
    assert set(begun(diary).values()) == {1}


def test_dead_workers_are_replaced_and_their_cells_retried_twice(tmp_path, diary):
    plan, store = plan_of("dies", "dies-once"), Store.open(tmp_path / "store")
    run(plan, store, diary, partial(run_local, workers=2))
    table = store.read_records().to_pydict()
    ended = Counter(zip(table["method"], table["seed"], table["status"], strict=True))
    assert ended["dies", 1, "infrastructure"] == 2
    assert ended["dies-once", 1, "ok"] == 2
    assert sum(ended.values()) == plan.n_cells
    times = begun(diary)
    assert times["dies-null-1"] == 3
    assert times["dies-once-null-1"] == 2
    assert times["dies-null-0"] == 1
    # infrastructure is not final: the next run tries those cells again
    assert {g.entrant.name for g in select_groups(plan, store.read_index())} == {"dies"}


def broken_factory():
    raise RuntimeError("cannot start")


def test_workers_that_never_start_end_the_run_as_infrastructure(tmp_path):
    plan, store = plan_of("a", seeds=1), Store.open(tmp_path / "store")
    summary = execute(plan, store, partial(run_local, factory=broken_factory, workers=1, retries=1))
    assert (summary.ran, summary.statuses) == (plan.n_cells, {"infrastructure": plan.n_cells})


def test_workers_are_told_to_use_one_thread(monkeypatch):
    import os

    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with environment(THREAD_CAPS):
        assert {os.environ[name] for name in THREAD_CAPS} == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Incompatible("needs z"), "failed"),
        (ContractError("NaN"), "invalid"),
        (InfrastructureError("disk"), "infrastructure"),
        (UsageError("bad column"), "failed"),
        (MemoryError(), "memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "memory"),
        (ZeroDivisionError("x"), "failed"),
    ],
)
def test_failures_have_a_status(error, status):
    assert status_of(error)[0] == status


KILLED = """
import sys
from functools import partial
from pathlib import Path

from benchmark.runs.engines.local import run_local
from benchmark.runs.execute import execute
from benchmark.runs.store import Store
from fake_bench import FakeBench
from test_run import plan_of

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    engine = partial(run_local, factory=partial(FakeBench, folder / "diary"), workers=2)
    execute(plan_of("a", "hangs"), Store.open(folder / "store"), engine)
"""


def test_kill_9_loses_only_groups_in_flight_and_leaves_no_worker(tmp_path, diary):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], env={**os.environ, "PYTHONPATH": path}
    )
    hanging = diary / "hangs-null-1.0"
    try:
        wait_for(lambda: hanging.exists() and hanging.read_text() and (tmp_path / "store").exists())
        wait_for(lambda: len(Store.open(tmp_path / "store").list_keys()) >= 1)
    finally:
        process.kill()
        process.wait()
    if sys.platform == "linux":
        wait_for(lambda: not is_running(int(hanging.read_text())))
    plan, store = plan_of("a", "hangs"), Store.open(tmp_path / "store")
    finished = {cell_name(g, c) for g in plan.groups if store.read_index().is_stored(g.key) for c in g.cells}
    assert finished
    missing = select_groups(plan, store.read_index())
    assert any(group.entrant.name == "hangs" for group in missing)
    before = begun(diary)
    run(replace(plan, groups=tuple(g for g in plan.groups if g.entrant.name == "a")), store, diary)
    after = begun(diary)
    assert {name for name in after if after[name] > before[name]}.isdisjoint(finished)
    assert store.read_records().num_rows >= 6


def cell_name(group, cell):
    return f"{group.entrant.name}-{cell.scenario.family}-{cell.seed}"


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


MEMORY = """
import numpy as np
from benchmark.contract.records import status_of
from benchmark.runs.engines.work import Setting, open_bench
from benchmark.tasks.suite import load_suite

open_bench(Setting(load_suite("quick"), memory_mb=1500))
np.ones(50 * 2**17)
try:
    np.ones(3000 * 2**17)
except MemoryError as error:
    print(status_of(error)[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is the kernel's")
def test_a_worker_that_allocates_too_much_ends_with_status_memory():
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "memory", done.stderr


def test_unknown_engines_and_negative_workers():
    with pytest.raises(UsageError, match="did you mean 'local'"):
        benchmark.plan("quick", engine="lokal")
    with pytest.raises(UsageError, match="negative"):
        benchmark.plan("quick", workers=-1)


def test_kept_values_are_the_latest_used():
    made, kept = [], Kept(2)
    for key in "abacb":
        kept.get(key, lambda key=key: made.append(key) or key)
    # a, b, (a again), c drops b, so b is made again
    assert made == ["a", "b", "c", "b"]
