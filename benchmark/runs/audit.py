"""Draws the world of an audit, and fits a method of the repository as a run would."""

from __future__ import annotations

from benchmark.contract import Incompatible, UsageError
from benchmark.runs.engines.work import Bench, Setting
from benchmark.runs.entrants import CEILING
from benchmark.runs.fitting import fit_alone
from benchmark.runs.plan import Cell
from benchmark.scoring.audit import Audit, audit_reward
from benchmark.tasks.prepare import Task, check_scenario
from benchmark.tasks.scenario import Scenario, check_rows
from benchmark.tasks.suite import Suite
from benchmark.tasks.user_data import pin
from simulators.proposals import Search


def draw_cell(scenario: str | Scenario, seed: int, n: int | None, suite: Suite) -> tuple[Bench, Cell, Task]:
    """The world that an audit searches.

    Raises:
        Incompatible: If the world cannot be audited.
        UsageError: If a name is unknown or a number is out of range.
    """
    if seed < 0:
        raise UsageError("the seed is negative", expected="--seed of at least 0", found=seed)
    parsed = Scenario.parse(scenario) if isinstance(scenario, str) else scenario
    check_scenario(parsed)
    parsed = pin(parsed if n is None else parsed.with_rows(check_rows(n)))
    bench, cell = Bench(Setting(suite)), Cell(parsed.with_rows(suite.n), seed)
    task = bench.task(cell)
    task.world.proposer()  # a world that cannot be audited says so before anything is fitted
    return bench, cell, task


def audit_method(name: str, bench: Bench, cell: Cell, task: Task, backbone: str, search: Search) -> Audit:
    """Fit a method of the repository, or the ceiling, and audit its reward; see ``benchmark.audit``."""
    from methods import load

    chosen = load(name)
    data = "complete" if name == CEILING else "log"
    log = task.view(chosen.tags.track, data)
    if reason := chosen.tags.reason_to_refuse(log):
        raise Incompatible(reason)
    harness = bench.harness(cell, task, log, data, chosen.tags.track, backbone)
    fitted = fit_alone(chosen, log, harness)
    return audit_reward(fitted.reward, task.world, search, chosen.tags.calibrated, cell.seed)
