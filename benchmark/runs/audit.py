"""Fits a method as a run would, so that its reward can be audited; see ``benchmark.scoring.audit``."""

from __future__ import annotations

from benchmark.contract import ContractError, Incompatible
from benchmark.runs.engines.work import Bench, Setting
from benchmark.runs.plan import Cell
from benchmark.scoring.audit import Audit, audit_reward
from benchmark.scoring.proposals import Search
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import Suite


def audit_method(
    name: str,
    scenario: Scenario,
    seed: int,
    suite: Suite,
    search: Search | None = None,
    backbone: str | None = None,
) -> Audit:
    """Fit a method of the repository as a run would, and audit its reward.

    Args:
        name: A method, or ``"ceiling"``.
        scenario: The scenario.
        seed: World seed.
        suite: Decides season, rows and budget.
        search: How hard to look.
        backbone: What it trains on; by default what the suite says.

    Raises:
        Incompatible: If the method cannot take the log.
        ContractError: If the fit fails.
    """
    from benchmark.harness import Failure, drive
    from methods import load

    method = load(name)
    bench, cell = Bench(Setting(suite)), Cell(scenario.with_rows(suite.n), seed)
    task = bench.task(cell)
    data = "twin" if name == "ceiling" else "log"
    log = task.view(method.tags.track, data)
    reason = method.tags.reason_to_refuse(log)
    if reason:
        raise Incompatible(reason)
    harness = bench.harness(cell, task, log, data, method.tags.track, backbone or suite.backbone)
    (fitted,) = drive(method, [(log, harness)])
    if isinstance(fitted, Failure):
        if fitted.status == "incompatible":
            raise Incompatible(fitted.reason)
        raise ContractError(f"{name} does not fit this log", found=fitted.reason)
    return audit_reward(fitted.reward, task.world, search, method.tags.calibrated, seed)
