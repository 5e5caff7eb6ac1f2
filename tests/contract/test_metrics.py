"""Metrics against hand calculation and brute force."""

import numpy as np
import pytest
from scipy import stats

from benchmark.contract import make_rng
from benchmark.contract.records import METRICS
from benchmark.scoring.metrics import (
    cosine,
    false_positive_rate,
    interval_score,
    mean_by_id,
    mean_kendall,
    normalised_regret,
    pair_accuracy,
    sign_accuracy,
    tilt_to_kl,
)


def test_regret_by_hand():
    # stakes 1, 2, 3 and a true tie; right, wrong, estimated tie: (0 + 2 + 3/2) / 6
    true = np.array([1.0, -2.0, 3.0, 0.0])
    estimated = np.array([5.0, 0.1, 0.0, 9.0])
    assert normalised_regret(estimated, true) == pytest.approx(3.5 / 6)
    # right 1, wrong 0, tie .5, over the three pairs with a true difference
    assert pair_accuracy(estimated, true) == pytest.approx(0.5)


def test_regret_of_coin_constant_truth_and_reversal():
    rng = make_rng("metrics", "regret")
    true = rng.standard_normal(20_000)
    assert normalised_regret(np.zeros_like(true), true) == 0.5
    assert normalised_regret(true, true) == 0.0
    assert normalised_regret(-true, true) == 1.0
    # 4 standard errors of a mean of m weighted coins: 4 * .5 * sqrt(sum s^2) / sum s
    error = 2 * np.sqrt((true**2).sum()) / np.abs(true).sum()
    assert normalised_regret(rng.standard_normal(20_000), true) == pytest.approx(0.5, abs=error)


def test_regret_is_undefined_without_differences():
    assert np.isnan(normalised_regret(np.ones(3), np.zeros(3)))
    assert np.isnan(pair_accuracy(np.ones(3), np.zeros(3)))


def test_regret_ignores_scale_and_pair_order():
    rng = make_rng("metrics", "scale")
    true, estimated = rng.standard_normal((2, 500))
    rho = normalised_regret(estimated, true)
    assert normalised_regret(1e-6 * estimated, true) == rho
    assert normalised_regret(-estimated, -true) == rho
    assert normalised_regret(estimated, 1e3 * true) == pytest.approx(rho)


def test_kendall_matches_brute_force_pairs():
    rng = make_rng("metrics", "kendall")
    guess, fact = rng.integers(0, 6, (2, 1, 40)).astype(float)
    first, second = np.triu_indices(40, 1)
    a, b = np.sign(guess[0, first] - guess[0, second]), np.sign(fact[0, first] - fact[0, second])
    tau_b = (a * b).sum() / np.sqrt((a != 0).sum() * (b != 0).sum())
    assert mean_kendall(guess, fact) == pytest.approx(tau_b)


def test_kendall_of_constants():
    fact = np.arange(6.0).reshape(1, 6)
    assert mean_kendall(np.ones((1, 6)), fact) == 0.0
    assert np.isnan(mean_kendall(fact, np.ones((1, 6))))


def test_mean_by_id_matches_a_loop():
    rng = make_rng("metrics", "ids")
    ids, values = rng.integers(0, 4, 50), rng.standard_normal((50, 3))
    means = mean_by_id(ids, values, 5)
    for k in range(4):
        assert means[k] == pytest.approx(values[ids == k].mean(axis=0))
    assert np.isnan(means[4]).all()
    assert mean_by_id(ids, values[:, 0], 5)[:4] == pytest.approx(means[:4, 0])


def test_cosine_and_signs_by_hand():
    assert cosine(np.array([3.0, 4.0]), np.array([4.0, 3.0])) == pytest.approx(24 / 25)
    assert np.isnan(cosine(np.zeros(2), np.ones(2)))
    # causal: right, wrong, zero counts half; the null attribute is left out
    estimated, true = np.array([1.0, 1.0, 0.0, 5.0]), np.array([2.0, -1.0, 1.0, 0.0])
    assert sign_accuracy(estimated, true, true == 0) == pytest.approx(1.5 / 3)


def test_false_positives_by_each_rule():
    estimated = np.array([2.0, 0.6, 0.4, 0.1])
    null = np.array([False, True, True, True])
    # a quarter of the largest estimate is .5: one of three
    assert false_positive_rate(estimated, null) == pytest.approx(1 / 3)
    # a quarter of the outcome's scale 1.2 is .3: two of three
    assert false_positive_rate(estimated, null, scale=1.2) == pytest.approx(2 / 3)
    intervals = np.array([[1, 3], [-1, 2], [0.1, 0.7], [-3, -1]], dtype=float)
    assert false_positive_rate(estimated, null, intervals) == pytest.approx(2 / 3)
    everything = np.ones(4, dtype=bool)
    assert np.isnan(false_positive_rate(estimated, everything))
    assert false_positive_rate(estimated, everything, scale=1.2) == pytest.approx(3 / 4)
    assert np.isnan(false_positive_rate(estimated, ~everything))


def test_tilt_reaches_the_kl_and_is_a_gibbs_distribution():
    rewards = make_rng("metrics", "tilt").standard_normal((5, 400)) * np.array([[0.1], [1], [2], [3], [10]])
    tilt = tilt_to_kl(rewards)
    m = rewards.shape[1]
    kl = np.mean([stats.entropy(row, np.full(m, 1 / m)) for row in tilt.weights])
    assert kl == pytest.approx(1.0, abs=1e-5)
    assert tilt.kl == pytest.approx(kl, abs=1e-9)
    assert tilt.weights.sum(axis=1) == pytest.approx(np.ones(5))
    # one factor for all prompts: log w_i - log w_j = b (r_i - r_j)
    logs = np.log(tilt.weights[:4])
    slope = (logs[:, 1:] - logs[:, :1]) / (rewards[:4, 1:] - rewards[:4, :1])
    assert slope == pytest.approx(np.full_like(slope, tilt.inverse_temperature), rel=1e-6)


def test_tilt_of_a_gaussian_reward_moves_the_mean_by_root_two():
    # exp(b r) moves N(0, 1) to N(b, 1), whose KL is b^2 / 2; a KL of 1 means b = sqrt(2)
    quantiles = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)[None]
    tilt = tilt_to_kl(quantiles)
    assert (tilt.weights * quantiles).sum() == pytest.approx(np.sqrt(2), rel=0.01)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_tilt_ignores_shift_and_scale(scale):
    rewards = make_rng("metrics", "affine").standard_normal((3, 200))
    base = tilt_to_kl(rewards)
    moved = tilt_to_kl(scale * (rewards + 7))
    assert moved.weights == pytest.approx(base.weights, abs=1e-6)


def test_tilt_that_runs_out():
    # two values, half of each: at most KL = log 2 < 1, all weight on the better half
    rewards = np.tile([0.0, 1.0], (2, 50))
    tilt = tilt_to_kl(rewards)
    assert tilt.kl == pytest.approx(np.log(2))
    assert tilt.weights == pytest.approx(rewards / 50)
    constant = tilt_to_kl(np.full((2, 10), 3.0))
    assert constant.kl == 0.0
    assert constant.weights == pytest.approx(np.full((2, 10), 0.1))


def test_tilt_of_heavy_tails_still_converges():
    rewards = np.exp(4 * make_rng("metrics", "heavy").standard_normal((4, 1000)))
    assert tilt_to_kl(rewards).kl == pytest.approx(1.0, abs=1e-5)


def test_metric_table_names_one_headline_and_each_metric_once():
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert [metric.name for metric in METRICS if metric.headline] == ["rho"]


def test_the_interval_score_is_proper():
    """Of central intervals for a standard normal the true quantiles score best on average."""
    draws = make_rng("test", "interval score").normal(size=200_000)
    halves = (0.0, 1.0, 1.959964, 3.0, 1000.0)
    found = [interval_score(np.tile([-half, half], (len(draws), 1)), draws) for half in halves]
    assert int(np.argmin(found)) == 2


def test_every_metric_and_column_is_documented():
    from pathlib import Path

    from benchmark.contract.records import COLUMNS, STATUSES

    docs = Path(__file__).resolve().parents[2] / "docs"
    metrics, records = (docs / "metrics.md").read_text(), (docs / "records.md").read_text()
    assert [metric.name for metric in METRICS if f"`{metric.name}`" not in metrics] == []
    assert [name for name in (*COLUMNS, *STATUSES) if f"`{name}`" not in records] == []


def test_means_of_no_rows_have_the_right_shape():
    assert mean_by_id(np.zeros(0, dtype=int), np.zeros((0, 3)), 0).shape == (0, 3)
