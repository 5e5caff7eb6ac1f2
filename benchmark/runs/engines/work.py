"""The workbench: packages a task, fits a method, asks the queries and scores the answers.

One lives in each worker and keeps what cells share: tasks, answer keys, backbones and
encoded logs. The truth is used after a method has answered, never before.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from benchmark.contract import Budget, Log, Predictions
from benchmark.contract.records import LOG, REASON_LENGTH, TWIN, name_columns, status_of
from benchmark.runs.engines.base import CellResult
from benchmark.runs.plan import Cell, Group
from benchmark.scoring.favourites import describe_favourites
from benchmark.scoring.score import score_with_key
from benchmark.tasks.backbones import TINY, parse_backbone
from benchmark.tasks.prepare import Task, digest_log, make_task
from benchmark.tasks.pretraining import open_backbone
from benchmark.tasks.suite import Suite

HEADS_AT_ONCE = 2
# What one cell may keep between methods: its encodings and what the reference says of its texts.
CACHE_BYTES = 48 * 2**20
CACHE_TEXTS = 40_000
Item = TypeVar("Item")


@dataclass(frozen=True)
class Setting:
    """What every cell of a run shares; plain data, sent to workers.

    Attributes:
        suite: The suite.
        device: ``"cpu"`` or ``"cuda"``.
        precision: Of products; see ``benchmark.harness.device.check_precision``.
        backbones: Parent folder of the pretrained backbones, or None for the usual one.
        kept_tasks: Tasks a worker keeps in memory. Groups of the same worlds come one after another,
            so a little more than a group's cells is enough for every method to find them there.
        memory_mb: Memory a worker may allocate; None for no limit of ours.
        secret: Key of a verified season, or None for public worlds.
    """

    suite: Suite
    device: str = "cpu"
    precision: str = "float32"
    backbones: Path | None = None
    kept_tasks: int = 8
    memory_mb: int | None = None
    secret: bytes | None = field(default=None, repr=False)


@dataclass(eq=False)
class Kept:
    """The most recently used values, at most ``limit``."""

    limit: int
    values: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)

    def get(self, key: Hashable, make: Callable[[], Item]) -> Item:
        """The value of a key, made if it is not kept."""
        if key not in self.values:
            self.values[key] = make()
            while len(self.values) > self.limit:
                self.values.popitem(last=False)
        self.values.move_to_end(key)
        return self.values[key]


class Bench:
    """Runs cells of repository methods; see ``benchmark.runs.engines.base.Workbench``."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._tasks = Kept(setting.kept_tasks)
        self._digests = Kept(4 * setting.kept_tasks)
        self._caches = Kept(setting.kept_tasks)
        self._backbones = Kept(4)

    def split(self, group: Group, indices: Sequence[int]) -> list[tuple[int, ...]]:
        """Policies one cell at a time on a CPU, heads a few; everything in lockstep on an accelerator."""
        indices = list(indices)
        size = len(indices) if self.setting.device != "cpu" else 1 if group.entrant.policy else HEADS_AT_ONCE
        return [tuple(indices[start : start + size]) for start in range(0, len(indices), max(1, size))]

    def run(self, group: Group, indices: Sequence[int]) -> list[CellResult]:
        """Run a batch of cells of one method."""
        try:
            return self._run(group, [group.cells[index] for index in indices])
        except Exception as error:
            if len(indices) > 1:  # one cell's fault is not its neighbour's
                return [self.run(group, [index])[0] for index in indices]
            return [CellResult(*status_of(error))]

    def task(self, cell: Cell, fitted_on: str = LOG) -> Task:
        """The task of a cell, kept while it is in use; only a verified season draws another for the twin."""
        setting = self.setting
        return self._tasks.get(
            (cell, LOG if setting.secret is None else fitted_on),
            lambda: make_task(cell.scenario, cell.seed, setting.suite, setting.secret, fitted_on),
        )

    def _run(self, group: Group, cells: Sequence[Cell]) -> list[CellResult]:
        from benchmark.harness import answer_queries, drive
        from methods import load

        method, entrant = load(group.entrant.name), group.entrant
        data = group.data
        tasks = [self.task(cell, group.fitted_on) for cell in cells]
        logs = [task.view(entrant.track, data) for task in tasks]
        results: dict[int, CellResult] = {}
        able = []
        for index, log in enumerate(logs):
            refusal = method.tags.reason_to_refuse(log)
            if refusal:
                results[index] = CellResult("incompatible", refusal)
            else:
                able.append(index)
        if able:
            reset_peak()
            harnesses = [
                self.harness(cells[i], tasks[i], logs[i], data, entrant.track, group.backbone) for i in able
            ]
            begun = time.perf_counter()
            fitted = drive(method, [(logs[i], harness) for i, harness in zip(able, harnesses, strict=True)])
            with contextlib.suppress(Exception):  # whatever fails here fails again where it is recorded
                answer_queries(fitted, [tasks[i].queries for i in able])
            shared = (time.perf_counter() - begun) / len(able)
            for i, harness, outcome in zip(able, harnesses, fitted, strict=True):
                results[i] = self._answer(group, tasks[i], outcome, harness, shared)
        kinds = [dict(kind=log.kind, **describe_cell(task)) for log, task in zip(logs, tasks, strict=True)]
        return [merge(results[index], kinds[index]) for index in range(len(cells))]

    def harness(self, cell: Cell, task: Task, log: Log, data: str, track: str, backbone: str = TINY) -> Any:
        """The harness of one fit; its streams follow from the log that the method sees."""
        from benchmark.harness import Cache, Harness

        columns = tuple(log.table.column_names)
        digest = self._digests.get((cell, data, columns), lambda: digest_log(log))
        return Harness(
            backbone=self.backbone(task.domain, backbone),
            budget=multiply_steps(self.setting.suite.budget.freeze(), backbone),
            device=self.setting.device,
            path=("method", digest),
            oracle=task.world.oracle() if track == "oracle" else None,
            cache=self._caches.get(cell, lambda: Cache(CACHE_BYTES, CACHE_TEXTS)),
            precision=self.setting.precision,
        )

    def backbone(self, domain: str, backbone: str = TINY) -> Any:
        """The backbone of a domain."""
        return self._backbones.get(
            (domain, backbone),
            lambda: open_backbone(domain, backbone, self.setting.backbones),
        )

    def _answer(self, group: Group, task: Task, outcome: Any, harness: Any, fit_seconds: float) -> CellResult:
        """Ask a fitted method the queries and score its answers."""
        from benchmark.harness import Failure, predict

        if isinstance(outcome, Failure):
            return CellResult(outcome.status, outcome.reason[:REASON_LENGTH])
        begun = time.perf_counter()
        try:
            predictions: Predictions = predict(outcome, task.queries).validate(task.queries)
        except Exception as failure:
            return CellResult(*status_of(failure))
        # What another fit had done already counts as if it had been done here.
        seconds = fit_seconds + time.perf_counter() - begun + harness.meter.reused
        scores = score_with_key(predictions, task.key, group.entrant.calibrated)
        meter = harness.meter
        meters = {
            "wall_s": seconds, "peak_mb": read_peak(), "tokens": meter.tokens, "flops": meter.flops
        }  # fmt: skip
        row: dict[str, Any] = name_columns(scores, meters, predictions.diagnostics)
        if task.seed == self.setting.suite.seeds[0] and group.data != TWIN:
            row["favourites"] = describe_favourites(predictions.reward, task.key)
        return CellResult("ok", "", predictions, row)


def open_bench(setting: Setting) -> Bench:
    """A workbench for a process of its own, whose arithmetic and memory limit it sets."""
    from benchmark.harness import set_arithmetic

    set_arithmetic(threads=1, precision=setting.precision)
    if setting.memory_mb is not None and setting.device == "cpu" and sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (setting.memory_mb * 2**20, hard))
    return Bench(setting)


def multiply_steps(budget: Budget, backbone: str) -> Budget:
    """The budget with as many times the steps as the backbone's name says: ``tiny[budget=4]``."""
    return replace(budget, steps=budget.steps * parse_backbone(backbone).budget)


def describe_cell(task: Task) -> dict[str, Any]:
    """What is known of a cell whatever the method does."""
    return {
        "board": task.board,
        "cell_naive_rho": task.key.naive_rho,
        "cell_effect_scale": task.key.effect_scale,
        "cell_roles": " ".join(task.log.roles),
    }


def merge(result: CellResult, known: Mapping[str, Any]) -> CellResult:
    """A result with more record columns."""
    return CellResult(result.status, result.reason, result.predictions, {**known, **result.row})


# -- meters -------------------------------------------------------------------
def reset_peak() -> None:
    """Start measuring peak memory anew, where the system allows it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def read_peak() -> float:
    """Peak resident memory of this process since ``reset_peak``, MB."""
    try:
        status = Path("/proc/self/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 1024)
