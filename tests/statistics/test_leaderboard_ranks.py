"""Rank sets must hold all true ranks together; tiers must follow from who is certainly better."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtr

from benchmark.contract import make_rng
from leaderboard.intervals import Clusters, estimate
from leaderboard.ranks import _least_p, adjust_p_values, find_tiers, rank

REPEATS = 240
LEAST = 0.95 - 3 * math.sqrt(0.95 * 0.05 / REPEATS)


def draw_scores(means: np.ndarray, families: int, seeds: int, rng: np.random.Generator):
    """Estimates of methods with given true means, sharing each seed's luck."""
    family, seed = np.repeat(np.arange(families), seeds).astype(str), np.tile(np.arange(seeds), families)
    clusters = Clusters.of(family, seed)
    luck = rng.normal(size=(1, len(family)))
    own = rng.normal(size=(len(means), len(family))) * np.linspace(0.5, 1.5, families)[clusters.stratum]
    return estimate(means[:, None] + luck + own, clusters)


@pytest.mark.parametrize(("families", "seeds"), [(1, 5), (3, 3), (5, 5)])
def test_all_rank_sets_hold_the_true_ranks_together(families: int, seeds: int) -> None:
    """Ties included: of a tied group every member may truly have any of the group's ranks."""
    means = np.array([3.0, 3.0, 3.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    best, worst = np.array([1, 1, 1, 4, 4, 6, 6, 6]), np.array([3, 3, 3, 5, 5, 8, 8, 8])
    rng = make_rng("test", "ranks", families, seeds)
    held = 0
    for _ in range(REPEATS):
        found = rank(draw_scores(means, families, seeds, rng), rng, draws=400)
        held += bool(np.all(found.best <= best) and np.all(found.worst >= worst))
    assert held / REPEATS >= LEAST


def test_unadjusted_pairs_would_not_hold() -> None:
    """With eight equal methods, 28 separate tests at 5 % err in most repeats: the test above has teeth."""
    rng, held = make_rng("test", "teeth"), 0
    first, second = np.triu_indices(8, 1)
    for _ in range(REPEATS):
        found = draw_scores(np.zeros(8), 5, 5, rng)
        p = [found.contrast(i, j).p_value()[0] for i, j in zip(first, second, strict=True)]
        held += min(p) >= 0.05
    assert held / REPEATS < 0.8


def test_clear_differences_are_found() -> None:
    rng = make_rng("test", "power")
    found = rank(draw_scores(np.arange(5)[::-1] * 5.0, 5, 10, rng), rng)
    np.testing.assert_array_equal(found.best, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(found.worst, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(found.tiers, [1, 2, 3, 4, 5])


def test_equal_methods_tie_and_one_seed_ties_all() -> None:
    clusters = Clusters.of(np.array(["a", "a"]), np.array([0, 1]))
    same = rank(estimate(np.array([[1.0, 2.0], [1.0, 2.0]]), clusters), make_rng("test"))
    assert list(same.worst) == [2, 2]
    alone = Clusters.of(np.array(["a", "b"]), np.array([0, 0]))
    unknown = rank(estimate(np.array([[1.0, 2.0], [9.0, 9.0]]), alone), make_rng("test"))
    assert list(unknown.best) == [1, 1]
    assert math.isnan(unknown.resolvable)
    assert list(unknown.tiers) == [1, 1]


@settings(deadline=None, max_examples=100)
@given(
    st.integers(1, 9).flatmap(
        lambda k: st.tuples(st.just(k), st.sets(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1))))
    )
)
def test_a_tier_is_the_longest_chain_of_better_methods(case) -> None:
    count, pairs = case
    better = np.zeros((count, count), dtype=bool)
    for i, j in pairs:
        better[min(i, j), max(i, j)] = i != j
    found = find_tiers(better)
    for method in range(count):
        above = found[better[:, method]]
        assert found[method] == 1 + above.max(initial=0)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        # Sorted p times 4, 3, 2, 1, made increasing: .04, .06, .06, .5.
        ("holm", [0.04, 0.5, 0.06, math.nan, 0.06]),
        # Sorted p times 4/1, 4/2, 4/3, 4/4, made increasing from the last: .04, .04, .04, .5.
        ("fdr_bh", [0.04, 0.5, 0.04, math.nan, 0.04]),
    ],
)
def test_adjusted_p_values_are_those_of_the_textbook(method: str, expected: list[float]) -> None:
    found = adjust_p_values(np.array([0.01, 0.5, 0.02, math.nan, 0.03]), method)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_adjusting_nothing_gives_nothing() -> None:
    assert len(adjust_p_values(np.array([]), "holm")) == 0


@pytest.mark.parametrize("method", ["holm", "fdr_bh"])
def test_adjusted_p_values_are_those_of_statsmodels(method: str) -> None:
    from statsmodels.stats.multitest import multipletests

    p = make_rng("test", "p values").uniform(size=40) ** 3
    np.testing.assert_allclose(adjust_p_values(p, method), multipletests(p, method=method)[1])


def test_the_least_p_value_is_that_over_every_pair() -> None:
    """Against the p value of every pair, with ties, zeros and few degrees of freedom among them."""
    rng = make_rng("test", "least")
    t, freedom = np.abs(rng.normal(size=(40, 300))), rng.uniform(1, 60, (40, 300))
    t[0], t[1, :200] = 0.0, 2.0
    np.testing.assert_array_equal(_least_p(t, freedom), (2 * stdtr(freedom, -t)).min(axis=1))
