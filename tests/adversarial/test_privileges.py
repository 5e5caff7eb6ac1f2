"""Whose a cell's processes are, and the control group that counts its memory."""

from __future__ import annotations

import contextlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.sandbox.outside import Sandbox, Task, list_layers
from benchmark.sandbox.outside.cgroup import find_parent, make_group, works
from benchmark.sandbox.outside.privileges import NOBODY, choose_user, hand_over, is_open
from benchmark.sandbox.outside.probe import can_step_down
from benchmark.sandbox.outside.proctree import list_members

MIB = 1024 * 1024
SLEEPS = b"""
import time
from dataclasses import dataclass
from benchmark.contract import Tags


@dataclass(frozen=True)
class Sleeps:
    name: str = "sleeps"
    tags: Tags = Tags()

    def fit(self, log, harness):
        time.sleep(2)
        raise RuntimeError("awake")


METHOD = Sleeps()
"""


def owners_of_runners() -> set[int]:
    """Users of the processes that run submitted code below this one, as this side sees them."""
    found = set()
    for pid in list_members(os.getpid()):
        with contextlib.suppress(OSError):
            if b"sandbox.inside.runner" in Path(f"/proc/{pid}/cmdline").read_bytes():
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                found.update(int(line.split()[1]) for line in lines if line.startswith("Uid:"))
    return found


def test_files_are_open_only_if_the_way_to_them_is(tmp_path: Path) -> None:
    place = tmp_path / "folder" / "file"
    place.parent.mkdir(mode=0o755)
    place.write_text("")
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to(tmp_path.parents[1]):
            folder.chmod(folder.stat().st_mode | 0o055)
    if not is_open(place.parent.parent.parent.parent):
        pytest.skip("temporary folders lie in a private place")
    place.chmod(0o644)
    assert is_open(place)
    place.chmod(0o640)
    assert not is_open(place)
    place.chmod(0o644)
    place.parent.chmod(0o750)
    assert not is_open(place)
    assert not is_open(tmp_path / "absent")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give root up")
def test_root_steps_down_where_everything_shown_is_open(tmp_path: Path) -> None:
    assert choose_user(["/usr"]) == NOBODY
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "log").write_text("rows")
    assert choose_user(["/usr", private]) is None
    hand_over(private, NOBODY)
    assert {path.stat().st_uid for path in (private, private / "log")} == {NOBODY}


def test_the_layer_says_whether_a_cell_is_roots(sandbox: Sandbox, task: Task) -> None:
    """The backbone may lie where nobody can read it, so the cell goes without."""
    seen: set[int] = set()
    with ThreadPoolExecutor(1) as pool:
        fit = pool.submit(sandbox.fit, SLEEPS, replace(task, backbone=None))
        while not fit.done():
            seen |= owners_of_runners()
            time.sleep(0.1)
    assert fit.result().reason.startswith("RuntimeError: awake")
    expected = NOBODY if can_step_down() else os.geteuid()
    assert seen == {expected}
    assert ("unprivileged" in list_layers("bubblewrap")) is (expected != 0)
    assert "unprivileged" not in list_layers("none")


# -- control groups -----------------------------------------------------------
@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, Path]:
    """A tree like the kernel's: a session whose slice gives memory limits to what is in it."""
    mount, own = tmp_path / "cgroup", tmp_path / "own"
    session = mount / "user.slice" / "app.slice" / "session.scope"
    session.mkdir(parents=True)
    (mount / "cgroup.controllers").write_text("cpu memory pids\n")
    for folder, gives in (
        (mount, "memory pids"),
        (session.parent.parent, "memory"),
        (session.parent, "memory pids"),
    ):
        (folder / "cgroup.subtree_control").write_text(gives + "\n")
    (session / "cgroup.subtree_control").write_text("\n")
    own.write_text("1:name=systemd:/\n0::/user.slice/app.slice/session.scope\n")
    return mount, own


def test_the_nearest_group_that_gives_limits_is_found(tree: tuple[Path, Path]) -> None:
    mount, own = tree
    assert find_parent(mount, own) == mount / "user.slice" / "app.slice"
    (mount / "user.slice" / "app.slice" / "cgroup.subtree_control").write_text("cpu\n")
    assert find_parent(mount, own) == mount / "user.slice"


def test_without_version_2_there_is_no_group(tree: tuple[Path, Path], tmp_path: Path) -> None:
    mount, own = tree
    (mount / "cgroup.controllers").unlink()
    assert find_parent(mount, own) is None
    assert find_parent(mount, tmp_path / "absent") is None
    own.write_text("4:memory:/session\n")
    assert find_parent(mount, own) is None


def test_a_command_starts_once_it_is_in_its_group(tmp_path: Path) -> None:
    """In a folder that is no control group, the file of members is an ordinary one."""
    with make_group(256 * MIB, 16, tmp_path) as group:
        process = group.start(["/bin/cat", str(group.folder / "cgroup.procs")], stdout=-1)
        said, _ = process.communicate(timeout=10)
        assert int(said) == process.pid
        (group.folder / "memory.events").write_text("low 0\noom 2\noom_kill 1\n")
        assert group.ran_out()
        for file in group.folder.iterdir():
            file.unlink()
    assert not group.folder.exists()


def test_a_command_that_cannot_join_never_starts(tmp_path: Path) -> None:
    marker = tmp_path / "started"
    with make_group(256 * MIB, 16, tmp_path) as group:
        (group.folder / "cgroup.procs").mkdir()
        with pytest.raises(OSError, match="directory"):
            group.start(["/bin/touch", str(marker)])
        (group.folder / "cgroup.procs").rmdir()
    assert not marker.exists()


@pytest.mark.skipif(not works(), reason="no control group in which this process may make others")
def test_memory_of_every_kind_is_counted(sandbox: Sandbox, task: Task) -> None:
    source = (Path(__file__).parent / "submissions" / "holds_shared_pages.py").read_bytes()
    result = sandbox.fit(source, task)
    assert result.status == "memory", result.reason
    assert "memory-cgroup" in json.dumps(list_layers("bubblewrap"))
