"""What every benchmark has: races between two ways of doing one thing, and a table of them at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

FIGURES = pytest.StashKey[list[tuple[str, str, str]]]()


def least_seconds(*actions: Callable[[], Any], rounds: int = 5, clock=time.process_time) -> np.ndarray:
    """Least seconds of each action over interleaved rounds, so that other load slows all alike.

    One more round than asked for is run, and the first is not counted.
    """
    seconds = np.empty((rounds + 1, len(actions)))
    for row in seconds:
        for k, action in enumerate(actions):
            start = clock()
            action()
            row[k] = clock() - start
    return seconds[1:].min(axis=0)


@dataclass(frozen=True)
class Figures:
    """Notes figures for the table and shows them to pytest-benchmark."""

    benchmark: Any
    noted: list[tuple[str, str, str]]

    @property
    def brief(self) -> bool:
        """Whether this is a test run, which need not measure long."""
        return bool(self.benchmark.disabled)

    def race(
        self, what: str, ours: Callable[[], Any], other: Callable[[], Any], rounds: int = 5, target: float = 0
    ) -> float:
        """How many times the processor time of ours the other takes."""
        own, theirs = least_seconds(ours, other, rounds=rounds)
        self.show(ours)
        return self.note(what, theirs / own, "x", target)

    def show(self, action: Callable[..., Any], *arguments: Any, **settings: Any) -> None:
        """Let pytest-benchmark time an action once; a test run has seen it run already."""
        if self.brief:
            self.benchmark(lambda: None)
        else:
            self.benchmark.pedantic(action, arguments, settings, rounds=1)

    def note(self, what: str, value: float, unit: str, target: float = 0) -> float:
        """Note a figure; a target is what it should be at least."""
        self.benchmark.extra_info[what] = value
        if not self.brief:
            shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
            self.noted.append((what, f"{shown} {unit}", f">= {target:g}" if target else ""))
        return value


@pytest.fixture
def figures(benchmark: Any, request: pytest.FixtureRequest) -> Figures:
    return Figures(benchmark, request.config.stash.setdefault(FIGURES, []))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    noted = config.stash.get(FIGURES, [])
    if not noted:
        return
    width = max(len(what) for what, _, _ in noted)
    terminalreporter.section(f"ratios and rates on {os.cpu_count()} processors")
    for what, value, target in noted:
        terminalreporter.write_line(f"{what:<{width}}  {value:>12}  {target}")
