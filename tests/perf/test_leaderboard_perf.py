"""The board's dearest step, simultaneous rank sets, grows as it should."""

from __future__ import annotations

import time

import numpy as np
import pytest

from benchmark.contract import make_rng
from leaderboard.intervals import Clusters, Estimate, estimate
from leaderboard.ranks import rank


def make_estimates(methods: int, families: int, seeds: int) -> Estimate:
    family, seed = np.repeat(np.arange(families), seeds), np.tile(np.arange(seeds), families)
    values = make_rng("perf", methods).normal(size=(methods, families * seeds))
    return estimate(values, Clusters.of(family.astype(str), seed))


def seconds(methods: int) -> float:
    """Least of three runs, which is the least noisy summary of a duration."""
    estimates, found = make_estimates(methods, 6, 5), []
    for _ in range(3):
        start = time.perf_counter()
        rank(estimates, make_rng("perf"))
        found.append(time.perf_counter() - start)
    return min(found)


def test_rank_sets_cost_no_more_than_the_number_of_pairs() -> None:
    """60 methods have 1,770 pairs, 20 have 190: 9.3 times the work; 2.5 times that is an alarm."""
    assert seconds(60) / seconds(20) < 9.3 * 2.5


@pytest.mark.parametrize("methods", [20, 60])
def test_rank_sets(benchmark, methods: int) -> None:
    estimates = make_estimates(methods, 6, 5)
    benchmark(lambda: rank(estimates, make_rng("perf"), draws=500))
