"""The ray engine: each group a task on a cluster. Imported only where it is asked for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from benchmark.contract import UsageError
from benchmark.runs.engines.base import CellResult, Finished, WorkbenchFactory, run_inline
from benchmark.runs.engines.local import RETRIES, THREAD_CAPS
from benchmark.runs.plan import Group


def run_ray(
    groups: Sequence[Group],
    factory: WorkbenchFactory,
    workers: int,
    seconds_per_cell: float = float("inf"),
    retries: int = RETRIES,
) -> Finished:
    """Run groups as ray tasks; a group that takes too long is stopped as a whole.

    Args:
        groups: Groups in the order of work.
        factory: Makes the workbench inside a task; must be picklable.
        workers: Most tasks at a time; 0 leaves it to the cluster.
        seconds_per_cell: A group may take this long for each of its cells.
        retries: How often ray tries a group again after its worker died.

    Raises:
        UsageError: If ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "the ray engine needs ray", expected="ray", found=error, fix="pip install -e '.[ray]'"
        ) from error
    if not ray.is_initialized():
        ray.init(log_to_driver=False, runtime_env={"env_vars": dict(THREAD_CAPS)})
    task = ray.remote(num_cpus=1, max_retries=retries, max_calls=0)(_run_group)
    waiting = list(reversed(groups))
    running: dict[Any, tuple[Group, float]] = {}
    while waiting or running:
        while waiting and (not workers or len(running) < workers):
            group = waiting.pop()
            running[task.remote(group, factory)] = (group, time.monotonic())
        ready, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
        for reference in ready:
            group, _ = running.pop(reference)
            try:
                yield group, ray.get(reference)
            except ray.exceptions.RayError as error:
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                yield group, [CellResult("infrastructure", reason) for _ in group.cells]
        for reference, (group, begun) in list(running.items()):
            allowed = seconds_per_cell * len(group.cells)
            if time.monotonic() - begun > allowed:
                ray.cancel(reference, force=True)
                del running[reference]
                yield group, [CellResult("timeout", f"took longer than {allowed:g} s") for _ in group.cells]


def _run_group(group: Group, factory: WorkbenchFactory) -> list[CellResult]:
    _, results = next(iter(run_inline([group], factory)))
    return results
