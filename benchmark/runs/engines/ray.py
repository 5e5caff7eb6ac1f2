"""The ray engine: workers are actors on a cluster. Imported only where it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmark.contract import UsageError
from benchmark.runs.engines.base import Finished, WorkbenchFactory
from benchmark.runs.engines.local import limit_threads, worker_settings
from benchmark.runs.engines.schedule import RETRIES, WorkerLost, schedule
from benchmark.runs.plan import Group


@dataclass(eq=False)
class Actor:
    """A worker on some node; see ``benchmark.runs.engines.schedule.Worker``."""

    ray: Any
    actor: Any
    answer: Any = None

    def ask(self, what: str, group: Group, indices: Sequence[int]) -> None:
        """Send a question."""
        self.answer = self.actor.ask.remote(what, group, tuple(indices))

    def read(self) -> Any:
        """The answer to the last question."""
        try:
            return self.ray.get(self.answer)
        except self.ray.exceptions.RayError as error:
            raise WorkerLost(f"ended with {type(error).__name__}") from error

    def kill(self) -> None:
        """End the actor; cells that it runs end with it."""
        self.ray.kill(self.actor, no_restart=True)


class RemoteBench:
    """A workbench inside an actor."""

    def __init__(self, factory: WorkbenchFactory) -> None:
        limit_threads()
        self._bench = factory()

    def ask(self, what: str, group: Group, indices: Sequence[int]) -> Any:
        """Call ``split`` or ``run`` of the workbench."""
        return getattr(self._bench, what)(group, indices)


def run_ray(
    groups: Iterable[Group],
    factory: WorkbenchFactory,
    workers: int,
    seconds_per_cell: float = float("inf"),
    retries: int = RETRIES,
    backbones: Iterable[str] = (),
) -> Finished:
    """Run groups on a ray cluster: the one that ``RAY_ADDRESS`` names, or one of this machine alone.

    Args:
        groups: Groups in the order of work; each is asked for when an actor is free.
        factory: Makes the workbench inside an actor; must be picklable.
        workers: Most actors at a time, each on one processor; 0 stands for all processors of the cluster.
        seconds_per_cell: A batch may take this long for each of its cells, from the moment when an actor
            that is ready receives it.
        retries: How often a batch is tried again after its actor or its node died.
        backbones: What the groups train on.

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
        ray.init(log_to_driver=False)
    settings = {"env_vars": worker_settings(backbones)}
    remote = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0, runtime_env=settings)(RemoteBench)
    workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def start() -> Actor:
        return Actor(ray, remote.remote(factory))

    return schedule(groups, start, partial(_wait, ray), workers, seconds_per_cell, retries)


def _wait(ray: Any, workers: Sequence[Actor], seconds: float | None) -> list[Actor]:
    answers = [worker.answer for worker in workers]
    ready, _ = ray.wait(answers, num_returns=1, timeout=seconds)
    return [worker for worker in workers if worker.answer in ready]
