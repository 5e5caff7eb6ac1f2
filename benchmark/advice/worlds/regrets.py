"""Regrets of methods on worlds like a log: a run of the calibrated suite, kept in a store and resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.advice.worlds.calibrate import Calibration
from benchmark.contract import IncompleteError
from benchmark.tasks.suite import Suite
from benchmark.tasks.user_data import build_folder

NAIVE, EXPERIMENT = "naive", "ceiling"
DRAWS = 2_000


@dataclass(frozen=True, eq=False)
class Regrets:
    """Normalised regret of methods on worlds.

    Attributes:
        methods: Names, the naive method and the experiment among them.
        values: Shape (worlds, methods), in [0, 1].
        rows: Rows of the logs.
    """

    methods: tuple[str, ...]
    values: np.ndarray
    rows: int

    def of(self, method: str) -> np.ndarray:
        """The regrets of one method, shape (worlds,)."""
        return self.values[:, self.methods.index(method)]

    @property
    def contenders(self) -> tuple[str, ...]:
        """The methods that a user may choose: all but the experiment."""
        return tuple(name for name in self.methods if name != EXPERIMENT)


def measure_regrets(
    calibration: Calibration,
    methods: Sequence[str],
    *,
    rows: int | None = None,
    store: str | Path | None = None,
    workers: int | None = 0,
    on_plan: Callable[[Any], None] | None = None,
    on_group: Callable[..., None] | None = None,
) -> Regrets:
    """Run methods on the calibrated worlds; what is stored already is not run again.

    Args:
        calibration: The worlds.
        methods: Names of methods; the naive one and the ceiling run too.
        rows: Rows of the logs; by default those of the calibration.
        store: Folder of the records; by default one of the build folder that is named after the worlds.
        workers: Number of processes; 0 runs everything in this one.
        on_plan: Called once with what is planned.
        on_group: Called with each finished group of cells.

    Raises:
        IncompleteError: If nothing was measured.
    """
    from benchmark.board import read_records
    from benchmark.sandbox.outside.files import run_suite

    n = rows or calibration.rows
    suite: Suite = calibration.suite.model_copy(update={"n": n})
    folder = Path(store) if store is not None else build_folder() / "advice" / _digest(suite)
    run_suite(
        suite, folder / f"rows-{n}", methods=methods, workers=workers, on_plan=on_plan, on_group=on_group
    )
    records = read_records(folder / f"rows-{n}")
    table = records[records["status"] == "ok"].pivot_table(
        index="scenario", columns="method", values="metric.rho", aggfunc="mean"
    )
    wanted = [name for name in table.columns if name in (*methods, NAIVE, EXPERIMENT)]
    table = table[wanted].dropna(axis=0, subset=[n for n in (NAIVE, EXPERIMENT) if n in wanted])
    table = table.loc[:, table.notna().mean() > 0.8].dropna()
    if table.empty or EXPERIMENT not in table or NAIVE not in table:
        raise IncompleteError(
            "no method could be measured on worlds like this log",
            expected="regrets of at least the naive method",
            found=", ".join(f"{s}: {c}" for s, c in records["status"].value_counts().items()),
        )
    return Regrets(tuple(table.columns), table.to_numpy(float), n)


def draw_weights(worlds: int, rng: np.random.Generator) -> np.ndarray:
    """Weights of worlds for a Bayesian bootstrap (Rubin 1981), shape (draws, worlds); rows sum to 1."""
    return rng.dirichlet(np.ones(worlds), DRAWS)


def _digest(suite: Suite) -> str:
    scenarios = "\n".join(scenario.with_rows(0 + suite.n).id for scenario in suite.scenarios)
    return hashlib.sha256(scenarios.replace(f"n={suite.n}", "").encode()).hexdigest()[:16]
