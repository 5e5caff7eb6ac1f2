"""The workbench of a submission: every cell in a sandbox of its own, scored here after it has answered."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.contract import InfrastructureError, Predictions, Tags
from benchmark.contract.records import name_columns, status_of
from benchmark.runs.engines.base import CellResult
from benchmark.runs.engines.work import Setting, describe_cell
from benchmark.runs.entrants import Entrant
from benchmark.runs.plan import Cell, Group
from benchmark.sandbox.outside import cell as sandboxed
from benchmark.sandbox.outside.cell import Sandbox
from benchmark.scoring.score import score_with_key
from benchmark.tasks.prepare import Task, make_task
from benchmark.tasks.pretraining import make_backbone
from simulators.protocols import Oracle

TRIES = 3
DIAGNOSTIC = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}")


@dataclass(frozen=True, eq=False)
class SandboxBench:
    """Runs cells of one submitted file; see ``benchmark.runs.engines.base.Workbench``.

    Attributes:
        source: The file.
        tags: What it takes, as read before it saw any log.
        setting: What every cell of the run shares.
        sandbox: Where the file runs.
        on_cell: Called with each finished cell and its status.
    """

    source: bytes
    tags: Tags
    setting: Setting
    sandbox: Sandbox
    on_cell: Callable[[Cell, str], None] | None = None

    def split(self, group: Group, indices: Sequence[int]) -> list[tuple[int, ...]]:
        """One cell at a time, always: cells side by side would leak the truth by subtraction."""
        return [(index,) for index in indices]

    def run(self, group: Group, indices: Sequence[int]) -> list[CellResult]:
        """Run some cells; a failing cell is a result, never an exception."""
        return [self._run(group, group.cells[index]) for index in indices]

    def _run(self, group: Group, cell: Cell) -> CellResult:
        setting = self.setting
        task = make_task(cell.scenario, cell.seed, setting.suite, setting.secret, group.fitted_on)
        log = task.view(group.entrant.track, group.data)
        given = sandboxed.Task(
            log=log,
            queries=task.queries,
            budget=setting.suite.budget.freeze(),
            backbone=make_backbone(task.domain, group.backbone, setting.backbones).resolve(),
            device=setting.device,
            precision=setting.precision,
        )
        refusal = self.tags.reason_to_refuse(log)
        if refusal:  # by tags that were read before any log was shown: the only way to decline one
            result = sandboxed.CellResult("incompatible", refusal)
        else:
            result = self._attempt(given, task.world if group.entrant.track == "oracle" else None)
        isolation = self.sandbox.isolation
        try:
            measured = measure_cell(group.entrant, task, isolation, result)
        except Exception as error:  # whatever an answer leads to is its sender's doing
            reason = f"the answer cannot be scored: {status_of(error)[1]}"
            broken = sandboxed.CellResult("invalid", sandboxed.clean(reason))
            measured = measure_cell(group.entrant, task, isolation, broken)
        if self.on_cell is not None:
            self.on_cell(cell, measured.status)
        return measured

    def _attempt(self, given: sandboxed.Task, world: Any) -> sandboxed.CellResult:
        for left in reversed(range(TRIES)):
            # An oracle of its own for every try: the same questions meet the same people.
            oracle: Oracle | None = None if world is None else world.oracle()
            try:
                return self.sandbox.fit(self.source, given, oracle)
            except InfrastructureError as error:
                if not left:
                    status, reason = status_of(error)
                    return sandboxed.CellResult(status, sandboxed.clean(reason))
        raise AssertionError("unreachable")


def measure_cell(entrant: Entrant, task: Task, isolation: str, result: sandboxed.CellResult) -> CellResult:
    """A cell's result with the columns of its record that only this side knows: facts, scores and meters."""
    meters = {"wall_s": result.seconds, "peak_mb": result.peak_bytes / 2**20, **read_meters(result.fields)}
    facts = {"kind": task.log.kind, "isolation": isolation, **describe_cell(task)}
    row = facts | score_answer(entrant, task, result.predictions, meters)
    return CellResult(result.status, result.reason, result.predictions, row)


def score_answer(
    entrant: Entrant, task: Task, predictions: Predictions | None, meters: Mapping[str, float]
) -> dict[str, float]:
    """Scores, meters and diagnostics of an answer, under the names of their columns."""
    if predictions is None:
        return name_columns({}, meters, {})
    scores = score_with_key(predictions, task.key, entrant.calibrated)
    named = {n: value for n, value in predictions.diagnostics.items() if DIAGNOSTIC.fullmatch(n)}
    return name_columns(scores, meters, named)


def read_meters(fields: Mapping[str, Any]) -> dict[str, float]:
    """What the harness counted inside; reported by the submission's own process and never ranked."""
    found = fields.get("meters")
    if not isinstance(found, Mapping):
        return {}
    plain = {name: found[name] for name in ("tokens", "flops") if isinstance(found.get(name), int | float)}
    return {name: float(value) for name, value in plain.items() if 0 <= value <= sys.float_info.max}
