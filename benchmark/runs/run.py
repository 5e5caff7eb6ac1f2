"""Plans a suite's run, says what is missing and what it would cost, and runs it.

``plan_run`` and ``run_suite`` are what ``confoundbench run`` calls. A submission takes the same path with
entrants and a workbench of its own. Nothing here prints.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.contract import UsageError, unknown_name
from benchmark.contract.records import name_run
from benchmark.runs.backbones import list_backbones, make_backbones
from benchmark.runs.engines.base import WorkbenchFactory, run_inline
from benchmark.runs.entrants import Entrant, list_entrants
from benchmark.runs.execute import Engine, Execution, OnGroup, execute, select_groups
from benchmark.runs.plan import Group, Plan, make_plan
from benchmark.runs.provenance import component_versions, describe_run
from benchmark.runs.store import Store
from benchmark.tasks.backbones import parse_backbone
from benchmark.tasks.prepare import check_scenario, domain_of
from benchmark.tasks.pretraining import hash_backbone
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.seasons import open_season
from benchmark.tasks.suite import Suite, load_suite
from benchmark.tasks.user_data import build_folder, name_scenarios, pin_suite, pin_text

ENGINES = ("local", "ray")
PRETRAINING_SECONDS = 30.0
"""About what one tiny decoder takes on one core."""


@dataclass(frozen=True)
class PlannedRun:
    """A run before it starts.

    Attributes:
        plan: What this run, or this shard of it, holds.
        whole: The plan before any sharding.
        missing: Groups of cells that are not in the store, or are to be run again.
        backbones: Backbones that the missing cells train on and that must be made first, as
            (text domain, name).
        store: Folder of the records.
        device: Where methods train, such as ``"cpu"`` or ``"cuda:0"``.
        workers: Number of processes; 0 stands for this one.
        engine: ``"local"`` or ``"ray"``.
        retry: Statuses to run again.
        shard: ``"i/n"``, or None for the whole plan.
        secret: Key of a verified season, or None for public worlds.
    """

    plan: Plan
    whole: Plan
    missing: tuple[Group, ...]
    backbones: tuple[tuple[str, str], ...]
    store: Path
    device: str
    workers: int
    engine: str = "local"
    retry: tuple[str, ...] = ()
    shard: str | None = None
    secret: bytes | None = field(default=None, repr=False)

    @property
    def suite(self) -> Suite:
        """The suite as it is run: pinned, in its season, on its backbone."""
        return self.plan.suite

    @property
    def missing_cells(self) -> int:
        """Cells that are still to run."""
        return sum(len(group.cells) for group in self.missing)

    @property
    def core_seconds(self) -> float:
        """Estimated cost of what is missing on one core, seconds, pretraining included."""
        return PRETRAINING_SECONDS * len(self.backbones) + sum(group.seconds for group in self.missing)

    @property
    def seconds(self) -> float:
        """Estimated wall time, seconds."""
        return self.core_seconds / max(1, self.workers)

    @property
    def methods(self) -> dict[str, dict[str, float]]:
        """Missing groups, cells and core seconds of each method, by name."""
        found: dict[str, dict[str, float]] = {}
        for group in sorted(self.missing, key=lambda group: group.entrant.name):
            entry = found.setdefault(group.entrant.name, {"groups": 0, "cells": 0, "core_seconds": 0.0})
            entry["groups"] += 1
            entry["cells"] += len(group.cells)
            entry["core_seconds"] += group.seconds
        return found

    def as_dict(self) -> dict[str, Any]:
        """The run as plain data."""
        return {
            "suite": self.suite.name,
            "cells": self.plan.n_cells,
            "groups": len(self.plan.groups),
            "missing_cells": self.missing_cells,
            "missing_groups": len(self.missing),
            "backbones": [list(entry) for entry in self.backbones],
            "core_seconds": self.core_seconds,
            "seconds": self.seconds,
            "workers": self.workers,
            "store": str(self.store),
            "methods": self.methods,
        }


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes:
        store: Folder of the records.
        planned: Cells of the plan.
        ran: Cells that were run now.
        skipped: Cells that were found in the store.
        statuses: Cells of the plan that the store now holds, by status.
    """

    store: Path
    planned: int
    ran: int
    skipped: int
    statuses: Mapping[str, int]

    @property
    def complete(self) -> bool:
        """Whether something was measured and no cell was lost to the machine."""
        return self.statuses.get("ok", 0) > 0 and not self.statuses.get("infrastructure", 0)

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain data."""
        return {
            "store": str(self.store),
            "planned": self.planned,
            "ran": self.ran,
            "skipped": self.skipped,
            "statuses": dict(self.statuses),
            "complete": self.complete,
        }


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
        methods: Names or patterns to restrict to. The naive method and the ceiling always run too.
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
        (2, 2)
        >>> sorted(records["method"])
        ['ceiling', 'naive']
    """
    planned = plan_run(
        suite,
        store,
        methods=methods,
        scenarios=scenarios,
        seeds=seeds,
        backbone=backbone,
        device=device,
        precision=precision,
        workers=workers,
        engine=engine,
        shard=shard,
        retry=retry,
        secret=secret,
    )
    if on_plan is not None:
        on_plan(planned)
    return start_run(planned, on_group=on_group)


def plan_run(
    suite: str | Path | Suite = "quick",
    store: str | Path | None = None,
    *,
    entrants: Sequence[Entrant] | None = None,
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
) -> PlannedRun:
    """Plan a run and say what is missing and what it would cost; nothing is written.

    Args:
        suite: Name of a suite, a TOML file, or a ``Suite``.
        store: Folder of the records.
        entrants: What is run in place of the repository's methods, such as a submission.
        methods: As in ``run_suite``, like all arguments below.
        scenarios: As in ``run_suite``.
        seeds: As in ``run_suite``.
        backbone: As in ``run_suite``.
        device: As in ``run_suite``.
        precision: As in ``run_suite``.
        workers: As in ``run_suite``.
        engine: As in ``run_suite``.
        shard: As in ``run_suite``.
        retry: As in ``run_suite``.
        secret: As in ``run_suite``.

    Raises:
        UsageError: If a name is unknown or a value is out of range.

    Example:
        >>> import benchmark
        >>> planned = benchmark.plan("quick", methods=["naive"], scenarios=["null"], seeds=2, device="cpu")
        >>> planned.plan.n_cells, sorted(planned.methods)
        (4, ['ceiling', 'naive'])
    """
    from benchmark.harness import check_precision, device_class, resolve_device

    place = resolve_device(device)
    count = default_workers(place) if workers is None else check_workers(workers)
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    loaded = suite if isinstance(suite, Suite) else load_suite(suite)
    suite = open_season(pin_suite(loaded), secret)
    suite = suite if backbone is None else suite.train_on(str(parse_backbone(backbone)))
    check_precision(precision, place, *suite.backbones)
    patterns = [pin_text(text) for text in scenarios]
    named = name_scenarios(patterns, suite)
    for scenario in (*suite.scenarios, *named):
        check_scenario(scenario)
    content = describe_context(
        suite, (*suite.scenarios, *named), device_class(place), precision, *suite.backbones
    )
    runners = list_entrants() if entrants is None else entrants
    whole = make_plan(suite, runners, scenarios=patterns, methods=methods, seeds=seeds, context=content)
    whole = whole.measured_on(device_class(place), precision)
    part = whole if shard is None else whole.shard(shard)
    folder = default_store(suite, whole.scenarios) if store is None else Path(store)
    missing = select_groups(part, Store(folder).read_index(), retry)
    return PlannedRun(
        part, whole, missing, list_backbones(missing), folder, place, count, engine,
        tuple(retry), shard, secret,
    )  # fmt: skip


def start_run(
    planned: PlannedRun,
    workbench: WorkbenchFactory | None = None,
    on_group: OnGroup | None = None,
) -> Summary:
    """Run what is missing of a planned run.

    Args:
        planned: The run.
        workbench: Makes what runs the cells; by default the workbench of repository methods.
        on_group: Called with each finished group of cells and their statuses.
    """
    store = Store.open(planned.store)
    engine = choose_engine(planned, workbench or repository_workbench(planned))
    write_provenance(store, planned)
    store.write_expected(planned.whole)
    make_backbones(planned.backbones, planned.workers)
    done: Execution = execute(planned.plan, store, engine, retry=planned.retry, on_group=on_group)
    return Summary(planned.store, done.planned, done.ran, done.skipped, done.stored)


def repository_workbench(planned: PlannedRun) -> WorkbenchFactory:
    """What makes the workbench of repository methods; in a process of its own its memory is limited."""
    from benchmark.runs.engines.work import Setting, open_bench

    setting = Setting(
        planned.suite,
        planned.device,
        planned.plan.precision,
        memory_mb=planned.suite.megabytes_per_worker if planned.workers else None,
        secret=planned.secret,
    )
    return partial(open_bench, setting)


def choose_engine(planned: PlannedRun, factory: WorkbenchFactory) -> Engine:
    """The engine of a planned run."""
    seconds = planned.suite.seconds_per_cell
    if planned.engine == "ray":
        from benchmark.runs.engines.ray import run_ray

        return partial(run_ray, factory=factory, workers=planned.workers, seconds_per_cell=seconds)
    if planned.workers == 0:
        return partial(run_inline, factory=factory)
    from benchmark.runs.engines.local import run_local

    return partial(run_local, factory=factory, workers=planned.workers, seconds_per_cell=seconds)


def describe_context(
    suite: Suite, scenarios: Sequence[Scenario], device: str, precision: str, *backbones: str
) -> dict[str, Any]:
    """What goes into every group's key beside the group's own content."""
    domains = sorted({domain_of(scenario) for scenario in scenarios})
    made = {name: {domain: hash_backbone(domain, name) for domain in domains} for name in backbones}
    return {
        "components": component_versions(),
        "backbones": made if len(made) != 1 else next(iter(made.values())),
        "device": device,
        "precision": precision,
        "suite": [suite.name, suite.version],
    }


def write_provenance(store: Store, planned: PlannedRun) -> None:
    """Write ``run.json`` beside the records (one a shard)."""
    about = describe_run(
        suite=planned.suite.model_dump(),
        shard=planned.shard,
        device=planned.device,
        engine=planned.engine,
        precision=planned.plan.precision,
        cells=planned.plan.n_cells,
        groups=len(planned.plan.groups),
    )
    store.write_json(name_run(planned.shard), about)


# -- defaults -----------------------------------------------------------------
def default_store(suite: Suite, scenarios: Sequence[Scenario] = ()) -> Path:
    """The default folder for the records of a suite.

    Args:
        suite: The suite.
        scenarios: Scenarios of the run. Those that the suite lacks give the run a folder of its own, so
            that the suite's records stay comparable with each other.
    """
    added = sorted({scenario.id for scenario in scenarios} - {scenario.id for scenario in suite.scenarios})
    name = suite.name
    if added:
        name += "-with-" + hashlib.sha256("\n".join(added).encode()).hexdigest()[:8]
    return build_folder() / "store" / name


def default_workers(device: str = "cpu") -> int:
    """One for each processor that this process may use; one on an accelerator, which batches cells."""
    if device != "cpu":
        return 1
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def check_workers(workers: int) -> int:
    """The number of workers, checked.

    Raises:
        UsageError: If it is negative.
    """
    if workers < 0:
        raise UsageError(
            "the number of workers is negative", expected="--workers of at least 0", found=workers
        )
    return workers
