"""The two by two of Kang and Schafer (2007): what a doubly robust learner gains where one nuisance is wrong.

``doubly-robust-linear`` corrects a linear outcome model by estimated weights. ``covariate-regression`` is its
outcome model alone, ``ipw-estimated`` its weights alone. Regrets are paired by world; tests are one-sided at
1 %.

How many worlds: twenty other worlds (season "pilot") gave the means and standard deviations of ``PILOT`` for
the difference that each test looks at. A pilot flatters, so three quarters of its effect size are planned
for, at a power of 95 %.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from attribute_worlds import regrets
from scipy import stats

SIGNIFICANCE, POWER, FLATTERY = 0.01, 0.95, 0.75
ROWS = 8000
MODEL, WEIGHTS, BOTH = "covariate-regression", "ipw-estimated", "doubly-robust-linear"
REMOVED = 0.2
"""A win would remove at least this share of a comparator's regret."""
PILOT = {"outcome": (0.080, 0.043), "propensity": (0.062, 0.059), "both": (0.038, 0.026)}
"""Mean and standard deviation over worlds of what each test compares, by what is wrong."""


def count_worlds(mean: float, sd: float) -> int:
    """The fewest worlds with which a one-sided paired t test has the planned power."""
    effect = FLATTERY * mean / sd
    for n in range(3, 1000):
        critical = stats.t.isf(SIGNIFICANCE, n - 1)
        if stats.nct.sf(critical, n - 1, effect * np.sqrt(n)) >= POWER:
            return n
    raise AssertionError("no number of worlds is enough")


@cache
def compare(wrong):
    seeds = range(count_worlds(*PILOT[wrong]))
    return regrets((MODEL, WEIGHTS, BOTH), "robust", {"wrong": wrong}, seeds, ROWS, "tests")


def assert_above_zero(differences):
    p_value = stats.ttest_1samp(differences, 0.0, alternative="greater").pvalue
    assert p_value < SIGNIFICANCE, differences.round(3)


@pytest.mark.slow
@pytest.mark.parametrize(("wrong", "beaten"), [("outcome", MODEL), ("propensity", WEIGHTS)])
def test_the_doubly_robust_learner_beats_the_nuisance_that_is_wrong(wrong, beaten):
    found = compare(wrong)
    assert_above_zero(found[beaten] - found[BOTH])


@pytest.mark.slow
@pytest.mark.parametrize("part", [MODEL, WEIGHTS])
def test_two_wrong_nuisances_are_no_better_than_one(part):
    """The doubly robust learner removes less than a fifth of either part's regret."""
    found = compare("both")
    assert_above_zero(found[BOTH] - (1 - REMOVED) * found[part])


def test_the_number_of_worlds_is_the_textbook_one():
    """At an effect of one standard deviation: (2.326 + 1.645)^2 = 15.8 for normal tests, more for t tests."""
    assert count_worlds(1 / FLATTERY, 1.0) == 19
