"""Fits a method of the repository as a run would, and audits its reward; see ``benchmark.scoring.audit``."""

from __future__ import annotations

from pathlib import Path

from benchmark.contract import Incompatible, UsageError
from benchmark.runs.engines.work import Bench, Setting
from benchmark.runs.entrants import CEILING
from benchmark.runs.fitting import fit_alone
from benchmark.runs.plan import Cell
from benchmark.scoring.audit import Audit, audit_reward
from benchmark.tasks.prepare import check_scenario
from benchmark.tasks.scenario import Scenario, check_rows
from benchmark.tasks.suite import Suite, load_suite
from benchmark.tasks.user_data import pin
from simulators.proposals import Search


def audit(
    method: str,
    scenario: str | Scenario = "observed",
    *,
    seed: int = 0,
    n: int | None = None,
    suite: str | Path | Suite = "quick",
    backbone: str | None = None,
    rounds: int = 4,
    search: Search | None = None,
) -> Audit:
    """Fit a method, then search for prompts and texts that its reward gets wrong.

    It reads the truth, so it is for whoever studies a method, never part of one.

    Args:
        method: Name of a method, or ``"ceiling"``.
        scenario: Family or id, such as ``"observed[strength=2]"``.
        seed: World seed, at least 0.
        n: Rows of the log; by default the scenario's own, or the suite's.
        suite: Decides season, rows and budget.
        backbone: What the method trains on; by default what the suite says.
        rounds: Rounds of the search, at least 1.
        search: How hard to look, in place of ``rounds``.

    Raises:
        Incompatible: If the method cannot take the log, or the world cannot be audited.
        ContractError: If the fit fails.
        UsageError: If a name is unknown or a number is out of range.

    Example:
        >>> import benchmark
        >>> found = benchmark.audit("naive", "observed[strength=2]", n=1000, rounds=2)
        >>> len(found.rounds) <= 2
        True
    """
    from methods import load

    if rounds < 1 or seed < 0:
        raise UsageError("nothing to search", expected="--rounds of at least 1, --seed of at least 0")
    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    parsed = Scenario.parse(scenario) if isinstance(scenario, str) else scenario
    check_scenario(parsed)
    parsed = pin(parsed if n is None else parsed.with_rows(check_rows(n)))
    chosen = load(method)
    bench, cell = Bench(Setting(suite)), Cell(parsed.with_rows(suite.n), seed)
    task = bench.task(cell)
    task.world.proposer()  # a world that cannot be audited says so before anything is fitted
    data = "complete" if method == CEILING else "log"
    log = task.view(chosen.tags.track, data)
    if reason := chosen.tags.reason_to_refuse(log):
        raise Incompatible(reason)
    harness = bench.harness(cell, task, log, data, chosen.tags.track, backbone or suite.backbone)
    fitted = fit_alone(chosen, log, harness)
    return audit_reward(
        fitted.reward, task.world, search or Search(rounds=rounds), chosen.tags.calibrated, seed
    )
