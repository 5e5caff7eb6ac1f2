"""A control group for each cell, where this process may make one: the kernel then counts all of its memory.

Limits of a process (``RLIMIT_AS``) count addresses, and the watch from outside counts resident pages now and
then; a control group counts every page that the cell causes to be held, kernel memory and scratch files
included, at every moment. This needs version 2 of control groups and a group in which this process may make
others, such as a user's session under systemd, or `systemd-run --user --scope -p Delegate=yes`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

MOUNT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
NAME = "confoundbench-"
GRACE_S = 2.0
SUPERVISORS = 8
# The command starts once this process has moved it into the group and said so.
GATE = 'read -r _ && exec "$@" < /dev/null'


@dataclass(frozen=True)
class Group:
    """The control group of one cell.

    Attributes:
        folder: Its folder.
    """

    folder: Path

    def start(self, command: list[str], **options: Any) -> subprocess.Popen:
        """Start a command in the group.

        Args:
            command: Program and arguments; its input is empty.
            **options: Further arguments of ``subprocess.Popen``.

        Raises:
            OSError: If it cannot be started or moved into the group.
        """
        gated = ["/bin/sh", "-c", GATE, "gate", *command]
        process = subprocess.Popen(gated, stdin=subprocess.PIPE, **options)
        assert process.stdin is not None
        try:
            (self.folder / "cgroup.procs").write_text(str(process.pid))
            process.stdin.write(b"\n")
        except OSError:
            process.kill()
            raise
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.stdin = None
        return process

    def ran_out(self) -> bool:
        """Whether the kernel ended processes of the group because it held too much memory."""
        with contextlib.suppress(OSError, ValueError):
            events = dict(line.split() for line in (self.folder / "memory.events").read_text().splitlines())
            return int(events.get("oom_kill", 0)) > 0
        return False


def find_parent(mount: Path = MOUNT, own: Path = OWN) -> Path | None:
    """The nearest group around this process that gives memory limits to the groups in it, if we may make one.

    Args:
        mount: Where control groups are mounted.
        own: The file that says which groups this process is in.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    here = next((line[3:] for line in lines if line.startswith("0::")), None)
    if here is None or not (mount / "cgroup.controllers").exists():
        return None
    group = mount / here.lstrip("/")
    for folder in (group, *group.parents):
        if not folder.is_relative_to(mount):
            break
        with contextlib.suppress(OSError):
            if "memory" in (folder / "cgroup.subtree_control").read_text().split():
                return folder if os.access(folder, os.W_OK) else None
    return None


@cache
def works() -> bool:
    """Whether a process can be started in a group of its own here, found by doing it once."""
    parent = find_parent()
    if parent is None:
        return False
    try:
        with make_group(1 << 28, 16, parent) as group:
            return group.start(["/bin/true"]).wait(10) == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextlib.contextmanager
def make_group(memory_bytes: int, threads: int, parent: Path) -> Iterator[Group]:
    """A group with limits; removed at the end, when all of its processes have ended.

    Args:
        memory_bytes: Most memory, files in memory and the kernel's own included.
        threads: Most threads, beside those of bubblewrap.
        parent: The group around it.
    """
    group = Group(parent / f"{NAME}{uuid.uuid4().hex}")
    group.folder.mkdir()
    try:
        limits = {"memory.max": memory_bytes, "memory.swap.max": 0, "memory.oom.group": 1}
        limits["pids.max"] = threads + SUPERVISORS
        for name, value in limits.items():
            if (group.folder / name).exists():
                (group.folder / name).write_text(str(value))
        yield group
    finally:
        _remove(group.folder)


def _remove(folder: Path) -> None:
    """Remove a group; the kernel takes a moment to see that its last process has ended."""
    until = time.monotonic() + GRACE_S
    while True:
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > until:
                return
            time.sleep(0.02)
