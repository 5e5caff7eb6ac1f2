"""A run that is killed again and again ends with the same board, and never runs a stored group twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.contract import make_rng
from benchmark.contract.files import TEMPORARY
from leaderboard import build_board

SCRIPT = Path(__file__).with_name("killable_run.py")
KILLS, PATIENCE_S = 10, 120.0
RECORDS, PREDICTIONS = "records-", "predictions-"
SUITE = """
name = "killed"
version = "1"
n = 400
seeds = 2
group_size = 1
[queries]
pairs = 64
contrasts = 4
pool = 16
samples = 2
[[cells]]
scenarios = ["observed[strength=1]", "hidden"]
methods = ["covariate-regression", "residual-marginal", "residual-partial-out", "canary-constant"]
"""
GROUPS = 6 * 2 * 2  # naive and ceiling join; two scenarios, two seeds

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups"),
]


def start(folder: Path, store: Path) -> subprocess.Popen:
    """A run in a process group of its own."""
    arguments = [
        "run",
        "--suite",
        folder / "killed.toml",
        "--store",
        store,
        "--workers",
        2,
        "--device",
        "cpu",
    ]
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, arguments), "--json"],
        env=os.environ | {"CONFOUNDBENCH_BUILD": str(folder / "build")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(run: subprocess.Popen) -> None:
    """Let a run come to its end."""
    _, said = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, said.decode()


def stored(store: Path) -> dict[str, tuple[int, int]]:
    """Which files of finished groups there are: inode and time of writing tell a file from its successor."""
    found = {}
    for path in store.glob(f"{RECORDS}*.parquet"):
        answers = path.with_name(path.name.replace(RECORDS, PREDICTIONS).replace(".parquet", ".npz"))
        assert answers.exists(), "records without predictions"
        found |= {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in (path, answers)}
    return found


def kill_after(run: subprocess.Popen, store: Path, groups: int, seconds: float) -> bool:
    """Kill a run, workers and all, once it has stored some more groups and then some seconds later."""
    wanted = len(list(store.glob(f"{RECORDS}*"))) + groups
    until = time.monotonic() + PATIENCE_S
    while run.poll() is None and len(list(store.glob(f"{RECORDS}*"))) < wanted:
        assert time.monotonic() < until, "the run stands still"
        time.sleep(0.002)
    time.sleep(seconds)
    killed = run.poll() is None
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert run.stderr is not None
    run.stderr.close()
    return killed


def board_bytes(store: Path, out: Path) -> dict[str, bytes]:
    """Every file of a store's board but those of run times."""
    board = build_board(store, out)
    return {name: (out / name).read_bytes() for name in board.files if not name.startswith("timings")}


def test_killed_runs_end_with_the_same_board(tmp_path: Path) -> None:
    (tmp_path / "killed.toml").write_text(SUITE)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(tmp_path, whole))
    rng, seen, killed = make_rng("kill"), {}, 0
    broken.mkdir()
    for _ in range(KILLS):
        # From before the first group to some groups on, and anywhere within the writing of a group.
        groups, seconds = int(rng.integers(0, 3)), float(rng.uniform(0.0, 0.1))
        killed += kill_after(start(tmp_path, broken), broken, groups, seconds)
        found = stored(broken)
        assert seen.items() <= found.items(), "a stored group was lost or ran again"
        seen = found
    assert killed == KILLS
    assert 0 < len(seen) < 2 * GROUPS, "every kill must interrupt something, and something must be kept"
    finish(start(tmp_path, broken))
    final = stored(broken)
    assert seen.items() <= final.items(), "a stored group ran again"
    assert len(final) == 2 * GROUPS
    assert not list(broken.glob(f"{TEMPORARY}*"))
    assert board_bytes(broken, tmp_path / "after") == board_bytes(whole, tmp_path / "before")
