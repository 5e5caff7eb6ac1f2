"""The controls of the suite come out: where theory says a method wins, it wins; where it must fail, it fails.

Closed-form methods on logs of 4,000 rows over twelve seeds. Margins were fixed before the
first run and are statements about the claim, not about what was found:
an adjuster may cost at most .02 regret where there is nothing to adjust for (inverse
propensity weights excepted: their price is the effective sample size), and comes within .03
of the experiment where what it needs is recorded.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np
import pytest
from scipy import stats

import methods
from benchmark.contract import Budget
from benchmark.harness import Harness, drive, predict
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.scoring.score import score_with_key
from benchmark.tasks.prepare import make_task
from benchmark.tasks.pretraining import draw_attributes
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite

SEEDS = range(12)
ADJUSTERS = (
    "covariate-regression",
    "residual-marginal",
    "residual-partial-out",
    "ipw-estimated",
    "doubly-robust",
)
CONTROLS = ("naive", "canary-random", "canary-constant", "canary-copy-naive", "ceiling")
SUITE = check_suite(
    {
        "name": "controls",
        "version": "1",
        "n": 4000,
        "queries": {"pairs": 1024, "contrasts": 64, "pool": 64, "samples": 1},
        "cells": [{"scenarios": ["randomised"]}],
    }
)

pytestmark = pytest.mark.slow


@cache
def encoding_backbone():
    """Closed forms use the text encoder alone, so the decoder is left untrained."""
    from benchmark.contract import make_rng
    from simulators.text import load_domain

    domain = load_domain("headlines")
    rng = make_rng("controls", "corpus")
    prompt_ids = rng.integers(len(domain.prompts), size=8000)
    written = domain.realise(draw_attributes(domain, rng, 8000), prompt_ids, rng)
    prompts = np.array(domain.prompts, dtype=object)[prompt_ids]
    return pretrain(prompts, np.array(written.to_pylist(), dtype=object), domain.vocabulary, steps=1)


@cache
def scores(scenario: str) -> dict[str, dict[str, np.ndarray]]:
    """Metric by method, an array over seeds."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for seed in SEEDS:
        task = make_task(Scenario.parse(scenario), seed, SUITE)
        for name in (*ADJUSTERS, *CONTROLS):
            log = task.view(data="complete" if name == "ceiling" else "log")
            harness = Harness(encoding_backbone(), budget=Budget(), path=("controls", name, seed))
            method = methods.load(name)
            fitted = drive(method, [(log, harness)])[0]
            row = score_with_key(predict(fitted, task.queries), task.key, method.tags.calibrated)
            row["ess"] = getattr(fitted, "diagnostics", {}).get("effective_sample_size", np.nan)
            for metric, value in row.items():
                found[name][metric].append(value)
    return {name: {m: np.array(v) for m, v in row.items()} for name, row in found.items()}


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def upper(values: np.ndarray, level: float = 0.95) -> float:
    """One-sided upper confidence limit of a mean, seeds as the independent unit."""
    mean, error = mean_and_error(values)
    return mean + error * float(stats.t.ppf(level, len(values) - 1))


@pytest.mark.parametrize("name", [n for n in ADJUSTERS if n != "ipw-estimated"])
def test_on_a_randomised_log_adjusting_costs_little(name):
    found = scores("randomised")
    assert upper(found[name]["rho"] - found["naive"]["rho"]) < 0.02


def test_on_a_randomised_log_naive_is_as_good_as_it_gets():
    found = scores("randomised")
    assert found["naive"]["rho"].mean() < 0.05
    assert upper(found["ceiling"]["rho"] - found["naive"]["rho"]) < 0.02


WITHOUT_WEIGHTS = [name for name in ADJUSTERS if name != "ipw-estimated"]


@pytest.mark.parametrize("name", WITHOUT_WEIGHTS)
def test_where_nothing_has_an_effect_adjusters_find_no_bias(name):
    """All of them together at the 1 % level: two standard errors each would fail one time in four."""
    mean, error = mean_and_error(scores("null")[name]["bias_cosine"])
    bound = stats.t.ppf(1 - 0.01 / (2 * len(WITHOUT_WEIGHTS)), len(SEEDS) - 1)
    assert abs(mean) < bound * error


def test_inverse_propensity_weights_remove_most_of_the_bias_but_not_all():
    """Self-normalised weights with a heavy tail (effective share .3) are biased in small logs.

    Even exact weights leave about a sixth of the bias at n = 4,000, and their direction shows it;
    see docs/findings.md. What remains must be well below half of what naive finds.
    """
    found = scores("null")
    assert found["ipw-estimated"]["effect_rmse"].mean() < 0.4 * found["naive"]["effect_rmse"].mean()


def test_where_nothing_has_an_effect_naive_finds_the_bias():
    mean, error = mean_and_error(scores("null")["naive"]["bias_cosine"])
    assert mean - 4 * error > 0.5


def test_under_recorded_confounding_naive_is_worse_than_chance_on_conflict_pairs():
    found = scores("observed[strength=1]")
    gap = found["naive"]["rho_conflict"] - found["canary-random"]["rho_conflict"]
    mean, error = mean_and_error(gap)
    assert mean - 2 * error > 0


@pytest.mark.parametrize("name", ["covariate-regression", "residual-partial-out", "doubly-robust"])
def test_under_recorded_confounding_adjusters_reach_the_experiment(name):
    found = scores("observed[strength=1]")
    assert upper(found[name]["rho"] - found["ceiling"]["rho"]) < 0.03


def test_subtracting_the_marginal_fit_removes_part_of_the_effect_too():
    found = scores("observed[strength=2]")
    mean, error = mean_and_error(found["residual-marginal"]["rho"] - found["covariate-regression"]["rho"])
    assert mean - 2 * error > 0


@pytest.mark.parametrize("name", ADJUSTERS)
def test_when_the_confounder_is_hidden_no_adjuster_recovers(name):
    """A/B equivalence D / gap, gap over all seeds; the ratio's upper 95 % limit stays below one half.

    The recorded columns carry a share of what is not recorded, so adjusting for them helps, but by less than
    half of what the experiment would.
    """
    found = scores("hidden")
    gain = found["naive"]["rho"] - found[name]["rho"]
    gap = (found["naive"]["rho"] - found["ceiling"]["rho"]).mean()
    assert gap > 0.1
    assert upper(gain) / gap < 0.5


def test_canaries_know_nothing():
    found = scores("observed[strength=1]")
    np.testing.assert_allclose(found["canary-constant"]["rho"], 0.5)
    mean, error = mean_and_error(found["canary-random"]["rho"])
    assert abs(mean - 0.5) < 4 * error
    np.testing.assert_allclose(found["canary-copy-naive"]["rho"], found["naive"]["rho"])
