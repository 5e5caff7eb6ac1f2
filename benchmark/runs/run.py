"""Plans a suite's run, says what is missing and what it would cost, and runs it.

``confoundbench run`` and a submission take the same path, with entrants and a workbench of their own.
Nothing here prints.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.contract.records import name_run
from benchmark.runs.backbones import list_backbones, make_backbones
from benchmark.runs.engines.base import WorkbenchFactory, run_inline
from benchmark.runs.engines.script import check_script
from benchmark.runs.entrants import Entrant, list_entrants
from benchmark.runs.execute import Engine, OnGroup, Summary, execute, select_groups, summarise
from benchmark.runs.options import RunOptions
from benchmark.runs.plan import make_plan
from benchmark.runs.planned import PlannedRun
from benchmark.runs.provenance import component_versions, describe_run
from benchmark.runs.store import Store
from benchmark.tasks.backbones import parse_backbone
from benchmark.tasks.prepare import check_scenario, domain_of
from benchmark.tasks.pretraining import hash_backbone
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.seasons import open_season
from benchmark.tasks.suite import Suite, load_suite
from benchmark.tasks.user_data import build_folder, name_scenarios, pin_suite, pin_text


def plan_run(
    suite: str | Path | Suite,
    store: str | Path | None,
    options: RunOptions,
    entrants: Sequence[Entrant] | None = None,
) -> PlannedRun:
    """Plan a run and say what is missing and what it would cost; nothing is written.

    Args:
        suite: Name of a suite, a TOML file, or a ``Suite``.
        store: Folder of the records; by default ``default_store``.
        options: What is asked for.
        entrants: Who is planned; by default every method of the repository.

    Raises:
        UsageError: If a name is unknown or a value is out of range.
    """
    from benchmark.harness import check_precision, device_class, resolve_device

    device = resolve_device(options.device)
    kind, workers = device_class(device), options.count_workers(device)
    loaded = suite if isinstance(suite, Suite) else load_suite(suite)
    suite = open_season(pin_suite(loaded), options.secret)
    if options.backbone is not None:
        suite = suite.train_on(str(parse_backbone(options.backbone)))
    check_precision(options.precision, device, *suite.backbones)
    patterns = [pin_text(text) for text in options.scenarios]
    scenarios = (*suite.scenarios, *name_scenarios(patterns, suite))
    for scenario in scenarios:
        check_scenario(scenario)
    cells = make_plan(
        suite,
        list_entrants() if entrants is None else entrants,
        scenarios=patterns,
        methods=options.methods,
        seeds=options.seeds,
        context=describe_context(suite, scenarios, kind, options.precision),
    )
    whole = replace(cells, device=kind, precision=options.precision)
    part = whole if options.shard is None else whole.shard(options.shard)
    folder = default_store(suite, whole.scenarios) if store is None else Path(store)
    index = Store(folder).read_index()
    missing, damaged = select_groups(part, index, options.retry), tuple(index.damaged.values())
    made = list_backbones(missing)
    return PlannedRun(part, whole, missing, made, folder, device, workers, options, damaged)


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
    if not planned.missing and not planned.damaged:
        return summarise(planned.plan, Store(planned.store))  # the store need not be writable
    if planned.workers:
        check_script()
    store = Store.open(planned.store)
    engine = choose_engine(planned, workbench or repository_workbench(planned))
    write_provenance(store, planned)
    store.write_expected(planned.whole)
    make_backbones(planned.backbones, planned.workers)
    return execute(planned.plan, store, engine, retry=planned.options.retry, on_group=on_group)


def repository_workbench(planned: PlannedRun) -> WorkbenchFactory:
    """What makes the workbench of repository methods; in a process of its own its memory is limited."""
    from benchmark.runs.engines.work import Setting, open_bench

    setting = Setting(
        planned.suite,
        planned.device,
        planned.plan.precision,
        memory_mb=planned.suite.megabytes_per_worker if planned.workers else None,
        secret=planned.options.secret,
    )
    return partial(open_bench, setting)


def choose_engine(planned: PlannedRun, factory: WorkbenchFactory) -> Engine:
    """The engine of a planned run."""
    if planned.workers == 0:
        return partial(run_inline, factory=factory)
    if planned.options.engine == "ray":
        from benchmark.runs.engines.ray import run_ray as run_workers
    else:
        from benchmark.runs.engines.local import run_local as run_workers
    # How many processors a cluster has is not known before the engine has found it.
    everywhere = planned.options.engine == "ray" and planned.options.workers is None
    return partial(
        run_workers,
        factory=factory,
        workers=0 if everywhere else planned.workers,
        seconds_per_cell=planned.suite.seconds_per_cell,
        backbones=planned.suite.backbones,
    )


def describe_context(
    suite: Suite, scenarios: Sequence[Scenario], device: str, precision: str
) -> dict[str, Any]:
    """What goes into every group's key beside the group's own content."""
    domains = sorted({domain_of(scenario) for scenario in scenarios})
    made = {name: {domain: hash_backbone(domain, name) for domain in domains} for name in suite.backbones}
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
        shard=planned.options.shard,
        device=planned.device,
        engine=planned.options.engine,
        precision=planned.plan.precision,
        cells=planned.plan.n_cells,
        groups=len(planned.plan.groups),
    )
    store.write_json(name_run(planned.options.shard), about)


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
