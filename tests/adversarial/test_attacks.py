"""Hostile submissions: each ends as it should, and nothing outside is touched.

An attack that finds what it looks for raises an error that says "leak". Where the same
file succeeds without a wall, that is shown too, so that the attack is known to be real.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import simulators
from benchmark.sandbox.inside.runner import load_method
from benchmark.sandbox.outside import CellResult, Sandbox, Task

SUBMISSIONS = Path(__file__).parent / "submissions"
REPOSITORY = Path(simulators.__file__).parent.parent
TOKEN = "confounded-world-canary-5c1f"
HONEST = ("ok", "")

# File: how it must end, and a part of the reason that shows it ended for the right cause.
EXPECTED = {
    "imports_simulators": ("failed", "No module named 'simulators'"),
    "imports_scorer": HONEST,
    "reads_truth": HONEST,
    "connects": HONEST,
    "forks": ("failed", "not permitted"),
    "leaves_child": ("failed", "not permitted"),
    "writes_late": HONEST,
    "bombs_memory": ("memory", ""),
    "bombs_shared_memory": ("memory", "held more than"),
    "fills_disk": HONEST,
    "answers_nan": ("invalid", "finite"),
    "answers_infinity": ("invalid", "finite"),
    "answers_wrong_shape": ("invalid", "shape"),
    "answers_objects": ("invalid", "numbers"),
    "prints_success": ("failed", "on purpose"),
    "claims_broken_machine": ("invalid", "unknown status"),
    "claims_truth": ("invalid", "unexpected message"),
    "sends_pickle": ("invalid", "plain set of arrays"),
    "sends_lie_about_size": ("invalid", "plain set of arrays"),
    "sends_bomb": ("invalid", "plain set of arrays"),
    "sends_too_much": ("invalid", "too large"),
    "links_outside": HONEST,
    "patches_libraries": ("invalid", ""),
    "scans_memory": HONEST,
    "scans_environment": HONEST,
    "mutates_log": HONEST,
    "exits_quietly": ("failed", "exit status 0 and no answer"),
    "kills_itself": ("failed", "no answer"),
    "kills_others": HONEST,
    "nests_namespaces": HONEST,
    "signals_neighbours": HONEST,
    "raises_limits": HONEST,
    "shadows_modules": HONEST,
    "writes_proc": HONEST,
    "reads_paths": HONEST,
    "holds_shared_pages": ("memory", ""),
    "floods_files": ("failed", "files"),
    "floods_threads": ("failed", "thread"),
    "asks_page_cache": HONEST,
    "marks_devices": HONEST,
    "reads_queries": HONEST,
    "answers_twice": ("invalid", "unexpected message"),
}


@dataclass(frozen=True, eq=False)
class Outside:
    """Things outside the wall that an attack would like to reach."""

    folder: Path
    port: int

    def arm(self, name: str) -> bytes:
        """A submission that knows where everything is."""
        places = {
            "@SECRET_FILE@": str(self.folder / "truth.json"),
            "@STORE@": str(self.folder / "store"),
            "@REPOSITORY@": str(REPOSITORY),
            "@PORT@": str(self.port),
            "@PID@": str(os.getpid()),
            "@NEKOT@": TOKEN[::-1],
        }
        source = (SUBMISSIONS / f"{name}.py").read_text()
        for mark, place in places.items():
            source = source.replace(mark, place)
        return source.encode()

    def digest(self) -> str:
        """A digest of every file outside, names included."""
        whole = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            whole.update(str(path.relative_to(self.folder)).encode())
            whole.update(path.read_bytes() if path.is_file() else b"")
        return whole.hexdigest()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    (tmp_path / "truth.json").write_text('{"effects": {"bright": 1.0}}')
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "records-of-others.parquet").write_bytes(b"rows of others")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        subprocess.Popen(["sleep", "600"], env={"SECRET": TOKEN}) as neighbour,
    ):
        yield Outside(tmp_path, server.getsockname()[1])
        neighbour.kill()


def test_every_submission_is_expected_to_end_somehow() -> None:
    assert {path.stem for path in SUBMISSIONS.glob("*.py")} == set(EXPECTED) | {"loops_forever"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_attack(name: str, sandbox: Sandbox, task: Task, outside: Outside) -> None:
    before, log_before = outside.digest(), task.log.table
    result = sandbox.fit(outside.arm(name), task)
    status, reason = EXPECTED[name]
    assert result.status == status, result.reason
    assert reason in result.reason
    assert outside.digest() == before
    assert task.log.table.equals(log_before)
    if status == "ok":
        assert result.predictions is not None
        np.testing.assert_array_equal(result.predictions.reward, [len(text) for text in task.queries.texts])
    else:
        assert result.predictions is None


def test_endless_loop_is_a_timeout(quick: Sandbox, task: Task, outside: Outside) -> None:
    result = quick.fit(outside.arm("loops_forever"), task)
    assert result.status == "timeout"
    assert result.seconds < quick.limits.wall_s + 10  # 10 s: the grace given to dying processes


def test_processor_time_is_limited_too(sandbox: Sandbox, task: Task, outside: Outside) -> None:
    frugal = replace(sandbox, limits=replace(sandbox.limits, cpu_s=1))
    source = outside.arm("loops_forever").replace(b", signal.SIGXCPU)", b")")
    result = frugal.fit(source, task)
    assert result.status == "timeout"
    assert "processor" in result.reason


@pytest.mark.parametrize("name", ["connects", "reads_truth", "scans_environment", "signals_neighbours"])
def test_attack_works_without_the_wall(
    name: str, open_room: Sandbox, task: Task, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = open_room.fit(outside.arm(name).replace(b"/opt/bench", str(REPOSITORY).encode()), task)
    assert result.status == "failed"
    assert "leak" in result.reason


def test_memory_scan_finds_what_is_in_its_process(task: Task, outside: Outside) -> None:
    held = {"scenario": TOKEN}
    path = outside.folder / "scan.py"
    path.write_bytes(outside.arm("scans_memory"))
    with pytest.raises(RuntimeError, match="leak"):
        load_method(path).fit(task.log, None)  # type: ignore[arg-type]
    assert held


def test_nothing_is_left_running(sandbox: Sandbox, task: Task, outside: Outside) -> None:
    before = _children()
    for name in ("leaves_child", "writes_late", "kills_itself"):
        sandbox.fit(outside.arm(name), task)
    assert _children() == before


def test_cells_start_afresh(sandbox: Sandbox, task: Task) -> None:
    source = (SUBMISSIONS / "shadows_modules.py").read_text()
    source = source.replace(
        "class Attack:", "import os\nassert not os.listdir('/tmp/empty')\n\n\nclass Attack:"
    )
    results = [sandbox.fit(source.encode(), task) for _ in range(2)]
    assert [result.status for result in results] == ["ok", "ok"]


def test_reasons_are_printable_and_short(sandbox: Sandbox, task: Task) -> None:
    source = b"""
import os, sys
sys.stderr.write("\\x1b[2J\\x00" + "x" * 100000 + "END")
sys.stderr.flush()
os._exit(3)
"""
    result: CellResult = sandbox.fit(source, task)
    assert result.status == "failed"
    assert result.reason.isprintable()
    assert result.reason.endswith("END")
    assert len(result.reason) <= 500


def _children() -> set[str]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return set(file.read().split())
