"""What a process and everything it started hold, read from ``/proc``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Held:
    """What a tree of processes holds.

    Attributes:
        threads: Threads of all of them.
        resident: Bytes of resident memory.
    """

    threads: int
    resident: int


def measure_tree(pid: int) -> Held:
    """What a process and everything below it hold; processes that vanish meanwhile count for nothing."""
    threads = resident = 0
    for member in list_members(pid):
        try:
            with open(f"/proc/{member}/statm") as file:
                resident += int(file.read().split()[1]) * PAGE
            threads += len(os.listdir(f"/proc/{member}/task"))
        except (OSError, IndexError, ValueError):
            continue
    return Held(threads, resident)


def count_files(pid: int, folders: tuple[str, ...]) -> int:
    """Files, links and folders on the file systems of some folders, as the processes of a tree see them.

    Limits on bytes do not bound empty files, each of which holds about a kilobyte of the kernel's memory.

    Args:
        pid: First process of a mount namespace; what runs in it is asked.
        folders: Places inside, each the root of a file system of its own.
    """
    counts = [_count(member, folders) for member in list_members(pid)]
    return max(counts, default=0)


def _count(pid: int, folders: tuple[str, ...]) -> int:
    try:
        found = [os.statvfs(f"/proc/{pid}/root{folder}") for folder in folders]
    except OSError:  # gone, or a process that may not be looked into; its children may
        return 0
    return sum(system.f_files - system.f_ffree for system in found)


def list_members(pid: int) -> Iterator[int]:
    """A process and everything it started, by number."""
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
