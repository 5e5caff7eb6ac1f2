"""Whether two boards order methods alike: Kendall's tau with clustered intervals, and what a choice costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

DRAWS = 400
NAIVE, CEILING = "naive", "ceiling"


@dataclass(frozen=True)
class Agreement:
    """How well a synthetic board orders methods as a real one does.

    Attributes:
        methods: Methods compared; the experiment is none of them.
        tau: Kendall's tau-b of the methods' mean improvements.
        low: Lower end of its 95 % interval, which resamples splits and worlds; NaN with one of either.
        high: Upper end.
        ceiling: Tau between two random halves of the real board's splits; NaN with one split.
        cost: Regret on the real board of taking the synthetic board's best method, less the least regret.
        naive_cost: The same for taking the log at face value.
    """

    methods: int
    tau: float
    low: float
    high: float
    ceiling: float
    cost: float
    naive_cost: float


def compare_boards(real: pd.DataFrame, synthetic: pd.DataFrame, rng: np.random.Generator) -> Agreement:
    """Compare two boards.

    Args:
        real: Columns ``cluster``, ``stratum``, ``method`` and ``rho``; strata weigh alike in a method's mean.
        synthetic: The same columns.
        rng: Resamples clusters.
    """
    one, other = _cube(real), _cube(synthetic)
    names = [name for name in one.methods if name in other.methods and name != CEILING]
    a, b = one.improvements(names), other.improvements(names)
    mean_a, mean_b = np.nanmean(a, axis=(0, 1)), np.nanmean(b, axis=(0, 1))
    several = min(len(a), len(b)) > 1
    drawn = [_tau(_draw(a, rng), _draw(b, rng)) for _ in range(DRAWS)] if several else [np.nan]
    halves = [np.nan]
    for _ in range(100 if len(a) > 1 else 0):
        order = rng.permutation(len(a))
        half = len(a) // 2
        halves.append(
            _tau(np.nanmean(a[order[:half]], axis=(0, 1)), np.nanmean(a[order[half:]], axis=(0, 1)))
        )
    low, high = np.nanquantile(drawn, (0.025, 0.975)) if several else (np.nan, np.nan)
    best = mean_a.max()
    ceiling = float(np.nanmean(halves)) if len(a) > 1 else float("nan")
    cost, naive_cost = best - mean_a[int(np.argmax(mean_b))], best - mean_a[names.index(NAIVE)]
    tau = _tau(mean_a, mean_b)
    return Agreement(len(names), tau, float(low), float(high), ceiling, float(cost), float(naive_cost))


@dataclass(frozen=True, eq=False)
class _Cube:
    """Regrets by cluster, stratum and method, shape (clusters, strata, methods)."""

    methods: list[str]
    rho: np.ndarray

    def improvements(self, names: list[str]) -> np.ndarray:
        """Improvement over the naive method, shape (clusters, strata, len(names))."""
        naive = self.rho[:, :, [self.methods.index(NAIVE)]]
        return naive - self.rho[:, :, [self.methods.index(name) for name in names]]


def _cube(board: pd.DataFrame) -> _Cube:
    table = board.pivot_table(index=["cluster", "stratum"], columns="method", values="rho", aggfunc="mean")
    table = table.loc[:, table.notna().mean() > 0.9]
    full = pd.MultiIndex.from_product(table.index.levels)
    values = table.reindex(full).to_numpy().reshape(*(len(level) for level in table.index.levels), -1)
    return _Cube([str(name) for name in table.columns], values)


def _draw(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean over a resample of clusters, shape (methods,)."""
    return np.nanmean(values[rng.integers(len(values), size=len(values))], axis=(0, 1))


def _tau(first: np.ndarray, second: np.ndarray) -> float:
    return float(kendalltau(first, second).statistic)
