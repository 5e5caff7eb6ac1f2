"""Whether this machine can run the benchmark, and what to do if not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FREE_GB = 2.0


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: What was looked at.
        status: "ok", "warning" or "failed".
        detail: What was found.
        fix: What to do about it, or empty.
    """

    name: str
    status: str
    detail: str
    fix: str = ""


def doctor() -> tuple[Check, ...]:
    """Check this machine: Python, torch, threads, sandbox, disk, backbones and the catalogue.

    A check that breaks is a failed check, never an exception.

    Example:
        >>> import benchmark
        >>> [check.name for check in benchmark.doctor()][:2]
        ['python', 'torch']
    """
    return tuple(_run(name, check) for name, check in CHECKS.items())


def _run(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:
        return Check(name, "failed", f"{type(error).__name__}: {error}", "reinstall confoundbench")


def check_python() -> Check:
    """Python is recent enough."""
    found = sys.version.split()[0]
    good = sys.version_info >= (3, 11)
    return Check("python", "ok" if good else "failed", found, "" if good else "use Python 3.11 or newer")


def check_torch() -> Check:
    """Torch imports, and whether it sees an accelerator."""
    import torch

    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU only"
    return Check("torch", "ok", f"{torch.__version__}, {device}")


def check_threads() -> Check:
    """Processors for workers; each worker uses one thread."""
    from benchmark.runs.options import default_workers

    caps = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    detail = f"{default_workers()} workers of one thread"
    return Check("threads", "ok", detail + (f", environment {caps}" if caps else ""))


def check_sandbox() -> Check:
    """Submitted files can be isolated here."""
    from benchmark.sandbox.outside import ISOLATIONS, list_layers, probe_bubblewrap

    probe = probe_bubblewrap()
    if probe.works:
        enforced = (f"isolation {name} enforces {', '.join(list_layers(name))}" for name in ISOLATIONS)
        return Check("sandbox", "ok", "; ".join((f"bubblewrap at {probe.binary}", *enforced)))
    return Check("sandbox", "warning", f"submit will refuse to run: {probe.problem}", probe.fix)


def check_disk() -> Check:
    """There is room for results."""
    from benchmark.tasks.user_data import build_folder

    folder = build_folder()
    place = next(parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.exists())
    free = shutil.disk_usage(place).free / 2**30
    if not os.access(place, os.W_OK):
        return Check(
            "disk", "failed", f"{place} cannot be written to", "set CONFOUNDBENCH_BUILD to a folder of yours"
        )
    fix = "" if free > FREE_GB else f"free {FREE_GB:g} GB or set CONFOUNDBENCH_BUILD"
    return Check("disk", "warning" if fix else "ok", f"{free:.1f} GB free in {place}", fix)


def check_backbones() -> Check:
    """Which backbones are prepared; the others are made on first use."""
    from benchmark.tasks.user_data import build_folder

    made = sorted(p.name for p in Path(build_folder() / "backbones").glob("[!.]*-*") if p.is_dir())
    return Check("backbones", "ok", ", ".join(made) or "none yet; made on first use")


def check_catalogue() -> Check:
    """Families, methods and suites load."""
    from benchmark.tasks.prepare import check_scenario
    from benchmark.tasks.suite import list_suites, load_suite
    from methods import list_methods
    from simulators import list_families

    for name in list_suites():
        for scenario in load_suite(name).scenarios:
            check_scenario(scenario)
    counts = (len(list_families()), len(list_methods()), len(list_suites()))
    return Check("catalogue", "ok", "{} families, {} methods, {} suites".format(*counts))


CHECKS: dict[str, Callable[[], Check]] = {
    "python": check_python,
    "torch": check_torch,
    "threads": check_threads,
    "sandbox": check_sandbox,
    "disk": check_disk,
    "backbones": check_backbones,
    "catalogue": check_catalogue,
}
