"""Checking and submitting a method in a file of its own.

The file is read here as text and only ever imported by a process in the sandbox. Its cells run
there one by one; what they answer is scored here and sealed into a bundle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.contract import BenchError, UsageError
from benchmark.contract.errors import EXIT_CONTRACT, EXIT_OK
from benchmark.contract.records import name_bundle, read_bundle, seal_bundle
from benchmark.runs.plan import Cell, Entrant, make_plan
from benchmark.sandbox.inside.runner import load_method
from benchmark.sandbox.outside import Limits, Sandbox
from benchmark.sandbox.outside.bench import SandboxBench
from benchmark.sandbox.outside.submission import Submission, check_name, read_source, read_submission
from benchmark.tasks.suite import Suite, load_suite

FOLDER = "submissions"


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
    """

    folder: Path
    manifest: dict[str, Any]
    statuses: dict[str, int]


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
    name = str(loaded.fields.get("name"))
    results = [CheckResult("loads", "passed"), _check_name(name)]
    checked = sandbox.check(source)
    if checked.status != "ok":
        results.append(CheckResult("checks-finish", "failed", f"{checked.status}: {checked.reason}"))
    for found in checked.fields.get("results", ()):
        results.append(CheckResult(*(str(found.get(part, "")) for part in ("name", "status", "reason"))))
    return report(method=name, results=tuple(results))


def submit_file(
    path: str | Path,
    suite: str | Path | Suite = "quick",
    out: str | Path = FOLDER,
    *,
    isolation: str = "bubblewrap",
    limits: Limits | None = None,
    device: str = "cpu",
    seeds: int | None = None,
    scenarios: Sequence[str] = (),
    retry: Sequence[str] = (),
    secret: bytes | None = None,
    backbones: Path | None = None,
    on_cell: Callable[[Cell, str], None] | None = None,
    on_plan: Callable[[int], None] | None = None,
) -> Bundle:
    """Run a file's cells in the sandbox, score them here and seal the bundle.

    A submission that was interrupted goes on where it stopped.

    Args:
        path: A Python file that defines one method.
        suite: Suite, by name, file or value.
        out: Folder in which the bundle's own folder is made.
        isolation: ``"bubblewrap"``, or ``"none"`` for a file you trust; stamped into every record.
        limits: What a cell may use; by default the suite's seconds a cell.
        device: ``"cpu"`` or ``"cuda"``.
        seeds: Use world seeds 0 .. seeds - 1 instead of the suite's.
        scenarios: Patterns or ids to restrict to.
        retry: Statuses to run again.
        secret: Key of a verified season, whose worlds nobody can draw in advance.
        backbones: Parent folder of the pretrained backbones.
        on_cell: Called with each finished cell and its status.
        on_plan: Called once with the number of cells planned.

    Raises:
        UsageError: If the file, its name, the suite or a pattern is bad.
        ContractError: If the file does not load.
        InfrastructureError: If the sandbox does not work here.
    """
    from benchmark.runs.engines.base import run_inline
    from benchmark.runs.execute import execute, key_context
    from benchmark.runs.store import Store
    from benchmark.tasks.user_data import pin_suite

    suite = pin_suite(suite if isinstance(suite, Suite) else load_suite(suite))
    if secret is not None:
        suite = suite.model_copy(update={"season": name_season(suite.season, secret)})
    sandbox = Sandbox(isolation, limits or replace(Limits(), wall_s=suite.seconds_per_cell))
    submission = read_submission(path, sandbox, _catalogue_names())
    entrant = describe_submission(submission, isolation)
    shared = key_context(suite, suite.scenarios, device, "float32", "tiny")
    plan = make_plan(suite, [entrant], scenarios=scenarios, seeds=seeds, backbone="tiny", context=shared)
    if on_plan is not None:
        on_plan(plan.n_cells)
    bench = SandboxBench(submission.source, suite, sandbox, device, secret, backbones, on_cell)
    store = Store.open(Path(out) / name_bundle(submission.name, submission.sha256))
    execute(plan, store, partial(run_inline, factory=lambda: bench), device=device, retry=retry)
    return _seal(store.folder, submission, suite, sandbox, device)


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


def name_season(season: str, secret: bytes) -> str:
    """The name of a verified season: it carries the commitment to the secret that draws its worlds."""
    if len(secret) < 16:
        raise UsageError("the season's secret is too short", expected="at least 16 bytes", found=len(secret))
    return f"{season}-verified-{commit_to(secret)[:16]}"


def commit_to(secret: bytes) -> str:
    """What is published of a secret while its season runs: SHA-256, hexadecimal."""
    return hashlib.sha256(secret).hexdigest()


def _seal(folder: Path, submission: Submission, suite: Suite, sandbox: Sandbox, device: str) -> Bundle:
    from benchmark.runs.provenance import describe_run
    from benchmark.runs.store import Store

    found = Store.existing(folder).read_records().column("status").to_pylist()
    statuses = {status: found.count(status) for status in sorted(set(found))}
    about = describe_run(suite=suite.name, suite_version=suite.version, season=suite.season, device=device)
    details = {"isolation": sandbox.isolation, "layers": list(sandbox.layers), "statuses": statuses}
    limits = {"limits": sandbox.limits.as_dict()}
    manifest = seal_bundle(folder, submission.name, submission.source, {**about, **details, **limits})
    return Bundle(folder, manifest, statuses)


def _check_name(name: str) -> CheckResult:
    try:
        check_name(name, _catalogue_names())
    except BenchError as error:
        return CheckResult("name-is-free", "failed", f"{error.what}: {error.expected}")
    return CheckResult("name-is-free", "passed")


def _catalogue_names() -> frozenset[str]:
    from methods import list_methods

    return frozenset(method.name for method in list_methods())


__all__ = [
    "Bundle",
    "CheckReport",
    "CheckResult",
    "Submission",
    "check_file",
    "commit_to",
    "load_method",
    "name_season",
    "read_bundle",
    "submit_file",
]
