"""Doubly robust learners in the design of Kang and Schafer 2007, and lassos among many covariates.

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
from benchmark.contract import Budget, Log, make_rng

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
def draw_robust(wrong, seed, n=3000):
    """Kang and Schafer's two by two: what is wrong is linear in exp(z) where z is recorded."""
    rng = make_rng("robust", wrong, seed)
    z = rng.standard_normal((n, 3))
    curved = (np.exp(z) - np.exp(0.5)) / np.sqrt(np.exp(2) - np.exp(1))
    responses = np.zeros((WORDS, 3))
    responses[[0, 1, 4, 5, 6], [0, 1, 0, 1, 2]] = [-1.2, 1.2, 1.2, 1.2, -1.2]
    level = -1.5 * (responses != 0).any(axis=1)
    moves = curved if wrong in ("propensity", "both") else z
    scores = curved if wrong in ("outcome", "both") else z
    return make_log(rng, expit(moves @ responses.T + level), 2.0 * scores.sum(axis=1), z)


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


@cache
def robust_errors(name, wrong):
    return np.array([error(name, draw_robust(wrong, seed), seed) for seed in SEEDS])


def assert_less(first, second):
    p_value = stats.ttest_rel(first, second, alternative="less").pvalue
    assert p_value < SIGNIFICANCE, f"{first.round(3)} is not below {second.round(3)}"


def test_right_weights_mend_a_wrong_outcome_model():
    assert_less(
        robust_errors("doubly-robust-linear", "outcome"), robust_errors("covariate-regression", "outcome")
    )


@pytest.mark.parametrize("wrong", ["none", "propensity"])
def test_a_right_outcome_model_mends_weights(wrong):
    assert_less(robust_errors("doubly-robust-linear", wrong), robust_errors("ipw-estimated", wrong))


def test_two_wrong_models_leave_most_of_the_error():
    none = robust_errors("doubly-robust-linear", "none")
    assert_less(4.0 * none, robust_errors("doubly-robust-linear", "both"))
    better = stats.ttest_rel(
        robust_errors("doubly-robust-linear", "both"),
        robust_errors("ipw-estimated", "both"),
        alternative="less",
    )
    assert better.pvalue > SIGNIFICANCE


def test_the_correction_costs_little_where_the_outcome_model_is_right():
    corrected, model = (robust_errors(m, "none") for m in ("doubly-robust-corrected", "outcome-model-averaged"))
    assert_less(corrected, 1.5 * model)


@pytest.mark.parametrize("name", ["double-lasso", "lasso-partial-out"])
@pytest.mark.parametrize(("n", "covariates"), [(300, 200), (1000, 400)])
def test_lassos_beat_regression_on_everything(name, n, covariates):
    logs = [draw_wide(n, covariates, seed) for seed in SEEDS]
    own, other = (
        np.array([error(row, log, seed) for seed, log in enumerate(logs)])
        for row in (name, "covariate-regression")
    )
    assert_less(own, other)
