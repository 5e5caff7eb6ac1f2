"""The local engine: a pool of one-thread processes that lives as long as the run.

Workers report each batch of cells as it begins and ends, so a batch that takes too
long, or takes its worker down, costs that batch alone: the worker is killed, the rest
of the group goes on elsewhere.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from benchmark.runs.engines.base import CellResult, Finished, WorkbenchFactory
from benchmark.runs.plan import Group
from benchmark.tasks.backbones import parse_backbone

RETRIES = 2
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


@dataclass(eq=False)
class _Job:
    """A group under way.

    Attributes:
        group: The group.
        left: Cells without a result, in order.
        results: Results by cell.
        crashes: How often a worker died over the current batch.
    """

    group: Group
    left: list[int]
    results: dict[int, CellResult] = field(default_factory=dict)
    crashes: int = 0

    @classmethod
    def of(cls, group: Group) -> _Job:
        return cls(group, list(range(len(group.cells))))

    def add(self, batch: Sequence[int], results: Sequence[CellResult]) -> None:
        self.results.update(zip(batch, results, strict=True))
        self.left = [index for index in self.left if index not in self.results]
        self.crashes = 0

    def give_up(self, batch: Sequence[int], status: str, reason: str) -> None:
        self.add(batch, [CellResult(status, reason) for _ in batch])


@dataclass(eq=False)
class _Worker:
    """A worker process and what it is doing."""

    process: Any
    pipe: Connection
    job: _Job | None = None
    batch: tuple[int, ...] = ()
    deadline: float = float("inf")

    def kill(self) -> None:
        with suppress(OSError, ValueError):
            self.process.kill()
        self.process.join(10)
        self.pipe.close()


def run_local(
    groups: Sequence[Group],
    factory: WorkbenchFactory,
    workers: int,
    seconds_per_cell: float = float("inf"),
    retries: int = RETRIES,
) -> Finished:
    """Run groups on a pool of local processes.

    Args:
        groups: Groups in the order of work.
        factory: Makes the workbench inside each worker; must be picklable.
        workers: Number of processes, at least 1.
        seconds_per_cell: A batch may take this long for each of its cells.
        retries: How often a batch is tried again after its worker died.

    Yields:
        Each group with the result of each cell, as groups finish.
    """
    waiting = deque(_Job.of(group) for group in groups)
    settings = worker_settings(group.backbone for group in groups)
    pool: list[_Worker] = []
    try:
        while waiting or any(worker.job for worker in pool):
            busy = [worker for worker in pool if worker.job]
            idle = [worker for worker in pool if not worker.job]
            while waiting and (idle or len(pool) < workers):
                if idle:
                    worker = idle.pop()
                else:
                    worker = _start_worker(factory, settings)
                    pool.append(worker)
                job = waiting.popleft()
                try:
                    worker.pipe.send((job.group, tuple(job.left)))
                except OSError:  # died while idle
                    waiting.appendleft(job)
                    pool.remove(worker)
                    worker.kill()
                    continue
                worker.job, worker.batch = job, ()
                worker.deadline = time.monotonic() + START_SECONDS
                busy.append(worker)
            yield from _serve(pool, waiting, seconds_per_cell, retries)
    finally:
        for worker in pool:
            worker.kill()


def _serve(
    pool: list[_Worker], waiting: deque[_Job], seconds_per_cell: float, retries: int
) -> Iterator[tuple[Group, list[CellResult]]]:
    """Wait for news once and act on it."""
    busy = {worker.pipe: worker for worker in pool if worker.job}
    nearest = min(worker.deadline for worker in busy.values())
    patience = None if nearest == float("inf") else max(0.0, nearest - time.monotonic())
    for pipe in wait(list(busy), patience):
        worker = busy[pipe]  # type: ignore[index]
        assert worker.job is not None
        try:
            kind, batch, results = worker.pipe.recv()
        except (EOFError, OSError):
            job = _remove(pool, worker)
            _blame(job, worker.batch, retries, worker.process.exitcode)
            if job.left:
                waiting.appendleft(job)
            else:
                yield _finish(job)
            continue
        if kind == "begin":
            worker.batch = batch
            worker.deadline = time.monotonic() + seconds_per_cell * len(batch)
        elif kind == "results":
            worker.job.add(batch, results)
            worker.batch = ()
            worker.deadline = time.monotonic() + START_SECONDS
            if not worker.job.left:
                job, worker.job, worker.deadline = worker.job, None, float("inf")
                yield _finish(job)
    now = time.monotonic()
    for worker in [w for w in pool if w.job and w.deadline <= now]:
        batch = worker.batch
        job = _remove(pool, worker)
        if batch:
            job.give_up(batch, "timeout", f"took longer than {seconds_per_cell * len(batch):g} s")
        else:
            _blame(job, (), retries, None)
        if job.left:
            waiting.appendleft(job)
        else:
            yield _finish(job)


def _remove(pool: list[_Worker], worker: _Worker) -> _Job:
    """Kill a worker and hand back its job."""
    pool.remove(worker)
    worker.kill()
    assert worker.job is not None
    return worker.job


def _blame(job: _Job, batch: Sequence[int], retries: int, exitcode: int | None) -> None:
    """Count a crash; after too many, give up the batch that was running (or all that is left)."""
    job.crashes += 1
    if job.crashes > retries:
        how = "did not answer" if exitcode is None else f"ended with status {exitcode}"
        tries = job.crashes
        job.give_up(batch or tuple(job.left), "infrastructure", f"the worker {how}, {tries} times")


def _finish(job: _Job) -> tuple[Group, list[CellResult]]:
    return job.group, [job.results[index] for index in range(len(job.group.cells))]


# -- workers ------------------------------------------------------------------
def worker_settings(backbones: Iterable[str]) -> dict[str, str]:
    """Environment of processes that train on some backbones, read before Python starts."""
    large = any(parse_backbone(name).large for name in backbones)
    return {**WORKER_SETTINGS, **(LARGE_MODEL_SETTINGS if large else {})}


def _start_worker(factory: WorkbenchFactory, settings: Mapping[str, str]) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, factory), daemon=True)
    with environment(settings):
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _work(pipe: Connection, factory: WorkbenchFactory) -> None:
    """A worker's life: answer groups until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    die_with_parent()
    limit_threads()
    bench = factory()
    while True:
        try:
            group, indices = pipe.recv()
        except (EOFError, OSError):
            return
        for batch in bench.split(group, indices):
            try:
                pipe.send(("begin", batch, None))
                pipe.send(("results", batch, bench.run(group, batch)))
            except OSError:
                return


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
