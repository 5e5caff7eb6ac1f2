"""``confoundbench run`` and ``confoundbench score``."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchmark.cli.output import (
    JSON,
    SECRET,
    emit,
    format_seconds,
    note,
    progress_bar,
    read_secret,
    show_table,
)
from benchmark.contract.errors import EXIT_INCOMPLETE, EXIT_OK

if TYPE_CHECKING:
    from benchmark.runs.plan import Plan
    from benchmark.tasks.suite import Suite

STORE = typer.Option(None, "--store", help="Folder of results; by default build/store/SUITE.")
SUITE = typer.Option("quick", "--suite", help="Name of a suite, or a TOML file.")
METHOD = typer.Option([], "--method", help="Name or pattern; may be repeated.")
SCENARIO = typer.Option([], "--scenario", help="Family, pattern or id; may be repeated.")
RETRY = typer.Option(
    [], "--retry", help="Run cells of this status again: incompatible, invalid, failed, timeout, memory."
)


def run(
    suite: str = SUITE,
    method: list[str] = METHOD,
    scenario: list[str] = SCENARIO,
    seeds: int | None = typer.Option(None, "--seeds", help="Use world seeds 0 .. N-1."),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda"),
    backbone: str | None = typer.Option(
        None,
        "--backbone",
        help="What methods train on: tiny, smollm2-135m, a folder or a Hub id; by default the suite's.",
    ),
    precision: str = typer.Option("float32", "--precision", help="float32, tf32 or bfloat16"),
    engine: str = typer.Option("local", "--engine", help="local or ray"),
    workers: int | None = typer.Option(None, "--workers", help="Processes; 0 works in this process."),
    shard: str | None = typer.Option(None, "--shard", help="i/n: this part of n, for job arrays."),
    store: Path | None = STORE,
    retry: list[str] = RETRY,
    secret: str | None = SECRET,
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the plan and its cost; run nothing."),
    as_json: bool = JSON,
) -> int:
    """Run every method of a suite on every scenario; what is stored already is not run again.

    Examples: confoundbench run --suite quick; confoundbench run --method 'dpo*' --scenario observed
    --seeds 2; confoundbench run --suite core --shard 3/16 --store /scratch/core
    """
    from benchmark.runs import execute as running
    from benchmark.runs.store import Store
    from benchmark.tasks.backbones import parse_backbone
    from benchmark.tasks.suite import load_suite
    from benchmark.tasks.user_data import pin_suite

    loaded, key = open_season(pin_suite(load_suite(suite)), read_secret(secret))
    loaded = loaded.train_on(str(parse_backbone(backbone))) if backbone is not None else loaded
    plan, where = lay_out(loaded, method, scenario, seeds, device, precision)
    processes = default_workers(where) if workers is None else workers
    whole = plan
    if shard is not None:
        plan = plan.shard(shard)
    folder = store or default_store(loaded)
    if dry_run:
        return show_plan(plan, folder, processes, retry, as_json)
    opened = Store.open(folder)
    from benchmark.harness import device_class

    setting = make_setting(loaded, where, key, own_process=bool(processes), precision=precision)
    engine_run = running.choose_engine(engine, processes, setting, loaded.seconds_per_cell)
    todo = running.select_groups(plan, opened, retry)
    write_provenance(opened, plan, loaded, shard, device=where, engine=engine, precision=precision)
    opened.write_expected(whole)
    total = sum(group.seconds for group in todo)
    with progress_bar(f"{loaded.name}: backbones", total, as_json) as advance:
        running.prepare_backbones(todo, processes)
        summary = running.execute(
            plan,
            opened,
            engine_run,
            device=device_class(where),
            precision=precision,
            retry=retry,
            on_group=lambda group, _: advance(group.seconds, f"{loaded.name}: {group.entrant.name}"),
        )
    return report(opened, plan, summary, folder, as_json)


def lay_out(
    suite: Suite,
    methods: list[str],
    scenarios: list[str],
    seeds: int | None,
    device: str,
    precision: str = "float32",
) -> tuple[Plan, str]:
    """The plan of a run and the device it is for; every name is checked here."""
    from benchmark.harness import check_precision, device_class, resolve_device
    from benchmark.runs import execute as running
    from benchmark.runs.plan import make_plan
    from benchmark.tasks.prepare import check_scenario
    from benchmark.tasks.user_data import name_scenarios, pin_suite, pin_text

    where = resolve_device(device)
    check_precision(precision, where, *suite.backbones)
    suite, scenarios = pin_suite(suite), [pin_text(text) for text in scenarios]
    named = name_scenarios(scenarios, suite)
    for scenario in (*suite.scenarios, *named):
        check_scenario(scenario)
    entrants = running.list_entrants()
    context = running.key_context(
        suite, (*suite.scenarios, *named), device_class(where), precision, *suite.backbones
    )
    plan = make_plan(
        suite,
        entrants,
        scenarios=scenarios,
        methods=methods,
        seeds=seeds,
        context=context,
    )
    return plan, where


def open_season(suite: Suite, secret: bytes | None) -> tuple[Suite, bytes | None]:
    """The suite in its verified season where there is a secret, else as it is."""
    if secret is None:
        return suite, None
    from benchmark.sandbox.outside.submit import name_season

    return suite.model_copy(update={"season": name_season(suite.season, secret)}), secret


def make_setting(
    suite: Suite,
    device: str,
    secret: bytes | None = None,
    own_process: bool = True,
    precision: str = "float32",
) -> Any:
    """What makes a workbench; in a process of its own its memory is limited."""
    from functools import partial

    from benchmark.runs.engines.work import Setting, open_bench

    memory = suite.megabytes_per_worker if own_process else None

    return partial(open_bench, Setting(suite, device, precision, memory_mb=memory, secret=secret))


def write_provenance(store: Any, plan: Plan, suite: Suite, shard: str | None, **setting: str) -> None:
    """Write ``run.json`` beside the records (one a shard)."""
    from benchmark.contract.records import name_run
    from benchmark.runs.provenance import describe_run

    details = {"suite": suite.model_dump(), "shard": shard, **setting}
    store.write_json(name_run(shard), describe_run(**details, cells=plan.n_cells, groups=len(plan.groups)))


def report(store: Any, plan: Plan, summary: Any, folder: Path, as_json: bool) -> int:
    """Say what happened; incomplete where cells are missing or nothing was measured."""
    totals = Counter(status for group in plan.groups for status in store.statuses(group.key))
    complete = totals["infrastructure"] == 0 and totals["ok"] > 0
    if as_json:
        emit(
            {
                "store": str(folder),
                "planned": summary.planned,
                "ran": summary.ran,
                "skipped": summary.skipped,
                "statuses": dict(totals),
                "complete": complete,
            }
        )
    else:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(totals.items()))
        note(f"{summary.planned} cells planned, {summary.ran} run, {summary.skipped} found in the store")
        note(f"{counts or 'no cells'}; results in {folder}")
        if not totals["ok"]:
            note("nothing was measured")
    return EXIT_OK if complete else EXIT_INCOMPLETE


def show_plan(plan: Plan, folder: Path, workers: int, retry: list[str], as_json: bool) -> int:
    """Show what a run would do and about how long it would take."""
    from benchmark.runs.execute import select_groups
    from benchmark.runs.store import Store

    todo = select_groups(plan, Store(folder), retry)
    cells = sum(len(group.cells) for group in todo)
    seconds = sum(group.seconds for group in todo)
    by_method: dict[str, list[float]] = {}
    for group in todo:
        entry = by_method.setdefault(group.entrant.name, [0, 0, 0.0])
        entry[0] += 1
        entry[1] += len(group.cells)
        entry[2] += group.seconds
    if as_json:
        emit(
            {
                "cells": plan.n_cells,
                "groups": len(plan.groups),
                "missing_cells": cells,
                "missing_groups": len(todo),
                "core_seconds": seconds,
                "seconds": seconds / max(1, workers),
                "workers": workers,
                "store": str(folder),
                "methods": {
                    name: {"groups": g, "cells": c, "core_seconds": s}
                    for name, (g, c, s) in by_method.items()
                },
            }
        )
        return EXIT_OK
    rows = [[name, g, c, format_seconds(s)] for name, (g, c, s) in sorted(by_method.items())]
    show_table(f"plan of suite {plan.suite.name}", ("method", "groups", "cells", "core time"), rows)
    note(f"{plan.n_cells} cells in {len(plan.groups)} groups, {cells} still to run")
    note(f"about {format_seconds(seconds / max(1, workers))} on {max(1, workers)} workers")
    return EXIT_OK


def score(suite: str = SUITE, store: Path | None = STORE, as_json: bool = JSON) -> int:
    """Score stored predictions again, for instance after the scorer gained a metric.

    Example: confoundbench score --suite quick --store build/store/quick
    """
    from benchmark.runs.execute import rescore
    from benchmark.runs.store import Store
    from benchmark.tasks.suite import load_suite

    loaded = load_suite(suite)
    folder = store or default_store(loaded)
    opened = Store.existing(folder)
    with progress_bar("scoring", len(opened.list_keys()), as_json) as advance:
        scored = rescore(opened, loaded, lambda key: advance(1))
    if as_json:
        emit({"store": str(folder), "scored": scored})
    else:
        note(f"scored {scored} cells in {folder}")
    return EXIT_OK if scored else EXIT_INCOMPLETE


def default_store(suite: Suite) -> Path:
    """Where results of a suite go unless told otherwise."""
    from benchmark.tasks.prepare import build_folder

    return build_folder() / "store" / suite.name


def default_workers(device: str = "cpu") -> int:
    """One a processor that this process may use; on an accelerator one, which batches cells instead."""
    if device != "cpu":
        return 1
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
