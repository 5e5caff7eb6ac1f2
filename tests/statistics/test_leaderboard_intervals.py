"""Intervals must cover what they claim to, with as few seeds as a quick suite has."""

from __future__ import annotations

import math

import numpy as np
import pytest
from exact_limits import read_limits
from scipy.stats import ttest_1samp

from benchmark.contract import make_rng
from leaderboard.comparison_group import HARMLESS
from leaderboard.intervals import Clusters, estimate, fieller, ratio_of

REPEATS = 4000
ERROR = math.sqrt(0.95 * 0.05 / REPEATS)


def make_design(families: int, seeds: int, strengths: int) -> tuple[np.ndarray, np.ndarray]:
    """Family and seed of every cell."""
    family = np.repeat(np.arange(families), seeds * strengths)
    return family.astype(str), np.tile(np.repeat(np.arange(seeds), strengths), families)


def draw_cells(clusters: Clusters, repeats: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Cell values, shape (repeats, C), and their true mean.

    Families have means and spreads of their own, seeds move all their cells together.
    """
    count = clusters.stratum.max() + 1
    level, spread = np.linspace(-1, 1, count), np.linspace(0.5, 2.0, count)
    family = clusters.stratum[clusters.of_cell]
    shared = rng.normal(size=(repeats, len(clusters.stratum)))[:, clusters.of_cell]
    own = rng.normal(size=(repeats, len(family)))
    return level[family] + spread[family] * (shared + 0.5 * own), float(level[family].mean())


@pytest.mark.parametrize(("families", "seeds"), [(1, 3), (1, 8), (3, 3), (5, 3), (5, 5), (6, 10)])
def test_interval_covers_the_mean(families: int, seeds: int) -> None:
    family, seed = make_design(families, seeds, 3)
    clusters = Clusters.of(family, seed)
    values, truth = draw_cells(clusters, REPEATS, make_rng("test", "coverage", families, seeds))
    low, high = estimate(values, clusters).interval()
    covered = float(((low <= truth) & (truth <= high)).mean())
    # One family is an exact t interval; Welch-Satterthwaite with few seeds errs on the safe side.
    most = 0.95 + 3 * ERROR if families == 1 else 0.98
    assert 0.95 - 3 * ERROR <= covered <= most


def draw_board(limits: dict[str, list[float]], seeds: int, rng: np.random.Generator):
    """One draw of a board's cells: D of a good adjuster, family, seed, and whether the cell counts.

    Naive's regret is that of real worlds in the limit; worlds below .05 leave the headline, as on a board.
    The adjuster has a regret of .015.
    """
    families = sorted({name.partition("[")[0] for name in limits})
    rows, family, seed = [], [], []
    for number, name in enumerate(families):
        part = np.array([values for scenario, values in limits.items() if scenario.partition("[")[0] == name])
        drawn = rng.integers(part.shape[1], size=seeds)
        rows.append(part[:, drawn].ravel())
        family.append(np.full(part.shape[0] * seeds, number))
        seed.append(np.tile(np.arange(seeds), part.shape[0]))
    naive, family, seed = np.concatenate(rows), np.concatenate(family), np.concatenate(seed)
    return naive - rng.normal(0.015, 0.005, len(naive)), family, seed, naive >= HARMLESS


def true_improvement(limits: dict[str, list[float]]) -> float:
    """The mean of D over all cells that would count, had every seed been drawn."""
    values = np.array(list(limits.values()))
    return float(values[values >= HARMLESS].mean()) - 0.015


def measure_coverage(board: str, seeds: int, repeats: int) -> tuple[float, float]:
    """Coverage of D's interval on a board, with empty clusters and without them."""
    limits, rng = read_limits()[board], make_rng("test", "board", board, seeds)
    truth, hits = true_improvement(limits), []
    for _ in range(repeats):
        values, family, seed, kept = draw_board(limits, seeds, rng)
        found = []
        for clusters in (Clusters.of(family, seed, kept), Clusters.of(family[kept], seed[kept])):
            low, high = estimate(values[kept], clusters).interval()
            found.append(bool(low[0] <= truth <= high[0]))
        hits.append(found)
    whole, dropped = np.mean(hits, axis=0)
    return float(whole), float(dropped)


@pytest.mark.parametrize("board", sorted(read_limits()))
@pytest.mark.parametrize("seeds", [5, 10])
def test_interval_covers_in_the_layout_of_every_board(board: str, seeds: int) -> None:
    """.95 within .01 and three Monte-Carlo errors; docs/statistics.md has longer runs."""
    repeats = 1500
    covered, _ = measure_coverage(board, seeds, repeats)
    assert abs(covered - 0.95) <= 0.01 + 3 * math.sqrt(0.95 * 0.05 / repeats)


def test_a_seed_without_a_cell_is_a_cluster_all_the_same() -> None:
    """Half of the clusters are empty; forgetting them gives no interval where one of a family is left.

    Every family has its own level, so which of them have cells moves the mean: that is the error missed.
    """
    rng, repeats, hits, unknown = make_rng("test", "empty"), 3000, np.zeros(2), 0
    family, seed = make_design(4, 5, 1)
    level = np.array([0.0, 1.0, 2.0, 3.0])[family.astype(int)]
    for _ in range(repeats):
        kept = rng.random(len(family)) < 0.5
        if kept.sum() < 2:
            continue
        values = (level + rng.normal(size=len(family)))[kept]
        for column, clusters in enumerate(
            (Clusters.of(family, seed, kept), Clusters.of(family[kept], seed[kept]))
        ):
            low, high = estimate(values, clusters).interval()
            unknown += column == 0 and math.isnan(low[0])
            hits[column] += low[0] <= 1.5 <= high[0]
    assert unknown == 0
    assert hits[0] / repeats >= 0.95 - 3 * math.sqrt(0.0475 / repeats)
    assert hits[1] / repeats < 0.85


def test_a_single_cluster_with_cells_has_no_interval() -> None:
    kept = np.array([True, False, False, False])
    clusters = Clusters.of(np.array(["a", "a", "b", "b"]), np.array([0, 1, 0, 1]), kept)
    assert math.isnan(estimate(np.array([1.0]), clusters).error[0])


def test_cells_are_not_treated_as_independent() -> None:
    """The interval that ignores clusters covers far too rarely here, so the tests above have teeth."""
    family, seed = make_design(5, 5, 3)
    clusters = Clusters.of(family, seed)
    values, truth = draw_cells(clusters, REPEATS, make_rng("test", "teeth"))
    error = values.std(axis=1, ddof=1) / math.sqrt(values.shape[1])
    strata = np.stack([values[:, family == f].var(axis=1, ddof=1) for f in np.unique(family)])
    error = np.sqrt(strata.sum(axis=0) / 15) / 5  # 15 cells a family, 5 families
    covered = np.abs(values.mean(axis=1) - truth) <= 1.96 * error
    assert covered.mean() < 0.9


def test_standard_error_is_the_textbook_one_for_one_balanced_family() -> None:
    """s / sqrt(m) of the seed means: 1, 2, 6 give s = sqrt(7), m = 3, hence sqrt(7 / 3), with 2 freedom."""
    clusters = Clusters.of(np.array(["f"] * 6), np.array([0, 0, 1, 1, 2, 2]))
    found = estimate(np.array([0.0, 2.0, 1.0, 3.0, 5.0, 7.0]), clusters)
    assert found.mean[0] == pytest.approx(3.0)
    assert found.error[0] == pytest.approx(math.sqrt(7 / 3))
    assert found.freedom[0] == pytest.approx(2.0)


def test_p_values_of_one_balanced_family_are_those_of_the_t_test() -> None:
    """Seed means 1, 2, 6: the one-sample t test with 2 degrees of freedom, two-sided and one-sided."""
    found = estimate(np.array([1.0, 2.0, 6.0]), Clusters.of(np.array(["f"] * 3), np.arange(3)))
    for side, alternative in (("two", "two-sided"), ("greater", "greater")):
        expected = ttest_1samp([1.0, 2.0, 6.0], 0.5, alternative=alternative).pvalue
        assert found.p_value(0.5, side)[0] == pytest.approx(expected)


def test_one_seed_has_no_interval() -> None:
    found = estimate(np.array([1.0, 2.0, 3.0]), Clusters.of(np.array(["a", "a", "b"]), np.array([0, 1, 0])))
    assert math.isnan(found.error[0])


def test_fieller_with_a_known_denominator_is_the_ordinary_interval() -> None:
    found = fieller(2.0, 4.0, 0.25, 0.0, 0.0, 2.0)  # 2 +- 2 * .5, divided by 4
    assert (found.value, found.shape) == (0.5, "bounded")
    assert (found.low, found.high) == pytest.approx((0.25, 0.75))


@pytest.mark.parametrize(
    ("top", "bottom", "variances", "shape"),
    [
        (1.0, 2.0, (0.04, 0.09, 0.01), "bounded"),
        (3.0, 0.2, (0.04, 0.09, 0.0), "complement"),
        (0.1, 0.2, (0.09, 0.09, 0.0), "unbounded"),
        (-1.0, 2.0, (0.04, 0.09, -0.02), "bounded"),
    ],
)
def test_fieller_set_is_what_the_definition_says(top, bottom, variances, shape) -> None:
    var_top, var_bottom, covariance = variances
    found = fieller(top, bottom, var_top, var_bottom, covariance, 2.0)
    ratios = np.linspace(-60, 60, 24_001)
    held = (top - ratios * bottom) ** 2 <= 4 * (var_top - 2 * ratios * covariance + ratios**2 * var_bottom)
    inside = (found.low <= ratios) & (ratios <= found.high)
    if found.shape == "complement":
        inside = (ratios <= found.low) | (ratios >= found.high)
    assert found.shape == shape
    near = np.minimum(np.abs(ratios - found.low), np.abs(ratios - found.high)) < 1e-9
    np.testing.assert_array_equal(inside[~near], held[~near])


def test_fieller_covers_the_ratio() -> None:
    """True ratio .6 with a denominator three standard errors from zero, where a delta interval fails."""
    family, seed = make_design(3, 5, 2)
    clusters, rng = Clusters.of(family, seed), make_rng("test", "fieller")
    hits, repeats = 0, 2000
    for _ in range(repeats):
        bottom = 1.0 + 1.2 * rng.normal(size=15)[clusters.of_cell]
        top = 0.6 * bottom + 0.3 * rng.normal(size=15)[clusters.of_cell]
        found = ratio_of(estimate(np.stack([top, bottom]), clusters), 0, 1)
        inside = found.low <= 0.6 <= found.high
        hits += not (found.low < 0.6 < found.high) if found.shape == "complement" else inside
    assert 0.95 - 3 * math.sqrt(0.0475 / repeats) <= hits / repeats <= 0.985
