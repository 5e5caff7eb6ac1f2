"""Runs and audits methods in files beside those of the repository; the code of a file stays in the sandbox.

A file's cells are planned with all others and run one after the other in this process, each in a sandbox of
its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.contract import Incompatible, UsageError
from benchmark.contract.records import set_aside
from benchmark.runs.audit import audit_method, draw_cell
from benchmark.runs.engines.work import Setting
from benchmark.runs.entrants import list_entrants
from benchmark.runs.execute import OnGroup, Summary
from benchmark.runs.options import RunOptions
from benchmark.runs.planned import PlannedRun
from benchmark.runs.run import plan_run, start_run
from benchmark.sandbox.outside.bench import SandboxBench
from benchmark.sandbox.outside.cell import Sandbox, Task
from benchmark.sandbox.outside.conversation import Conversation, Reward
from benchmark.sandbox.outside.limits import Limits
from benchmark.sandbox.outside.submission import Submission, list_catalogue_names, read_submission
from benchmark.sandbox.outside.submit import check_backbone, describe_submission
from benchmark.scoring.audit import Audit, audit_reward
from benchmark.tasks.pretraining import make_backbone
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import Suite, load_suite
from simulators.proposals import Search

AUDIT_CELLS = 10
"""An audit asks for many rewards, so a file may take as long as this many cells of the suite."""


def run_suite(
    suite: str | Path | Suite = "quick",
    store: str | Path | None = None,
    *,
    methods: Sequence[str] = (),
    scenarios: Sequence[str] = (),
    seeds: int | None = None,
    backbone: str | None = None,
    device: str = "auto",
    precision: str = "float32",
    workers: int | None = None,
    engine: str = "local",
    shard: str | None = None,
    retry: Sequence[str] = (),
    secret: bytes | None = None,
    isolation: str = "bubblewrap",
    on_plan: Callable[[PlannedRun], None] | None = None,
    on_group: OnGroup | None = None,
) -> Summary:
    """Run the methods of a suite on its scenarios; cells that are stored already are not run again.

    An interrupted run goes on where it stopped when it is called again. Call it from a script under
    ``if __name__ == "__main__":`` when ``workers`` is above 0, because worker processes import the script.

    Args:
        suite: Name of a suite, a TOML file, or a ``Suite``.
        store: Folder of the records; by default ``build/store/SUITE``, and a folder of its own for a
            run that adds scenarios to the suite.
        methods: Names, patterns or Python files to restrict to. A file holds a method of your own, which runs
            in the sandbox. The naive method and the ceiling always run too.
        scenarios: Families, patterns or ids to restrict to; a scenario that the suite lacks is added.
        seeds: World seeds 0 .. seeds - 1 are used instead of the suite's.
        backbone: What methods train on, such as ``"tiny"``; by default what the suite says.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        precision: ``"float32"``, ``"tf32"`` or ``"bfloat16"``.
        workers: Number of processes; 0 runs everything in this one, without time limits. By default one
            for each processor, or one on an accelerator.
        engine: ``"local"`` or ``"ray"``.
        shard: ``"i/n"``, the i-th of n parts.
        retry: Statuses to run again.
        secret: Key of a verified season.
        isolation: Where files run: ``"bubblewrap"``, or ``"none"`` for files you trust.
        on_plan: Called once before the first cell with what is planned.
        on_group: Called with each finished group of cells and their statuses.

    Raises:
        UsageError: If a name is unknown or a value is out of range.

    Example:
        >>> import benchmark, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     summary = benchmark.run_suite(
        ...         "quick", folder, methods=["naive"], scenarios=["null[n=100]"], seeds=1, workers=0
        ...     )
        ...     records = benchmark.read_records(folder)
        >>> summary.planned, summary.statuses["ok"]
        (3, 3)
        >>> sorted(records["method"])
        ['ceiling', 'naive', 'naive']
    """
    options = RunOptions(
        methods, scenarios, seeds, backbone, device, precision, workers, engine, shard, retry, secret
    )
    planned, submissions = _plan(suite, store, options, isolation)
    if on_plan is not None:
        on_plan(planned)
    named = [group for group in planned.plan.groups if not group.entrant.submission]
    parts = [start_run(_restrict(planned, ""), on_group=on_group)] if named else []
    for submission in submissions:
        parts.append(_run_file(planned, submission, isolation, on_group))
    return _add_up(planned, parts)


def plan(
    suite: str | Path | Suite = "quick",
    store: str | Path | None = None,
    *,
    isolation: str = "bubblewrap",
    **options: Any,
) -> PlannedRun:
    """Plan a run and say what is missing and what it would cost; nothing is written.

    Args:
        suite: Name of a suite, a TOML file, or a ``Suite``.
        store: Folder of the records; by default that of ``run_suite``.
        isolation: Where the names and tags of files are read.
        **options: The keyword arguments of ``run_suite`` from ``methods`` to ``secret``.

    Raises:
        UsageError: If a name is unknown or a value is out of range.

    Example:
        >>> import benchmark
        >>> planned = benchmark.plan("quick", methods=["naive"], scenarios=["null"], seeds=2, device="cpu")
        >>> planned.plan.n_cells, sorted(planned.methods)
        (4, ['ceiling', 'naive'])
    """
    return _plan(suite, store, RunOptions(**options), isolation)[0]


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
    isolation: str = "bubblewrap",
) -> Audit:
    """Fit a method, then search for prompts and texts that its reward gets wrong.

    It reads the truth, so it is for whoever studies a method, never part of one.

    Args:
        method: Name of a method, ``"ceiling"``, or a Python file that defines one, which runs in the sandbox.
        scenario: Family or id, such as ``"observed[strength=2]"``.
        seed: World seed, at least 0.
        n: Rows of the log; by default the scenario's own, or the suite's.
        suite: Decides season, rows and budget.
        backbone: What the method trains on; by default what the suite says.
        rounds: Rounds of the search, at least 1.
        search: How hard to look, in place of ``rounds``.
        isolation: Where a file runs: ``"bubblewrap"``, or ``"none"`` for a file you trust.

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
    if rounds < 1:
        raise UsageError("nothing to search", expected="--rounds of at least 1", found=rounds)
    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    trained_on, search = backbone or suite.backbone, search or Search(rounds=rounds)
    bench, cell, task = draw_cell(scenario, seed, n, suite)
    if not is_file(method):
        return audit_method(method, bench, cell, task, trained_on, search)
    check_backbone(suite.train_on(trained_on))
    sandbox = _open_sandbox(suite, isolation, AUDIT_CELLS)
    submission = read_submission(method, sandbox, list_catalogue_names())
    log = task.view(submission.tags.track)
    if submission.tags.track == "oracle":
        raise Incompatible("a file that buys outcomes cannot be audited")
    if reason := submission.tags.reason_to_refuse(log):
        raise Incompatible(reason)
    given = Task(
        log, task.queries, suite.budget.freeze(), make_backbone(task.domain, trained_on, None).resolve()
    )
    calibrated = submission.tags.calibrated

    def talk(reward: Reward) -> Audit:
        return audit_reward(reward, task.world, search, calibrated, seed)

    with Conversation(talk) as conversation:
        return conversation.read(sandbox.converse(submission.source, given, conversation))


def is_file(method: str) -> bool:
    """Whether a method is given as a file."""
    return str(method).endswith(".py")


def _plan(
    suite: str | Path | Suite, store: str | Path | None, options: RunOptions, isolation: str
) -> tuple[PlannedRun, list[Submission]]:
    files = [method for method in options.methods if is_file(method)]
    if not files:
        return plan_run(suite, store, options), []
    names = tuple(method for method in options.methods if not is_file(method)) or ("naive",)
    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    sandbox = _open_sandbox(suite, isolation)
    submissions = [read_submission(path, sandbox, list_catalogue_names()) for path in files]
    if len({submission.name for submission in submissions}) < len(submissions):
        raise UsageError(
            "two files define methods of one name", expected="a name of its own for each",
            found=", ".join(submission.name for submission in submissions),
        )  # fmt: skip
    entrants = [*list_entrants(), *(describe_submission(each, isolation) for each in submissions)]
    planned = plan_run(suite, store, replace(options, methods=names), entrants)
    check_backbone(planned.suite)
    return planned, submissions


def _run_file(
    planned: PlannedRun, submission: Submission, isolation: str, on_group: OnGroup | None
) -> Summary:
    """Run the cells of one file here, one after the other; older versions of the file are set aside."""
    set_aside(planned.store, submission.name, but=submission.sha256)
    setting = Setting(planned.suite, planned.device, planned.plan.precision, secret=planned.options.secret)
    bench = SandboxBench(submission.source, submission.tags, setting, _open_sandbox(planned.suite, isolation))
    return start_run(_restrict(planned, submission.sha256), lambda: bench, on_group)


def _open_sandbox(suite: Suite, isolation: str, cells: int = 1) -> Sandbox:
    return Sandbox(isolation, replace(Limits(), wall_s=cells * suite.seconds_per_cell))


def _restrict(planned: PlannedRun, submission: str) -> PlannedRun:
    """The part of a run that is one file's, which this process runs alone, or that is nobody's."""
    groups = tuple(group for group in planned.plan.groups if group.entrant.submission == submission)
    missing = tuple(group for group in planned.missing if group.entrant.submission == submission)
    part = replace(planned, plan=replace(planned.plan, groups=groups), missing=missing)
    if not submission:
        return part
    return replace(part, backbones=(), workers=0, options=replace(planned.options, engine="local"))


def _add_up(planned: PlannedRun, parts: Sequence[Summary]) -> Summary:
    statuses: Counter[str] = Counter()
    for part in parts:
        statuses.update(part.statuses)
    ran, skipped = sum(part.ran for part in parts), sum(part.skipped for part in parts)
    aside = tuple(path for part in parts for path in part.set_aside)
    return Summary(planned.store, planned.plan.n_cells, ran, skipped, dict(statuses), aside)
