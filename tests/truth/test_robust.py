"""robust: the two by two of Kang and Schafer, in the limit and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, truncnorm
from sklearn.linear_model import LogisticRegression
from worlds import make_world, randomised_contrasts

from simulators.families.robust import HABITS
from simulators.identification import find_strategies
from simulators.law.population import CUT, Population
from simulators.standard import change_rule

N = 100_000
WRONG = ("none", "outcome", "propensity", "both")


def draw(wrong, seed):
    world = make_world("robust", seed=seed, wrong=wrong)
    drawn = world.draw(N)
    covariates = drawn.log.covariates
    shown = np.stack([drawn.truth[f"attribute.{name}"].to_numpy() for name in world.domain.attributes], 1)
    return world, (covariates - covariates.mean(axis=0)) / covariates.std(axis=0), shown, drawn.log


def keep_bias(world, estimate):
    """Largest share of an attribute's own bias that an estimate of the effects keeps."""
    bias = world.truth.naive_effects - world.truth.effects
    biased = np.abs(bias) > 0.2
    return np.abs((estimate - world.truth.effects)[biased] / bias[biased]).max()


def regress(log, *columns, weights=None):
    _, prompts = np.unique(log.prompts.astype(str), return_inverse=True)
    design = np.column_stack([*columns, np.eye(prompts.max() + 1)[prompts]])
    weights = np.ones(len(design)) if weights is None else weights
    return np.linalg.solve(design.T @ (weights[:, None] * design), design.T @ (weights * log.outcomes))


def weigh(shown, covariates):
    """Products of estimated inverse probabilities of attributes, each from a logistic regression."""
    weights = np.ones(len(shown))
    for column in shown.T:
        chances = LogisticRegression(C=1e4).fit(covariates, column).predict_proba(covariates)[:, 1]
        share = column.mean()
        weights *= np.where(column == 1, share / chances, (1 - share) / (1 - chances))
    return np.minimum(weights, np.quantile(weights, 0.999))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_linear_nuisance_is_right_where_the_parameter_says_so(wrong, seed):
    world, covariates, shown, log = draw(wrong, seed)
    k = shown.shape[1]
    by_outcome = keep_bias(world, regress(log, shown, covariates)[:k])
    by_weights = keep_bias(world, regress(log, shown, weights=weigh(shown, covariates))[:k])
    assert by_outcome > 0.3 if wrong in ("outcome", "both") else by_outcome < 0.1
    assert by_weights > 0.3 if wrong in ("propensity", "both") else by_weights < 0.2


@pytest.mark.parametrize("wrong", WRONG)
def test_what_acts_is_known_from_what_is_recorded(wrong):
    world, _, shown, log = draw(wrong, 2)
    habits = np.arcsinh(log.covariates)
    acting = np.column_stack([log.covariates, habits, habits**2])
    estimate = regress(log, shown, acting)[: shown.shape[1]]
    assert keep_bias(world, estimate) < 0.1


def test_moments_of_what_acts_are_those_of_a_cut_normal():
    """z is normal, cut at 2 and scaled to variance 1: E z^3 = 0, so Var(z^2 + z/2) = E z^4 - 1 + 1/4."""
    scale = truncnorm.std(-CUT, CUT)
    sd = np.sqrt(truncnorm.moment(4, -CUT, CUT) / scale**4 - 1 + 0.25)
    world = make_world("robust", wrong="both")
    people = {habit.name: np.array([-1.0, 0.0, 2.0]) for habit in HABITS}
    expected = (np.array([0.5, 0.0, 5.0]) - 1) / sd
    for features in (world.outcome.features, world.rule.features):
        assert features(people) == pytest.approx(np.tile(expected[:, None], 3), abs=1e-9)


def test_the_naive_limit_of_a_rule_that_splits_by_one_habit():
    """a_0 = 1 exactly where visits z > 0, and g = (z^2 + z/2 - 1)/sd for visits alone.

    E[z^2 | z > 0] = E[z^2 | z < 0], so L_0 - tau_0 = delta (E|z| / 2 + E|z| / 2) / sd = delta E|z| / sd, with
    E|z| = 2 (phi(0) - phi(cut)) / (Phi(cut) - Phi(-cut)) / scale for a normal cut at 2 and rescaled.
    """
    world = make_world("robust", wrong="outcome")
    weights = np.zeros_like(world.rule.weights)
    weights[0, 0] = 1.0
    zero = -float(world.rule.features({habit.name: np.zeros(1) for habit in HABITS})[0, 0])
    intercepts = np.where(np.arange(len(weights)) == 0, 1e6 * zero, 0.0)
    world = change_rule(world, weights=weights, intercepts=intercepts, gamma=1e6)
    outcome = replace(world.outcome, coefficients=np.array([1.0, 0.0, 0.0]), delta=0.7)
    # |z| has a corner at 0: many nodes there, and one node for the habits that act no more
    visits, *others = HABITS
    factors = (replace(visits, nodes=400), *(replace(other, nodes=1) for other in others))
    world = replace(world, outcome=outcome, population=Population(factors))
    scale = truncnorm.std(-CUT, CUT)
    size = 2 * (norm.pdf(0) - norm.pdf(CUT)) / (norm.cdf(CUT) - norm.cdf(-CUT)) / scale
    sd = np.sqrt(truncnorm.moment(4, -CUT, CUT) / scale**4 - 1 + 0.25)
    bias = world.truth.naive_effects - world.truth.effects
    assert bias[0] == pytest.approx(0.7 * size / sd, rel=1e-4)
    assert np.abs(bias[1:]).max() < 1e-9


@pytest.mark.parametrize(("wrong", "strength", "overlap"), [("both", 1.7, 0.4), ("propensity", 0.3, 0.15)])
def test_truth_and_naive_limit_match_brute_force(wrong, strength, overlap):
    world = make_world("robust", seed=8, wrong=wrong, strength=strength, overlap=overlap, domain="replies")
    rows = world.draw_rows(0, 2 * N, "twin")
    estimates, errors = randomised_contrasts(rows.attributes[0], rows.outcomes[0])
    assert np.abs((estimates - world.truth.effects) / errors).max() < 4
    assert world.law.effective_share == pytest.approx(overlap, rel=0.02)
    rows = world.draw_rows(0, 2 * N)
    by_code = world.truth.naive_rewards[
        0, rows.prompt_ids, rows.attributes[0] @ (1 << np.arange(rows.attributes.shape[2]))
    ]
    rest = rows.outcomes[0] - by_code
    for column in rows.attributes[0].T:
        for value in (0, 1):
            chosen = rest[column == value]
            assert abs(chosen.mean()) < 4 * chosen.std() / np.sqrt(len(chosen))


def test_logged_propensities_are_another_way():
    log_alone = find_strategies(make_world("robust").graph())
    assert [found.name for found in log_alone] == ["back-door"]
    logged = find_strategies(make_world("robust", logged=True).graph())
    assert [found.name for found in logged] == ["back-door", "propensity"]
