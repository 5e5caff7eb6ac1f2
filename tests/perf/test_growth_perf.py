"""Cost grows in proportion to cells and to rows, and planning is nearly free."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from conftest import least_seconds

from benchmark.runs.engines.work import Bench, Setting
from benchmark.runs.entrants import list_entrants
from benchmark.runs.plan import Cell, Group
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import load_suite

PLAN = """
import json, time
import benchmark
from benchmark.tasks.suite import load_suite

begun = time.process_time()
suite = load_suite("full")
block = suite.cells[0].model_copy(update={"seeds": tuple(range(40))})
plan = benchmark.plan(suite.model_copy(update={"cells": (block,)}), device="cpu").plan
took = time.process_time() - begun
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([plan.n_cells, took, int(peak) / 1024]))
"""


def run_cells(seeds: int, rows: int) -> None:
    """Fit and score the naive method on some worlds, in a workbench of its own."""
    suite = load_suite("quick")
    naive = next(entrant for entrant in list_entrants() if entrant.role == "naive")
    scenario = Scenario.parse(f"observed[n={rows}]")
    group = Group(naive, tuple(Cell(scenario, seed) for seed in range(seeds)), "tiny", 0, "")
    results = Bench(Setting(suite)).run(group, range(seeds))
    assert [result.status for result in results] == ["ok"] * seeds


def slopes(sizes: list[int], seconds: np.ndarray) -> np.ndarray:
    """Seconds for each unit of size between one size and the next."""
    return np.diff(seconds) / np.diff(sizes)


@pytest.mark.slow
def test_cost_is_proportional_to_the_cells(figures):
    """An equal number of further cells costs as much again; 1.6 times as much would be an alarm."""
    sizes = [4, 8, 16]
    seconds = least_seconds(*(lambda k=k: run_cells(k, 500) for k in sizes), rounds=2)
    first, second = slopes(sizes, seconds)
    for size, took in zip(sizes, seconds, strict=True):
        figures.note(f"{size} cells", took, "s")
    figures.note("a further cell: from 8 to 16 against from 4 to 8", second / first, "x")
    figures.show(run_cells, 4, 500)
    assert second < 1.6 * first


@pytest.mark.slow
def test_cost_is_linear_in_the_rows(figures):
    """Twice the rows cost at most twice the slope of the step before; 1.6 times its slope is an alarm."""
    sizes = [8_000, 16_000, 32_000]
    seconds = least_seconds(*(lambda n=n: run_cells(1, n) for n in sizes), rounds=3)
    first, second = slopes(sizes, seconds)
    for size, took in zip(sizes, seconds, strict=True):
        figures.note(f"a naive cell of {size:,} rows", took, "s")
    figures.note("a further row: from 16,000 to 32,000 against before", second / first, "x")
    figures.show(run_cells, 1, 8_000)
    assert second < 1.6 * first


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_hundred_thousand_cells_are_planned_in_seconds(figures):
    def plan():
        return subprocess.run([sys.executable, "-c", PLAN], capture_output=True, text=True, check=True).stdout

    text = figures.benchmark.pedantic(plan, rounds=1)
    cells, seconds, megabytes = (float(value) for value in text.strip("[]\n ").split(","))
    figures.note("cells planned (in less than 10 s)", cells / seconds, "a second")
    figures.note("peak memory of planning (below 1,000)", megabytes, "MB")
    assert cells >= 100_000
    assert seconds < 10
    assert megabytes < 1_000
