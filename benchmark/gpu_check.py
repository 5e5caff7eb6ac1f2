"""Does an accelerator give the processor's answers, and how much faster? ``python -m benchmark.gpu_check``.

Correctness first (stacked = alone, accelerator = processor), then ratios in one run, then a
whole suite with its time and peak memory: one table and one JSON file. Needs neither
``datasets`` nor ``trl``; where ``trl`` is missing, a hand-written loop over a transformers
Llama stands in for it. With ``--dry-run`` everything is small, for a processor alone.
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

FOLDER = Path(__file__).resolve().parent.parent / "leaderboard" / "results" / "gpu"
SCENARIO = "observed[strength=1]"
DRY_METHODS = ("naive", "covariate-regression", "sft", "dpo-p1", "cpo")
POLL_SECONDS = 0.2
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

    def add(self, part: str, what: str, value: float, unit: str = "", limit: float | None = None) -> None:
        """Note a figure; one with a limit is a check that it stays at or below it."""
        passed = None if limit is None else bool(value <= limit)
        self.rows.append(
            {"part": part, "what": what, "value": value, "unit": unit, "limit": limit, "passed": passed}
        )

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(row["passed"] is not False for row in self.rows)

    def table(self) -> Table:
        """The report as a table."""
        table = Table(title=f"accelerator check: {self.device}")
        for name in ("part", "what", "value", "unit", "limit", ""):
            table.add_column(name, justify="right" if name in ("value", "limit") else "left")
        for row in self.rows:
            limit = "" if row["limit"] is None else f"<= {row['limit']:.4g}"
            verdict = "" if row["passed"] is None else "ok" if row["passed"] else "FAILED"
            table.add_row(row["part"], row["what"], f"{row['value']:.4g}", row["unit"], limit, verdict)
        return table


@dataclass(frozen=True, eq=False)
class Material:
    """Logs, questions and a backbone for the checks and ratios."""

    logs: tuple[Any, ...]
    queries: Any
    backbone: Any
    steps: int

    def tasks(self, count: int, device: str) -> list[tuple[Any, Any]]:
        """Fresh (log, harness) pairs; each has streams and a cache of its own."""
        from benchmark.contract import Budget
        from benchmark.harness import Harness

        budget = Budget(steps=self.steps)
        return [
            (self.logs[k % len(self.logs)], Harness(self.backbone, budget, ("check", str(k)), device))
            for k in range(count)
        ]


def prepare(size: Size) -> Material:
    """Draw four worlds and load their backbone."""
    from benchmark.harness import Backbone
    from benchmark.prepare import make_backbone, make_task
    from benchmark.scenario import Scenario
    from benchmark.suite import load_suite

    suite = load_suite("quick")
    tasks = [make_task(Scenario.parse(SCENARIO).with_rows(size.rows), seed, suite) for seed in range(4)]
    backbone = Backbone.load(make_backbone(tasks[0].domain))
    return Material(tuple(task.view() for task in tasks), tasks[0].queries, backbone, size.steps)


def timed(action: Callable[[], Any], device: str, rounds: int = 3) -> float:
    """Least seconds of an action once it is warm, the device's own work included."""
    import torch

    seconds = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        action()
        if device != "cpu":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - begun)
    return min(seconds[1:])


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
    method = load("dpo-p1")
    stacked = drive(method, material.tasks(4, device), stack=4)
    alone = drive(method, material.tasks(4, device), stack=1)
    (processor,) = drive(method, material.tasks(1, "cpu"))
    rewards = [getattr(fit, "reward")(prompts, texts) for fit in (*stacked, *alone, processor)]  # noqa: B009
    worst = max(spread(rewards[4 + k], rewards[k]) for k in range(4))
    report.add("answers", "rewards of stacked fits against fits alone", worst, "sd", 0.02)
    report.add("answers", "rewards against the processor's", spread(rewards[8], rewards[4]), "sd", 0.02)


def measure_ratios(report: Report, material: Material, size: Size, device: str) -> dict[str, float]:
    """Seconds of a fit in stacks and in loops; returns them by name."""
    from benchmark.harness import drive
    from methods import load

    dpo, heads = load("dpo-p1"), load("bradley-terry")
    seconds: dict[str, float] = {}
    loop = timed(lambda: drive(dpo, material.tasks(size.looped, device), stack=1), device, 1) / size.looped
    report.add("speed", f"preference fit, loop of {size.looped}", loop, "s a fit")
    for members in size.members:
        fit = timed(partial(_fit, dpo, material, members, device), device, 2) / members
        seconds[f"stack {members}"] = fit
        report.add("speed", f"preference fit, {members} at once", fit, "s a fit")
        report.add("speed", f"{members} at once against a loop", loop / fit, "times")
        ours = timed(partial(_fit, heads, material, members, device), device, 2) / members
        report.add("speed", f"reward head, {members} at once", ours, "s a fit")
    seconds["loop"] = loop
    name, plain = measure_others(material, size, device)
    seconds[name] = plain
    report.add("speed", f"preference fit by {name}, loop of {size.looped}", plain, "s a fit")
    best = min(value for key, value in seconds.items() if key.startswith("stack"))
    report.add("speed", f"best stack against {name}", plain / best, "times")
    return seconds


def _fit(method: Any, material: Material, members: int, device: str) -> Any:
    from benchmark.harness import drive

    return drive(method, material.tasks(members, device), stack=members)


def measure_others(material: Material, size: Size, device: str) -> tuple[str, float]:
    """Median seconds of a preference fit with other tools: their name, and the time."""
    import torch

    from benchmark.harness import to_llama

    log = material.logs[0]
    half = len(log) // 2
    order = np.argsort(-log.outcomes)
    chosen, rejected = order[:half], order[half : 2 * half]
    policy = material.backbone.policy("cpu")
    sides = [policy.prepare(log.prompts[chosen], log.texts[side]) for side in (chosen, rejected)]
    length = max(int((side["first"] + side["length"]).max()) for side in sides)

    def log_probability(model: Any, rows: Any) -> Any:
        found = []
        for side in sides:
            tokens = torch.nn.functional.pad(side["tokens"], (0, length))[rows, : length + 1].to(device)
            places = torch.arange(length, device=device)
            first = side["first"][rows, None].to(device)
            inside = (places >= first) & (places < first + side["length"][rows, None].to(device))
            logits = model(tokens[:, :-1]).logits.log_softmax(-1)
            found.append((logits.gather(2, tokens[:, 1:, None])[..., 0] * inside).sum(1))
        return found[0] - found[1]

    def fit() -> None:
        model, reference = (
            to_llama(material.backbone).to(device).train(),
            to_llama(material.backbone).to(device),
        )
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
        generator = torch.Generator().manual_seed(0)
        for _ in range(size.steps):
            rows = torch.randint(0, half, (32,), generator=generator)
            with torch.no_grad():
                base = log_probability(reference, rows)
            loss = -torch.nn.functional.logsigmoid(0.1 * (log_probability(model, rows) - base)).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()

    return "a transformers loop", statistics.median(timed(fit, device, 1) for _ in range(size.looped))


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


def run_suite(report: Report, name: str, size: Size, device: str, workers: int, store: Path) -> None:
    """Run a suite from nothing and note its time, its peak memory and what became of its cells."""
    from benchmark import run as running
    from benchmark.commands.execution import PRECISION, lay_out
    from benchmark.engines.work import Setting, open_bench
    from benchmark.harness import device_class
    from benchmark.records import METER_PREFIX
    from benchmark.store import Store
    from benchmark.suite import MAXIMUM_GROUP, load_suite

    suite = load_suite("quick" if size.dry else name)
    if size.dry:
        suite = suite.model_copy(update={"n": size.rows, "group_size": 4})
        plan, _ = lay_out(suite, list(DRY_METHODS), [f"{SCENARIO[:-1]},n={size.rows}]"], 2, device)
    else:
        suite = suite.model_copy(update={"group_size": MAXIMUM_GROUP})
        plan, _ = lay_out(suite, [], [], None, device)
    setting = Setting(suite, device, kept_tasks=suite.group_size + 8)
    engine = running.choose_engine("local", workers, partial(open_bench, setting), suite.seconds_per_cell)
    begun = time.perf_counter()
    running.prepare_backbones(plan.groups, max(1, workers))
    prepared = time.perf_counter() - begun
    counts: Counter[str] = Counter()
    seconds = {"policy": 0.0, "reward": 0.0}

    def note(group: Any, statuses: Any) -> None:
        counts.update(statuses)

    with watch_memory(device) as peak:
        opened = Store.open(store)
        running.execute(plan, opened, engine, device=device_class(device), precision=PRECISION, on_group=note)
    took = time.perf_counter() - begun
    for key in opened.list_keys():
        for row in opened.read_rows(key):
            seconds["policy" if row["policy"] else "reward"] += row.get(f"{METER_PREFIX}wall_s") or 0.0
    part = f"suite {suite.name}"
    report.add(part, "cells", float(plan.n_cells))
    for status, count in sorted(counts.items()):
        report.add(part, f"cells {status}", float(count))
    report.add(part, "pretraining", prepared, "s")
    report.add(part, "whole suite", took, "s", None if size.dry or name != "core" else 600.0)
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
    from benchmark.commands.execution import default_workers
    from benchmark.harness import device_class, resolve_device, settle
    from benchmark.provenance import describe_run

    where = resolve_device(device)
    settle(threads=1)
    size = DRY if dry_run else Size()
    report = Report(device_class(where))
    material = prepare(size)
    check_answers(report, material, where)
    measure_ratios(report, material, size, where)
    processes = workers if workers is not None else 0 if dry_run else default_workers("cpu")
    with tempfile.TemporaryDirectory() as passing:
        run_suite(report, suite, size, where, processes, store or Path(passing))
    out.mkdir(parents=True, exist_ok=True)
    slug = re.sub(r"[^a-z0-9]+", "-", report.device.lower()).strip("-")
    details = describe_run(device=report.device, workers=processes, dry_run=dry_run, passed=report.passed)
    (out / f"{slug}.json").write_text(
        json.dumps({**details, "figures": report.rows}, indent=1) + "\n", "utf-8"
    )
    Console().print(report.table())
    if not report.passed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
