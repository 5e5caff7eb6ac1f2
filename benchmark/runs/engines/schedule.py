"""Gives batches of cells to workers and watches the clock; where the workers are it does not know.

A worker is asked how a group splits into batches and then to run one batch after the other. A batch that
takes too long, or takes its worker down, costs that batch alone: the worker is killed, and the rest of the
group goes on elsewhere. A batch's time begins when a worker that is ready and idle receives it, so neither
waiting for a worker nor its start counts.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmark.runs.engines.base import CellResult, Finished
from benchmark.runs.plan import Group

RETRIES = 2
NEVER = float("inf")


class WorkerLost(Exception):
    """A worker died before it answered; the message says how it ended."""


class Worker(Protocol):
    """A process somewhere that holds a workbench and answers one question at a time."""

    def ask(self, what: str, group: Group, indices: Sequence[int]) -> None:
        """Send a question: ``split`` or ``run`` of the workbench."""
        ...

    def read(self) -> Any:
        """The answer to the last question.

        Raises:
            WorkerLost: If the worker died.
        """
        ...

    def kill(self) -> None:
        """End the worker."""
        ...


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

    def add(self, batch: Sequence[int], results: Sequence[CellResult]) -> None:
        self.results.update(zip(batch, results, strict=True))
        self.left = [index for index in self.left if index not in self.results]
        self.crashes = 0

    def give_up(self, batch: Sequence[int], status: str, reason: str) -> None:
        self.add(batch, [CellResult(status, reason) for _ in batch])

    def finish(self) -> tuple[Group, list[CellResult]]:
        return self.group, [self.results[index] for index in range(len(self.group.cells))]


@dataclass(eq=False)
class _Hand:
    """A worker and what it is doing: no batch yet means that it is starting or splitting its group."""

    worker: Any
    job: _Job | None = None
    batch: tuple[int, ...] = ()
    batches: deque[tuple[int, ...]] = field(default_factory=deque)
    deadline: float = NEVER


def schedule(
    groups: Iterable[Group],
    start: Callable[[], Any],
    wait: Callable[[Sequence[Any], float | None], Sequence[Any]],
    workers: int,
    seconds_per_cell: float = NEVER,
    retries: int = RETRIES,
    start_seconds: float = NEVER,
) -> Finished:
    """Run groups on workers.

    Args:
        groups: Groups in the order of work; each is asked for when a worker is free.
        start: Starts a ``Worker``.
        wait: From workers and a number of seconds (None: no limit) to those that have an answer or died.
        workers: Most workers at a time, at least 1.
        seconds_per_cell: A batch may take this long for each of its cells.
        retries: How often a batch is tried again after its worker died.
        start_seconds: How long a worker may take to start and split a group.

    Yields:
        Each group with the result of each cell, as groups finish.
    """
    coming, again = iter(groups), deque[_Job]()
    pool: list[_Hand] = []
    try:
        while True:
            _assign(pool, coming, again, start, workers, start_seconds)
            busy = {id(hand.worker): hand for hand in pool if hand.job}
            if not busy:
                return
            nearest = min(hand.deadline for hand in busy.values())
            patience = None if nearest == NEVER else max(0.0, nearest - time.monotonic())
            ready = {id(worker) for worker in wait([hand.worker for hand in busy.values()], patience)}
            now = time.monotonic()
            for hand in [busy[key] for key in busy if key in ready]:
                _hear(hand, seconds_per_cell, retries)
            for hand in [busy[key] for key in busy if key not in ready and busy[key].deadline <= now]:
                _stop(hand, seconds_per_cell, retries)
            for hand in busy.values():
                job = hand.job
                assert job is not None
                if hand.worker is None:
                    pool.remove(hand)
                    if job.left:
                        again.append(job)
                elif not job.left:
                    hand.job, hand.deadline = None, NEVER
                if not job.left:
                    yield job.finish()
    finally:
        for hand in pool:
            hand.worker.kill()


def _assign(
    pool: list[_Hand],
    coming: Iterator[Group],
    again: deque[_Job],
    start: Callable[[], Any],
    workers: int,
    start_seconds: float,
) -> None:
    """Give a job to every worker that is free, and start workers while there are jobs for them."""
    idle = [hand for hand in pool if not hand.job]
    while idle or len(pool) < workers:
        job = again.popleft() if again else None
        if job is None:
            group = next(coming, None)
            if group is None:
                for hand in idle:  # a worker that waits for a processor may get that of an idle one
                    hand.worker.kill()
                    pool.remove(hand)
                return
            job = _Job(group, list(range(len(group.cells))))
        if idle:
            hand = idle.pop()
        else:
            hand = _Hand(start())
            pool.append(hand)
        hand.job, hand.batch, hand.deadline = job, (), time.monotonic() + start_seconds
        hand.worker.ask("split", job.group, job.left)


def _hear(hand: _Hand, seconds_per_cell: float, retries: int) -> None:
    """Read a worker's answer and give it its next batch; a worker that died is taken from the hand."""
    assert hand.job is not None
    try:
        answer = hand.worker.read()
    except WorkerLost as error:
        _lose(hand, str(error), retries)
        return
    if hand.batch:
        hand.job.add(hand.batch, answer)
    else:
        hand.batches = deque(answer)
    hand.batch = hand.batches.popleft() if hand.batches else ()
    if hand.batch:
        hand.deadline = time.monotonic() + seconds_per_cell * len(hand.batch)
        hand.worker.ask("run", hand.job.group, hand.batch)


def _stop(hand: _Hand, seconds_per_cell: float, retries: int) -> None:
    """End a worker whose time is up."""
    assert hand.job is not None
    if not hand.batch:
        _lose(hand, "did not answer", retries)
        return
    hand.worker.kill()
    hand.worker = None
    allowed = seconds_per_cell * len(hand.batch)
    hand.job.give_up(hand.batch, "timeout", f"took longer than {allowed:g} s")


def _lose(hand: _Hand, how: str, retries: int) -> None:
    """Count a crash; after too many, give up the batch that was running (or all that is left)."""
    job = hand.job
    assert job is not None
    hand.worker.kill()
    hand.worker = None
    job.crashes += 1
    if job.crashes > retries:
        reason = f"the worker {how}, {job.crashes} times"
        job.give_up(hand.batch or tuple(job.left), "infrastructure", reason)
