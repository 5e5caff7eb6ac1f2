"""A process and everything it started, read from ``/proc``."""

from __future__ import annotations

import os
from collections.abc import Iterator

PAGE = os.sysconf("SC_PAGE_SIZE")


def measure_tree(pid: int) -> tuple[int, int]:
    """Processes in the tree below (and with) a process, and the bytes of memory they hold.

    Returns:
        (number of processes, resident bytes); processes that vanish meanwhile count for nothing.
    """
    processes = resident = 0
    for member in _members(pid):
        try:
            with open(f"/proc/{member}/statm") as file:
                resident += int(file.read().split()[1]) * PAGE
            processes += 1
        except (OSError, IndexError, ValueError):
            continue
    return processes, resident


def _members(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        member = waiting.pop()
        yield member
        try:
            threads = os.listdir(f"/proc/{member}/task")
        except OSError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{member}/task/{thread}/children") as file:
                    waiting += [int(child) for child in file.read().split()]
            except (OSError, ValueError):
                continue
