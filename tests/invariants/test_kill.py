"""A run that is killed again and again ends with the same board, and never runs a stored group twice.

``CONFOUNDBENCH_KILLS=30 python -m pytest tests/invariants/test_kill.py`` kills more often than usual.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmark.contract import make_rng
from benchmark.contract.files import TEMPORARY
from leaderboard import build_board

SCRIPT = Path(__file__).with_name("killable_run.py")
KILLS, PATIENCE_S = int(os.environ.get("CONFOUNDBENCH_KILLS", "3")), 120.0
RECORDS, PREDICTIONS = "records-", "predictions-"
SEEDS = 2 + KILLS // 6
VICTIMS = ("group", "main", "worker")
SUITE = """
name = "killed"
version = "1"
n = 400
seeds = SEEDS
group_size = 1
[queries]
pairs = 64
contrasts = 4
pool = 16
samples = 2
[[cells]]
scenarios = ["observed[strength=1]", "hidden"]
methods = ["covariate-regression", "residual-marginal", "residual-partial-out", "canary-constant"]
""".replace("SEEDS", str(SEEDS))
GROUPS = 6 * 2 * SEEDS  # naive and ceiling join; two scenarios

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds worker processes in /proc"),
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


def wait_for_groups(run: subprocess.Popen, store: Path, groups: int) -> None:
    """Wait until a run has stored some more groups, or has ended."""
    wanted = len(list(store.glob(f"{RECORDS}*"))) + groups
    until = time.monotonic() + PATIENCE_S
    while run.poll() is None and len(list(store.glob(f"{RECORDS}*"))) < wanted:
        assert time.monotonic() < until, "the run stands still"
        time.sleep(0.002)


def list_workers(run: subprocess.Popen) -> list[int]:
    """The worker processes of a run."""
    found = []
    for task in Path(f"/proc/{run.pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def strike(run: subprocess.Popen, victim: str, rng: np.random.Generator) -> bool:
    """Kill a run, all of its processes or one of its workers; returns whether there was something to kill."""
    if run.poll() is not None:
        return False
    if victim == "worker":
        workers = list_workers(run)
        if workers:
            os.kill(int(rng.choice(workers)), signal.SIGKILL)
        return bool(workers)
    (os.killpg if victim == "group" else os.kill)(run.pid, signal.SIGKILL)
    run.wait()
    assert run.stderr is not None
    run.stderr.close()
    return True


def harm_one_of_each(store: Path) -> set[str]:
    """Damage a file in every way, and one of every kind; returns the keys of the groups that this hits."""
    keys = sorted(
        path.name.removeprefix(RECORDS).removesuffix(".parquet") for path in store.glob(f"{RECORDS}*")
    )
    hit = iter(keys)
    for kind, ending in ((RECORDS, "parquet"), (PREDICTIONS, "npz")):
        for harm in (
            lambda path: path.write_bytes(path.read_bytes()[:-100]),
            lambda path: path.write_bytes(bytes(path.stat().st_size)),
            lambda path: path.write_bytes(path.read_bytes()[:500] + b"!" + path.read_bytes()[501:]),
            lambda path: path.write_text("of somebody else"),
        ):
            harm(store / f"{kind}{next(hit)}.{ending}")
    (store / f"{PREDICTIONS}{next(hit)}.npz").unlink()
    next(store.glob("plan-*")).write_text('{"suite":')
    (store / "run.json").write_bytes(b"")
    return set(keys) - set(hit)


def board_bytes(store: Path, out: Path) -> dict[str, bytes]:
    """Every file of a store's board but those of run times."""
    board = build_board(store, out)
    return {name: (out / name).read_bytes() for name in board.files if not name.startswith("timings")}


def test_killed_runs_end_with_the_same_board(tmp_path: Path) -> None:
    (tmp_path / "killed.toml").write_text(SUITE)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(tmp_path, whole))
    expected = board_bytes(whole, tmp_path / "before")
    rng, seen, kills = make_rng("kill"), {}, dict.fromkeys(VICTIMS, 0)
    broken.mkdir()
    run = start(tmp_path, broken)
    while sum(kills.values()) < KILLS:
        if run.poll() is not None:
            run = start(tmp_path, broken)
        # From before the first group to some groups on, and anywhere within the writing of a group.
        wait_for_groups(run, broken, int(rng.integers(0, 3)))
        time.sleep(float(rng.uniform(0.0, 0.1)))
        victim = VICTIMS[sum(kills.values()) % len(VICTIMS)]
        if not strike(run, victim, rng):
            victim = "group"  # no worker has started yet, or all groups are stored
            assert strike(run, victim, rng), "every kill must interrupt something"
        kills[victim] += 1
        found = stored(broken)
        assert seen.items() <= found.items(), "a stored group was lost or ran again"
        seen = found
    strike(run, "group", rng)
    assert min(kills.values()) > 0
    assert 0 < len(stored(broken)) < 2 * GROUPS, "something must be kept, and something be left to do"
    finish(start(tmp_path, broken))
    final = stored(broken)
    assert seen.items() <= final.items(), "a stored group ran again"
    assert len(final) == 2 * GROUPS
    assert not list(broken.glob(f"{TEMPORARY}*"))
    assert board_bytes(broken, tmp_path / "after") == expected

    hit = harm_one_of_each(broken)
    finish(start(tmp_path, broken))
    mended = stored(broken)
    assert {name for name in final if mended[name] == final[name]} == {
        name for name in final if not any(key in name for key in hit)
    }, "what was damaged runs again, and nothing else"
    assert board_bytes(broken, tmp_path / "mended") == expected
