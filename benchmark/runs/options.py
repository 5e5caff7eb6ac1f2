"""How a suite is run, beside which suite and into which store; stated once for a run and a submission."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmark.contract import UsageError, unknown_name

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class RunOptions:
    """Options of a run; each field means what the argument of its name means in ``run_suite``."""

    methods: Sequence[str] = ()
    scenarios: Sequence[str] = ()
    seeds: int | None = None
    backbone: str | None = None
    device: str = "auto"
    precision: str = "float32"
    workers: int | None = None
    engine: str = "local"
    shard: str | None = None
    retry: Sequence[str] = ()
    secret: bytes | None = field(default=None, repr=False)

    def count_workers(self, device: str) -> int:
        """Worker processes on a device; 0 stands for this process.

        Raises:
            UsageError: If the number is negative or the engine is unknown.
        """
        if self.workers is not None and self.workers < 0:
            raise UsageError(
                "the number of workers is negative", expected="--workers of at least 0", found=self.workers
            )
        if self.engine not in ENGINES:
            raise unknown_name("engine", self.engine, ENGINES)
        return default_workers(device) if self.workers is None else self.workers


def default_workers(device: str = "cpu") -> int:
    """One a processor that this process may use; on an accelerator one, which batches cells instead."""
    if device != "cpu":
        return 1
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
