"""Which isolation this machine offers; never a silent step down."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.contract import InfrastructureError, unknown_name
from benchmark.sandbox.outside import bubblewrap, cgroup, plain
from benchmark.sandbox.outside.layout import find_layout
from benchmark.sandbox.outside.limits import Limits
from benchmark.sandbox.outside.privileges import NOBODY, choose_user
from benchmark.sandbox.outside.seccomp import build_filter

ISOLATIONS = ("bubblewrap", "none")
APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
FIX_INSTALL = "pip install -e '.[sandbox]' in the clone, or install the system package bubblewrap"
FIX_APPARMOR = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
FIX_GENERAL = "allow unprivileged user namespaces on this machine, or run on Linux elsewhere"
BY_NAME = "to run code you trust without a wall, pass isolation 'none' (records are stamped with it)"


@dataclass(frozen=True)
class Probe:
    """What was found.

    Attributes:
        works: Whether bubblewrap can build its namespaces here.
        binary: Where it is, or None.
        problem: What went wrong, or empty.
        fix: What to do about it, or empty.
        seccomp: Whether a kernel filter is known for this machine.
    """

    works: bool
    binary: str | None
    problem: str = ""
    fix: str = ""
    seccomp: bool = False


@cache
def probe_bubblewrap() -> Probe:
    """Try bubblewrap once with the namespaces the sandbox needs."""
    binary = bubblewrap.find_bubblewrap()
    if binary is None:
        return Probe(False, None, "no bwrap binary was found", FIX_INSTALL)
    try:
        done = _try(binary)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Probe(False, binary, str(error), FIX_GENERAL)
    if done.returncode == 0:
        return Probe(True, binary, seccomp=build_filter() is not None)
    restricted = APPARMOR.exists() and APPARMOR.read_text().strip() == "1"
    return Probe(False, binary, done.stderr.strip()[-300:], FIX_APPARMOR if restricted else FIX_GENERAL)


def _try(binary: str, **options: Any) -> subprocess.CompletedProcess[str]:
    trial = [binary, "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"]
    trial += ["--cap-drop", "ALL", "--ro-bind", "/", "/", *bubblewrap.SYSTEM_FOLDERS, "--", binary]
    return subprocess.run(
        [*trial, "--version"], capture_output=True, text=True, timeout=20, check=False, **options
    )


@cache
def can_step_down() -> bool:
    """Whether root may start the sandbox as a user without rights here."""
    binary = bubblewrap.find_bubblewrap()
    if os.geteuid() != 0 or binary is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired, InfrastructureError):
        if choose_user([binary, *(outside for outside, _ in find_layout().binds)]) is None:
            return False
        return _try(binary, user=NOBODY, group=NOBODY, extra_groups=()).returncode == 0
    return False


def step_down(shown: Iterable[Path] = ()) -> int | None:
    """The user that a cell is started as, None for that of this process.

    Args:
        shown: What the cell is shown beside what every cell is.
    """
    return choose_user(shown) if can_step_down() else None


@contextlib.contextmanager
def hold_memory(limits: Limits) -> Iterator[cgroup.Group | None]:
    """A control group for one cell, None where there are none; its scratch files count as memory."""
    parent = cgroup.find_parent() if cgroup.works() else None
    if parent is None:
        yield None
        return
    most = limits.memory_bytes + len(bubblewrap.SCRATCH_FOLDERS) * limits.file_bytes
    with cgroup.make_group(most, limits.threads, parent) as group:
        yield group


def list_layers(isolation: str) -> tuple[str, ...]:
    """What an isolation enforces on this machine, by name."""
    if isolation == "none":
        return plain.LAYERS
    found = {
        "seccomp": build_filter() is not None,
        "unprivileged": os.geteuid() != 0 or can_step_down(),
        "memory-cgroup": cgroup.works(),
    }
    return bubblewrap.LAYERS + tuple(name for name, active in found.items() if active)


def choose_isolation(name: str = "bubblewrap") -> str:
    """The isolation asked for, if this machine has it.

    Raises:
        UsageError: If the name is not one of ``ISOLATIONS``.
        InfrastructureError: If bubblewrap was asked for and does not work here.
    """
    if name not in ISOLATIONS:
        raise unknown_name("isolation", name, ISOLATIONS)
    if name == "bubblewrap":
        probe = probe_bubblewrap()
        if not probe.works:
            raise InfrastructureError(
                "the sandbox does not work on this machine",
                expected="bubblewrap able to make user namespaces",
                found=probe.problem,
                fix=f"{probe.fix}; {BY_NAME}",
            )
    return name
