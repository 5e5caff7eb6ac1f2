"""Checking and submitting a method in a file of its own.

The file is read here as text and only ever imported by a process in the sandbox. Its cells run
there one by one; what they answer is scored here and sealed into a bundle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.contract import BenchError, UsageError
from benchmark.contract.errors import EXIT_CONTRACT, EXIT_OK
from benchmark.contract.records import name_bundle, seal_bundle
from benchmark.runs.board_cells import join_board
from benchmark.runs.engines.work import Setting
from benchmark.runs.entrants import Entrant
from benchmark.runs.execute import Summary
from benchmark.runs.options import RunOptions
from benchmark.runs.plan import Cell
from benchmark.runs.planned import PlannedRun
from benchmark.runs.provenance import describe_run
from benchmark.runs.run import plan_run, start_run
from benchmark.runs.store import Store
from benchmark.sandbox.outside import Limits, Sandbox
from benchmark.sandbox.outside.author import load_key
from benchmark.sandbox.outside.bench import SandboxBench
from benchmark.sandbox.outside.cell import clean
from benchmark.sandbox.outside.submission import (
    Submission,
    check_name,
    list_catalogue_names,
    list_tags,
    read_source,
    read_submission,
)
from benchmark.tasks.backbones import LOGLINEAR, TINY, parse_backbone
from benchmark.tasks.seasons import open_season
from benchmark.tasks.suite import Suite, load_suite

FOLDER = "submissions"
CHECK_STATUSES = ("passed", "failed", "skipped")


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one contract check.

    Attributes:
        name: Name of the check.
        status: "passed", "failed" or "skipped".
        reason: Why it failed or was skipped.
    """

    name: str
    status: str
    reason: str = ""


@dataclass(frozen=True)
class CheckReport:
    """Outcome of all contract checks of a file.

    Attributes:
        file: Name of the file.
        method: Name of the method, or empty where it does not load.
        isolation: Where it ran.
        results: One result a check.
    """

    file: str
    method: str
    isolation: str
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed and at least one passed."""
        statuses = {result.status for result in self.results}
        return "failed" not in statuses and "passed" in statuses

    @property
    def exit_code(self) -> int:
        """0 if the file may be submitted, 4 if it breaks the contract."""
        return EXIT_OK if self.passed else EXIT_CONTRACT


@dataclass(frozen=True)
class Bundle:
    """A sealed submission.

    Attributes:
        folder: Where it lies; give this to ``confoundbench leaderboard add``.
        manifest: What ran, where and how; not ranked.
        statuses: Cells by status.
        board: Folder of the board whose cells were run, or None.
        reasons: Why cells are not ``ok``: how many cells give each reason, the most frequent first.
    """

    folder: Path
    manifest: dict[str, Any]
    statuses: dict[str, int]
    board: Path | None = None
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether something was measured and no cell was lost to the machine."""
        return self.statuses.get("ok", 0) > 0 and not self.statuses.get("infrastructure", 0)


def check_file(path: str | Path, isolation: str = "bubblewrap", limits: Limits | None = None) -> CheckReport:
    """Run the contract checks on a file, inside the sandbox.

    Args:
        path: A Python file that defines one method.
        isolation: ``"bubblewrap"``, or ``"none"`` for a file you trust.
        limits: What the checks may use.

    Raises:
        UsageError: If there is no such file or it is not Python.
        InfrastructureError: If the sandbox does not work here.
    """
    sandbox = Sandbox(isolation, limits or Limits())
    source = read_source(path)
    report = partial(CheckReport, Path(path).name, isolation=isolation)
    loaded = sandbox.describe(source)
    if loaded.status != "ok":
        return report(method="", results=(CheckResult("loads", "failed", loaded.reason),))
    name = clean(str(loaded.fields.get("name")))
    results = [CheckResult("loads", "passed"), _check_name(name)]
    checked = sandbox.check(source)
    if checked.status != "ok":
        results.append(CheckResult("checks-finish", "failed", f"{checked.status}: {checked.reason}"))
    else:
        results += _read_results(checked.fields.get("results"))
    return report(method=name, results=tuple(results))


def submit_file(
    path: str | Path,
    suite: str | Path | Suite = "quick",
    out: str | Path = FOLDER,
    *,
    isolation: str = "bubblewrap",
    limits: Limits | None = None,
    scenarios: Sequence[str] = (),
    seeds: int | None = None,
    backbone: str | None = None,
    device: str = "cpu",
    precision: str = "float32",
    retry: Sequence[str] = (),
    secret: bytes | None = None,
    backbones: Path | None = None,
    key: str | Path | None = None,
    board: str | Path | None = None,
    on_note: Callable[[str], None] | None = None,
    on_plan: Callable[[PlannedRun], None] | None = None,
    on_cell: Callable[[Cell, str], None] | None = None,
) -> Bundle:
    """Run a file's cells in the sandbox, score them here and seal the bundle.

    A submission that was interrupted goes on where it stopped when it is called again.

    Args:
        path: A Python file that defines one method.
        suite: Name of a suite, a TOML file, or a ``Suite``.
        out: Folder in which the bundle's own folder is made.
        isolation: ``"bubblewrap"``, or ``"none"`` for a file you trust; stamped into every record.
        limits: What a cell may use; by default the suite's seconds a cell.
        scenarios: Families, patterns or ids to restrict to; a scenario that the suite lacks is added.
        seeds: World seeds 0 .. seeds - 1 are used instead of the suite's.
        backbone: What the method trains on; by default what the suite says. It must be
            ``"tiny"`` or ``"loglinear"`` with the encoder of words.
        device: ``"cpu"`` or ``"cuda"``.
        precision: ``"float32"``, ``"tf32"`` or ``"bfloat16"``.
        retry: Statuses to run again.
        secret: Key of a verified season, whose worlds nobody can draw in advance.
        backbones: Parent folder of the pretrained backbones.
        key: File with the author's key, which signs the bundle; by default one in the author's home.
        board: Folder of the records of a board; its cells are run, so that the bundle can be added to it.
            By default the published board's, where it is of this suite. ``scenarios``, ``seeds`` and
            ``backbone`` choose cells of their own instead.
        on_note: Called with a sentence on which cells are run.
        on_plan: Called once before the first cell with what is planned.
        on_cell: Called with each finished cell and its status.

    Raises:
        UsageError: If the file, its name, the suite, a scenario, the backbone or a pattern is bad.
        ContractError: If the file does not load.
        InfrastructureError: If the sandbox does not work here.

    Example:
        A trusted file without a wall; leave ``isolation`` out for any other.

        >>> import benchmark, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     bundle = benchmark.submit_file(
        ...         "examples/my_method.py", "quick", folder, isolation="none",
        ...         scenarios=["observed[n=300]"], seeds=1,
        ...     )
        >>> bundle.statuses
        {'ok': 2}
    """
    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    author = load_key(key)
    sandbox = Sandbox(isolation, limits or Limits.of_cell(suite.seconds_per_cell))
    submission = read_submission(path, sandbox, list_catalogue_names())
    options = RunOptions((), scenarios, seeds, backbone, device, precision, 0, retry=retry, secret=secret)
    folder = Path(out) / name_bundle(submission.name, submission.sha256)
    # Every cell is a group of its own, so that an interruption costs one cell at most.
    joined, place, why = suite, None, ""
    if board is not None or not (scenarios or seeds or backbone):
        joined, place, why = join_board(open_season(suite, secret), board, secret)
        joined = joined.model_copy(update={"season": suite.season})
    if why and on_note is not None:
        on_note(why)
    each = joined.model_copy(update={"group_size": 1})
    planned = plan_run(each, folder, options, [describe_submission(submission, isolation)])
    check_backbone(planned.suite)
    if on_plan is not None:
        on_plan(planned)
    setting = Setting(planned.suite, planned.device, precision, backbones, secret=secret)
    bench = SandboxBench(submission.source, submission.tags, setting, sandbox, on_cell)
    summary = start_run(replace(planned, backbones=()), lambda: bench)
    return replace(_seal(summary, submission, planned, sandbox, author), board=place)


def check_backbone(suite: Suite) -> None:
    """Refuse a suite whose methods train on something that the sandbox does not hold."""
    others = [name for name in suite.backbones if not parse_backbone(name).contained]
    if others:
        raise UsageError(
            "a submitted file cannot train on this backbone",
            expected=f"a suite on the backbone {TINY!r} or {LOGLINEAR!r}, with the encoder of words",
            found=", ".join(others),
            fix=f"pass --backbone {TINY}",
        )


def describe_submission(submission: Submission, isolation: str) -> Entrant:
    """A submission as a plan names it; never a control, whatever its tags say."""
    tags = submission.tags
    return Entrant(
        name=submission.name,
        fingerprint=f"submission, isolation {isolation}",
        label=submission.name,
        track=tags.track,
        policy=tags.policy,
        adjusts=tags.adjusts,
        calibrated=tags.calibrated,
        submission=submission.sha256,
    )


def _seal(
    summary: Summary, submission: Submission, planned: PlannedRun, sandbox: Sandbox, key: bytes
) -> Bundle:
    suite = planned.suite
    about = describe_run(
        suite=suite.name, suite_version=suite.version, season=suite.season, device=planned.device
    )
    statuses = dict(sorted(summary.statuses.items()))
    details = {
        "isolation": sandbox.isolation,
        "layers": list(sandbox.layers),
        "limits": asdict(sandbox.limits),
        "statuses": statuses,
        "tags": list_tags(submission.tags),
    }
    manifest = seal_bundle(summary.store, submission.name, submission.source, {**about, **details}, key)
    return Bundle(summary.store, manifest, statuses, reasons=_count_reasons(summary.store))


def _count_reasons(folder: Path) -> dict[str, int]:
    table = Store.existing(folder).read_records()
    named = zip(table.column("status").to_pylist(), table.column("reason").to_pylist(), strict=True)
    return dict(Counter(f"{status}: {reason}" for status, reason in named if status != "ok").most_common())


def _read_results(found: Any) -> list[CheckResult]:
    """Results of checks as they came out of the sandbox, where submitted code may have written them."""
    results = []
    for row in found if isinstance(found, list) else [found]:
        parts = [row.get(part) if isinstance(row, dict) else None for part in ("name", "status", "reason")]
        if not all(isinstance(part, str) for part in parts) or parts[1] not in CHECK_STATUSES:
            return [
                CheckResult("checks-finish", "failed", "the checks did not come back as a list of results")
            ]
        results.append(CheckResult(*(clean(str(part)) for part in parts)))
    return results


def _check_name(name: str) -> CheckResult:
    try:
        check_name(name, list_catalogue_names())
    except BenchError as error:
        return CheckResult("name-is-free", "failed", f"{error.what}: {error.expected}")
    return CheckResult("name-is-free", "passed")


__all__ = [
    "Bundle",
    "CheckReport",
    "CheckResult",
    "Submission",
    "check_file",
    "submit_file",
]
