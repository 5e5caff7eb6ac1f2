"""Lassos among many covariates of which few confound.

Texts are eight words, each in one of two forms, so that effects are read off a fitted reward. Errors are root
mean squared errors of the eight effects; claims are tested on differences paired by seed, one-sided at 1 %.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from scipy.special import expit

import methods
from benchmark.contract import Budget, Incompatible, Log, make_rng

SEEDS, SIGNIFICANCE = range(7), 0.01
EFFECTS = np.array([1.0, 0.6, -0.5, 0.3, 0.0, 0.0, 0.0, 0.0])
WORDS = len(EFFECTS)
PROBES = np.vstack([np.zeros(WORDS, dtype=int), np.eye(WORDS, dtype=int)])


class WordHarness:
    """Encodes a text as which form of each word it has."""

    budget = Budget()

    def __init__(self, seed):
        self.seed = seed

    def rng(self, part):
        return make_rng("words", self.seed, part)

    def encode(self, prompts, texts):
        forms = np.array([[int(word[-1]) for word in text.split()] for text in texts], dtype=float)
        return np.column_stack([forms, 1.0 - forms])


def write(forms):
    rows = [" ".join(f"word{k}form{form}" for k, form in enumerate(row)) for row in forms]
    return np.array(rows, dtype=object)


def make_log(rng, chance, confounding, covariates):
    forms = (rng.random(chance.shape) < chance).astype(int)
    n = len(forms)
    columns = {
        "prompt": np.full(n, "p", dtype=object),
        "text": write(forms),
        "outcome": forms @ EFFECTS + confounding + rng.standard_normal(n),
    }
    return Log(pa.table(columns | {f"covariate.z{k}": column for k, column in enumerate(covariates.T)}))


@cache
def draw_wide(n, covariates, seed):
    """Three covariates confound, three more move the outcome, all others do nothing."""
    rng = make_rng("wide", seed)
    z = rng.standard_normal((n, covariates))
    responses = np.zeros((WORDS, covariates))
    responses[[0, 1, 4, 5, 6], [0, 1, 0, 1, 2]] = [-1.0, 1.0, 1.0, 1.0, -1.0]
    weights = np.r_[1.5, 1.5, 1.5, 0.5, 0.5, 0.5, np.zeros(covariates - 6)]
    return make_log(rng, expit(z @ responses.T), z @ weights, z)


def error(name, log, seed):
    fitted = methods.load(name).fit(log, WordHarness(seed))
    reward = fitted.reward(np.full(len(PROBES), "p", dtype=object), write(PROBES))
    return np.sqrt(np.mean((reward[1:] - reward[0] - EFFECTS) ** 2))


def assert_less(first, second):
    p_value = stats.ttest_rel(first, second, alternative="less").pvalue
    assert p_value < SIGNIFICANCE, f"{first.round(3)} is not below {second.round(3)}"


@pytest.mark.parametrize("name", ["double-lasso", "lasso-partial-out"])
def test_lassos_beat_regression_on_everything(name):
    logs = [draw_wide(600, 400, seed) for seed in SEEDS]
    own, other = (
        np.array([error(row, log, seed) for seed, log in enumerate(logs)])
        for row in (name, "covariate-regression")
    )
    assert_less(own, other)


def test_lassos_lose_nothing_where_covariates_are_few():
    logs = [draw_wide(1000, 50, seed) for seed in SEEDS]
    lasso, everything = (
        np.array([error(row, log, seed) for seed, log in enumerate(logs)])
        for row in ("double-lasso", "covariate-regression")
    )
    assert_less(lasso, 1.2 * everything)


@pytest.mark.parametrize("name", ["double-lasso", "lasso-partial-out", "doubly-robust-corrected"])
def test_copied_and_constant_covariates_change_little(name):
    log = draw_wide(400, 6, 0)
    first = log.table.column("covariate.z0")
    table = log.table.append_column("covariate.copy", first)
    table = table.append_column("covariate.constant", pa.array(np.ones(len(log))))
    assert error(name, Log(table), 0) < 1.5 * error(name, log, 0)


@pytest.mark.parametrize("name", ["double-lasso", "doubly-robust-corrected", "doubly-robust-linear"])
def test_three_rows_are_declined_with_a_reason(name):
    with pytest.raises(Incompatible, match="at least 20 rows"):
        methods.load(name).fit(draw_wide(400, 6, 0).take(np.arange(3)), WordHarness(0))
