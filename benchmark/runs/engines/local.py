"""The local engine: a pool of one-thread processes that lives as long as the run."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any

from benchmark.runs.engines.base import Finished, WorkbenchFactory
from benchmark.runs.engines.schedule import RETRIES, WorkerLost, schedule
from benchmark.runs.plan import Group
from benchmark.tasks.backbones import parse_backbone

START_SECONDS = 300.0
PR_SET_PDEATHSIG = 1
THREAD_CAPS = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    )
}
# oneDNN keeps a compiled product for each shape it meets; texts come in many shapes.
WORKER_SETTINGS = {**THREAD_CAPS, "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}
# Hundreds of megabytes that are handed back and asked for anew at every step cost more than arithmetic:
# a large model keeps what it was given, in huge pages.
LARGE_MODEL_SETTINGS = {
    "THP_MEM_ALLOC_ENABLE": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "20000000000",
    "MALLOC_TOP_PAD_": "268435456",
    # Threads that wait for each other by spinning would take time from whatever else runs.
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclass(frozen=True, eq=False)
class Process:
    """A worker process; see ``benchmark.runs.engines.schedule.Worker``."""

    process: Any
    pipe: Connection

    def ask(self, what: str, group: Group, indices: Sequence[int]) -> None:
        """Send a question; a process that has died says so when its answer is read."""
        with suppress(OSError):
            self.pipe.send((what, group, tuple(indices)))

    def read(self) -> Any:
        """The answer to the last question."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError) as error:
            self.process.join(10)
            raise WorkerLost(f"ended with status {self.process.exitcode}") from error

    def kill(self) -> None:
        """End the process."""
        with suppress(OSError, ValueError):
            self.process.kill()
        self.process.join(10)
        self.pipe.close()


def run_local(
    groups: Iterable[Group],
    factory: WorkbenchFactory,
    workers: int,
    seconds_per_cell: float = float("inf"),
    retries: int = RETRIES,
    backbones: Iterable[str] = (),
) -> Finished:
    """Run groups on a pool of local processes.

    Args:
        groups: Groups in the order of work; each is asked for when a process is free.
        factory: Makes the workbench inside each worker; must be picklable.
        workers: Number of processes, at least 1.
        seconds_per_cell: A batch may take this long for each of its cells.
        retries: How often a batch is tried again after its worker died.
        backbones: What the groups train on; a large model changes how its process keeps memory.

    Returns:
        Each group with the result of each cell, as groups finish.
    """
    start = partial(_start_process, factory, worker_settings(backbones))
    return schedule(groups, start, _wait, workers, seconds_per_cell, retries, START_SECONDS)


def _wait(workers: Sequence[Process], seconds: float | None) -> list[Process]:
    ready = wait([worker.pipe for worker in workers], seconds)
    return [worker for worker in workers if worker.pipe in ready]


# -- workers ------------------------------------------------------------------
def worker_settings(backbones: Iterable[str]) -> dict[str, str]:
    """Environment of processes that train on some backbones, read before Python starts."""
    large = any(parse_backbone(name).large for name in backbones)
    return {**WORKER_SETTINGS, **(LARGE_MODEL_SETTINGS if large else {})}


def _start_process(factory: WorkbenchFactory, settings: Mapping[str, str]) -> Process:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, factory), daemon=True)
    with environment(settings):
        process.start()
    theirs.close()
    return Process(process, ours)


def _work(pipe: Connection, factory: WorkbenchFactory) -> None:
    """A worker's life: answer questions until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    die_with_parent()
    limit_threads()
    bench = factory()
    with suppress(EOFError, OSError):
        while True:
            what, group, indices = pipe.recv()
            pipe.send(getattr(bench, what)(group, indices))


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent is killed; elsewhere it ends at its next report."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_threads() -> None:
    """Cap libraries that are already loaded at one thread; the environment caps the others."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while; children started meanwhile inherit them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
