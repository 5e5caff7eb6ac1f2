"""Does an accelerator give the processor's answers, and how much faster? ``python -m tests.perf.gpu_check``.

Correctness first (stacked = alone, accelerator = processor), then ratios in one run, then a
whole suite with its time and peak memory: one table and one JSON file. Needs neither
``datasets`` nor ``trl``; where they are missing, a hand-written loop over a transformers
Llama stands in for TRL. With ``--dry-run`` everything is small, for a processor alone.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).resolve().parents[2] / "leaderboard" / "results" / "gpu"
SCENARIO = "observed[strength=1]"
DRY_METHODS = ("naive", "covariate-regression", "sft", "dpo-raw", "cpo")
POLL_SECONDS = 0.2
SIGNS = (("<=", "most"), (">=", "least"))
# What the whole core suite is to reach on one large accelerator.
SECONDS, ALIGNMENTS, TIMES = 600.0, 7000.0, 50.0
WIDTH = 110
DEVICE = typer.Option("auto", "--device", help="auto, cpu, cuda or cuda:N")
SUITE = typer.Option("core", "--suite", help="Suite to run whole.")
WORKERS = typer.Option(None, "--workers", help="Processes that share the device; one a processor by default.")
OUT = typer.Option(FOLDER, "--out", help="Folder of the JSON file.")
STORE = typer.Option(None, "--store", help="Folder of the suite's records; by default a passing one.")
DRY_RUN = typer.Option(False, "--dry-run", help="Everything small, to see that it works.")


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        members: Sizes of the ensembles compared with a loop.
        looped: Fits of the loop.
        rows: Rows of a log in the correctness checks and ratios.
        steps: Optimiser steps of a fit.
        dry: Whether the suite is cut down as well.
    """

    members: tuple[int, ...] = (16, 64, 256)
    looped: int = 20
    rows: int = 4000
    steps: int = 60
    dry: bool = False


DRY = Size(members=(4,), looped=2, rows=400, steps=10, dry=True)


@dataclass
class Report:
    """What was found: rows of the table, in order, and whether every check passed."""

    device: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        part: str,
        what: str,
        value: float,
        unit: str = "",
        most: float | None = None,
        least: float | None = None,
    ) -> None:
        """Note a figure; one with a bound is a check that it stays within it."""
        bounded = most is not None or least is not None
        inside = (most is None or value <= most) and (least is None or value >= least)
        row = {"part": part, "what": what, "value": value, "unit": unit, "most": most, "least": least}
        self.rows.append({**row, "passed": bool(inside) if bounded else None})

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(row["passed"] is not False for row in self.rows)

    def table(self) -> Table:
        """The report as a table."""
        table = Table(title=f"accelerator check: {self.device}")
        for name in ("part", "what", "value", "unit", "bound", ""):
            table.add_column(name, justify="right" if name in ("value", "bound") else "left", no_wrap=True)
        for row in self.rows:
            bounds = [f"{sign} {row[name]:.4g}" for sign, name in SIGNS if row[name] is not None]
            verdict = "" if row["passed"] is None else "ok" if row["passed"] else "FAILED"
            value = f"{row['value']:.4g}"
            table.add_row(row["part"], row["what"], value, row["unit"], " ".join(bounds), verdict)
        return table


@dataclass(frozen=True, eq=False)
class Material:
    """Logs, questions and a backbone for the checks and ratios."""

    logs: tuple[Any, ...]
    queries: Any
    backbone: Any
    steps: int

    def tasks(self, count: int, device: str, precision: str = "float32") -> list[tuple[Any, Any]]:
        """Fresh (log, harness) pairs; each has streams and a cache of its own."""
        from benchmark.contract import Budget
        from benchmark.harness import Harness

        budget = Budget(steps=self.steps)
        return [
            (
                self.logs[k % len(self.logs)],
                Harness(self.backbone, budget, ("check", str(k)), device, precision=precision),
            )
            for k in range(count)
        ]


def prepare(size: Size) -> Material:
    """Draw four worlds and load their backbone."""
    from benchmark.harness import Backbone
    from benchmark.tasks.prepare import make_task
    from benchmark.tasks.pretraining import make_backbone
    from benchmark.tasks.scenario import Scenario
    from benchmark.tasks.suite import load_suite

    suite = load_suite("quick")
    tasks = [make_task(Scenario.parse(SCENARIO).with_rows(size.rows), seed, suite) for seed in range(4)]
    backbone = Backbone.load(make_backbone(tasks[0].domain))
    return Material(tuple(task.view() for task in tasks), tasks[0].queries, backbone, size.steps)


def timed(action: Callable[[], Any], device: str, rounds: int = 3, warm: bool = True) -> float:
    """Least seconds of an action, the device's own work included; once more beforehand to warm up."""
    import torch

    seconds = []
    for _ in range(rounds + warm):
        begun = time.perf_counter()
        action()
        if device != "cpu":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - begun)
    return min(seconds[int(warm) :])


def spread(first: np.ndarray, second: np.ndarray) -> float:
    """Root mean squared difference in standard deviations of the first."""
    return float(np.sqrt(((first - second) ** 2).mean()) / first.std())


def check_answers(report: Report, material: Material, device: str) -> None:
    """Stacked fits give what fits alone give; the accelerator gives what the processor gives."""
    from benchmark.harness import drive
    from methods import load

    prompts, texts = material.queries.prompts[:512], material.queries.texts[:512]
    own, other = (task[1] for task in (material.tasks(1, device)[0], material.tasks(1, "cpu")[0]))
    scored, expected = own.reference(prompts, texts), other.reference(prompts, texts)
    report.add(
        "answers", "reference scores against the processor", float(abs(scored - expected).max()), "nats", 1e-3
    )
    drawn, written = (
        harness.sample(harness.policy(), np.unique(prompts.astype(str)).astype(object), 64)
        for harness in (own, other)
    )
    report.add(
        "answers", "sampled texts unlike the processor's", float((drawn != written).mean()), "share", 0.05
    )
    method = load("dpo-raw")
    stacked = drive(method, material.tasks(4, device), stack=4)
    alone = drive(method, material.tasks(4, device), stack=1)
    (processor,) = drive(method, material.tasks(1, "cpu"))
    rewards = [getattr(fit, "reward")(prompts, texts) for fit in (*stacked, *alone, processor)]  # noqa: B009
    worst = max(spread(rewards[4 + k], rewards[k]) for k in range(4))
    report.add("answers", "rewards of stacked fits against fits alone", worst, "sd", 0.02)
    report.add("answers", "rewards against the processor's", spread(rewards[8], rewards[4]), "sd", 0.02)


def measure_ratios(report: Report, material: Material, size: Size, device: str) -> float:
    """Seconds of a fit in stacks and in loops; returns those of a fit by another tool."""
    from benchmark.harness import drive
    from methods import load

    dpo, heads = load("dpo-raw"), load("bradley-terry")
    loop = timed(lambda: drive(dpo, material.tasks(size.looped, device), stack=1), device, 1) / size.looped
    report.add("speed", f"preference fit, loop of {size.looped}", loop, "s a fit")
    stacks: list[float] = []
    for members in size.members:
        stacks.append(timed(partial(_fit, dpo, material, members, device), device, 2) / members)
        report.add("speed", f"preference fit, {members} at once", stacks[-1], "s a fit")
        report.add("speed", f"{members} at once against a loop", loop / stacks[-1], "times")
        ours = timed(partial(_fit, heads, material, members, device), device, 2) / members
        report.add("speed", f"reward head, {members} at once", ours, "s a fit")
    measure_precisions(report, material, size, device, stacks[-1])
    other = measure_others(report, material, size, device)
    report.add("speed", "best stack against the other tool", other / min(stacks), "times")
    return other


def _fit(method: Any, material: Material, members: int, device: str, precision: str = "float32") -> Any:
    from benchmark.harness import drive

    return drive(method, material.tasks(members, device, precision), stack=members)


def measure_others(report: Report, material: Material, size: Size, device: str) -> float:
    """Median seconds of a preference fit by the tool that is there, over a loop of fits."""
    from tests.perf.gpu_check_loops import find_tool, make_fit, pair_by_outcome

    tool = find_tool()
    fit = make_fit(tool, material.backbone, pair_by_outcome(material.logs[0]), size.steps, device)
    fit()
    found = statistics.median(timed(fit, device, 1, warm=False) for _ in range(size.looped))
    report.add("speed", f"preference fit by {tool}, median of {size.looped}", found, "s a fit")
    return found


def measure_precisions(report: Report, material: Material, size: Size, device: str, exact: float) -> None:
    """Seconds of a fit in other precisions, and how far their rewards are from float32's."""
    from benchmark.harness import drive, set_arithmetic
    from methods import load

    method, members = load("dpo-raw"), max(size.members)
    prompts, texts = material.queries.prompts[:512], material.queries.texts[:512]

    def rewards(precision: str) -> np.ndarray:
        (fitted,) = drive(method, material.tasks(1, device, precision))
        return getattr(fitted, "reward")(prompts, texts)  # noqa: B009

    expected = rewards("float32")
    for precision in ("bfloat16",) if device == "cpu" else ("tf32", "bfloat16"):
        set_arithmetic(threads=1, precision=precision)
        away = spread(expected, rewards(precision))
        fit = timed(partial(_fit, method, material, members, device, precision), device, 2) / members
        set_arithmetic(threads=1)
        report.add("answers", f"rewards in {precision} against float32", away, "sd", 0.1)
        report.add("speed", f"{precision} against float32, {members} at once", exact / fit, "times")


@contextmanager
def watch_memory(device: str) -> Iterator[dict[str, float]]:
    """Peak memory in use on the device (of all processes) or of this process, MB, while it is open."""
    import torch

    from benchmark.harness import peak_memory_mb

    peak = {"mb": 0.0}
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(POLL_SECONDS):
            free, total = torch.cuda.mem_get_info(device)
            peak["mb"] = max(peak["mb"], (total - free) / 2**20)

    thread = threading.Thread(target=look, daemon=True)
    if device != "cpu":
        thread.start()
    try:
        yield peak
    finally:
        stop.set()
        if device != "cpu":
            thread.join()
        else:
            peak["mb"] = peak_memory_mb()


def run_suite(
    report: Report, name: str, size: Size, device: str, workers: int, store: Path, other: float
) -> None:
    """Run a suite from nothing and note its time, its peak memory and what became of its cells.

    Args:
        report: Takes the figures.
        name: Name of the suite.
        size: How much is measured.
        device: ``"cpu"`` or a CUDA device.
        workers: Processes; 0 for this one.
        store: Folder of the records.
        other: Seconds of a preference fit by another tool, to extrapolate from.
    """
    import benchmark
    from benchmark.contract.records import METER_PREFIX
    from benchmark.runs.backbones import make_backbones
    from benchmark.runs.engines.work import Setting, open_bench
    from benchmark.runs.run import start_run
    from benchmark.tasks.suite import MAXIMUM_GROUP, load_suite

    suite = load_suite("quick" if size.dry else name)
    chosen: dict[str, Any] = {}
    if size.dry:
        suite = suite.model_copy(update={"n": size.rows, "group_size": 4})
        chosen = {"methods": DRY_METHODS, "scenarios": [f"{SCENARIO[:-1]},n={size.rows}]"], "seeds": 2}
    else:
        suite = suite.model_copy(update={"group_size": MAXIMUM_GROUP})
    planned = benchmark.plan(suite, store, device=device, workers=workers, **chosen)
    setting = Setting(planned.suite, device, kept_tasks=suite.group_size + 8)
    begun = time.perf_counter()
    make_backbones(planned.backbones, max(1, workers))
    prepared = time.perf_counter() - begun
    seconds, answered = {"policy": 0.0, "reward": 0.0}, Counter[str]()
    with watch_memory(device) as peak:
        summary = start_run(planned, partial(open_bench, setting))
    took = time.perf_counter() - begun
    for row in benchmark.read_records(store).to_dict("records"):
        kind = "policy" if row["policy"] else "reward"
        seconds[kind] += row.get(f"{METER_PREFIX}wall_s") or 0.0
        answered[kind] += row["status"] == "ok"
    plan, counts = planned.plan, Counter(summary.statuses)
    part = f"suite {suite.name}"
    report.add(part, "cells", float(plan.n_cells))
    for status, count in sorted(counts.items()):
        report.add(part, f"cells {status}", float(count))
    aimed = name == "core" and not size.dry and device != "cpu"
    for kind, count in sorted(answered.items()):
        report.add(part, f"alignments of {kind} cells", float(count))
    report.add(part, "alignments", float(answered.total()), least=ALIGNMENTS if aimed else None)
    report.add(part, "pretraining", prepared, "s")
    report.add(part, "whole suite", took, "s", most=SECONDS if aimed else None)
    # One fit a policy; methods that train several models would take a loop longer.
    report.add(part, "its policies by the other tool, extrapolated", other * answered["policy"], "s")
    times = other * answered["policy"] / took
    report.add(part, "against the other tool, extrapolated", times, "times", least=TIMES if aimed else None)
    for kind, total in sorted(seconds.items()):
        report.add(part, f"seconds of {kind} cells, added up", total, "s")
    report.add(part, "peak memory", peak["mb"], "MB")
    broken = sum(counts[status] for status in ("failed", "timeout", "memory", "infrastructure"))
    report.add(part, "cells without an answer", float(broken), "", 0.0)


def main(
    device: str = DEVICE,
    suite: str = SUITE,
    workers: int | None = WORKERS,
    out: Path = OUT,
    store: Path | None = STORE,
    dry_run: bool = DRY_RUN,
) -> None:
    """Check answers, measure ratios and run a suite on an accelerator."""
    from benchmark.harness import device_class, resolve_device, set_arithmetic
    from benchmark.runs.options import default_workers
    from benchmark.runs.provenance import describe_run

    where = resolve_device(device)
    set_arithmetic(threads=1)
    size = DRY if dry_run else Size()
    report = Report(device_class(where))
    material = prepare(size)
    check_answers(report, material, where)
    other = measure_ratios(report, material, size, where)
    processes = workers if workers is not None else 0 if dry_run else default_workers("cpu")
    with tempfile.TemporaryDirectory() as passing:
        run_suite(report, suite, size, where, processes, store or Path(passing), other)
    out.mkdir(parents=True, exist_ok=True)
    slug = re.sub(r"[^a-z0-9]+", "-", report.device.lower()).strip("-")
    details = describe_run(device=report.device, workers=processes, dry_run=dry_run, passed=report.passed)
    (out / f"{slug}.json").write_text(
        json.dumps({**details, "figures": report.rows}, indent=1) + "\n", "utf-8"
    )
    Console(width=WIDTH).print(report.table())
    if not report.passed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
