"""Leases: two runs on one store share the work, and what a killed run held is taken over."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from functools import partial

import pytest
from fake_bench import FakeBench
from test_run import plan_of, wait_for

from benchmark.runs.engines.base import run_inline
from benchmark.runs.execute import execute
from benchmark.runs.leases import Leases
from benchmark.runs.store import Store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no such locks on this system")
NAMES = ("a", "b", "c", "d", "slow", "slow-too")
RUN = """
import sys
from functools import partial
from pathlib import Path
from benchmark.runs.engines.base import run_inline
from benchmark.runs.engines.local import run_local
from benchmark.runs.execute import execute
from benchmark.runs.store import Store
from fake_bench import FakeBench
from test_leases import NAMES
from test_run import plan_of

if __name__ == "__main__":
    folder, workers = Path(sys.argv[1]), int(sys.argv[2])
    factory = partial(FakeBench, folder / "diary")
    engine = partial(run_local, workers=workers) if workers else run_inline
    plan = plan_of(*NAMES)
    summary = execute(plan, Store.open(folder / "store"), partial(engine, factory=factory))
    print(summary.ran, summary.skipped, summary.complete)
"""
HOLD = """
import sys, time
from pathlib import Path
from benchmark.runs.leases import Leases
leases = Leases.of(Path(sys.argv[1]))
print(leases.claim("k"), flush=True)
time.sleep(60)
"""


def start(script, *arguments):
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    command = [sys.executable, str(script), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def begun(diary):
    return Counter(path.stem for path in diary.iterdir())


def test_a_lease_is_one_processs_and_ends_with_it(tmp_path):
    (tmp_path / "hold.py").write_text(HOLD)
    with start(tmp_path / "hold.py", tmp_path) as other, Leases.of(tmp_path) as ours:
        assert other.stdout.readline().strip() == "True"
        assert not ours.claim("k")
        assert ours.claim("another")
        other.kill()
        other.wait()
        assert ours.claim("k")


def test_a_lease_that_is_given_back_can_be_taken(tmp_path):
    (tmp_path / "hold.py").write_text(HOLD)
    with Leases.of(tmp_path) as ours:
        assert ours.claim("k")
        ours.release("k")
        with start(tmp_path / "hold.py", tmp_path) as other:
            assert other.stdout.readline().strip() == "True"
            other.kill()


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_two_runs_on_one_store_do_nothing_twice(tmp_path, workers):
    (tmp_path / "diary").mkdir()
    (tmp_path / "run.py").write_text(RUN)
    runs = [start(tmp_path / "run.py", tmp_path, workers) for _ in range(2)]
    said = [run.communicate(timeout=120)[0].split() for run in runs]
    plan = plan_of(*NAMES)
    assert [run.returncode for run in runs] == [0, 0]
    assert sum(int(ran) for ran, _, _ in said) == plan.n_cells
    assert {complete for *_, complete in said} == {"True"}
    assert set(begun(tmp_path / "diary").values()) == {1}
    assert Store(tmp_path / "store").read_records().num_rows == plan.n_cells


def test_the_groups_of_a_run_that_was_killed_are_taken_over(tmp_path):
    diary = tmp_path / "diary"
    diary.mkdir()
    (tmp_path / "run.py").write_text(RUN.replace("*NAMES", '"a", "hangs-once", "b", seeds=2'))
    first = start(tmp_path / "run.py", tmp_path, 0)
    wait_for(lambda: list(diary.glob("hangs-once-null-1.*")))
    second = start(tmp_path / "run.py", tmp_path, 0)
    wait_for(lambda: len(list(diary.glob("b-*"))) == 4)  # the second has run all that the first left it
    time.sleep(0.2)
    assert second.poll() is None, "it waits for the group that the first is working on"
    assert len(list(diary.glob("hangs-once-null-1.*"))) == 1
    first.kill()
    first.communicate()
    wait_for(lambda: len(list(diary.glob("hangs-once-null-1.*"))) == 2)
    assert set(begun(diary).values()) == {1, 2}, "only the group that was interrupted is begun again"
    second.kill()
    second.communicate()


def test_a_run_without_locks_goes_on(tmp_path, monkeypatch):
    (tmp_path / "diary").mkdir()
    store = Store.open(tmp_path / "store")
    monkeypatch.setattr(Leases, "of", lambda folder: Leases(None))
    plan = plan_of("a")
    assert execute(plan, store, partial(run_inline, factory=partial(FakeBench, tmp_path / "diary"))).complete
