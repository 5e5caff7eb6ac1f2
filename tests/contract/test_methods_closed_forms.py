"""The closed forms equal those of established libraries, or their own textbook definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from benchmark.contract import Incompatible, make_rng
from methods.adjust.instrument import two_stage
from methods.adjust.logistic import fit_logistic
from methods.adjust.ridge import Gram, fit_ridge, project


@pytest.fixture
def rows():
    rng = make_rng("closed forms")
    features = rng.standard_normal((200, 6)) @ rng.standard_normal((6, 6))
    outcome = features @ rng.standard_normal(6) + 2.0 + rng.standard_normal(200)
    return features, outcome, rng.integers(1, 5, 200).astype(float)


def test_ridge_at_a_fixed_penalty_is_sklearns(rows):
    from sklearn.linear_model import Ridge

    features, outcome, weight = rows
    ours = fit_ridge(features, outcome, weight, penalty=3.7)
    theirs = Ridge(alpha=3.7, solver="cholesky").fit(features, outcome, sample_weight=weight)
    np.testing.assert_allclose(ours.coefficient, theirs.coef_, rtol=1e-8)
    np.testing.assert_allclose(ours.intercept, theirs.intercept_, rtol=1e-8)


def test_the_chosen_penalty_minimises_generalised_cross_validation(rows):
    features, outcome, _ = rows
    gram = Gram(features, np.ones(len(outcome)))
    fit = gram.solve(outcome)
    centred, target = features - features.mean(axis=0), outcome - outcome.mean()

    def criterion(penalty: float) -> float:
        hat = centred @ np.linalg.solve(centred.T @ centred + penalty * np.eye(6), centred.T)
        return ((target - hat @ target) ** 2).sum() / (len(target) - 1 - np.trace(hat)) ** 2

    assert float(fit.penalty) == pytest.approx(min(gram.penalties, key=criterion))


def test_every_target_of_a_joint_fit_is_as_if_fitted_alone(rows):
    features, outcome, weight = rows
    both = fit_ridge(features, np.column_stack([outcome, outcome[::-1]]), weight)
    for k, target in enumerate((outcome, outcome[::-1])):
        alone = fit_ridge(features, target, weight)
        np.testing.assert_allclose(both.coefficient[:, k], alone.coefficient, atol=1e-10)
        np.testing.assert_allclose(both.residual[:, k], alone.residual, atol=1e-10)


def test_a_weight_is_a_number_of_repetitions(rows):
    features, outcome, weight = rows
    index = np.repeat(np.arange(len(outcome)), weight.astype(int))
    np.testing.assert_allclose(
        fit_ridge(features, outcome, weight).coefficient,
        fit_ridge(features[index], outcome[index]).coefficient,
        atol=1e-9,
    )


def test_projection_is_weighted_least_squares(rows):
    import statsmodels.api as sm

    features, outcome, weight = rows
    columns = sm.add_constant(features)
    predicted, rank = project(columns, outcome, weight)
    expected = sm.WLS(outcome, columns, weights=weight).fit()
    np.testing.assert_allclose(predicted, expected.fittedvalues, rtol=1e-8)
    assert rank == 7
    doubled, rank = project(np.column_stack([columns, columns]), outcome, weight)
    np.testing.assert_allclose(doubled, predicted, rtol=1e-8)
    assert rank == 7


def test_two_stage_least_squares_is_statsmodels():
    from statsmodels.sandbox.regression.gmm import IV2SLS

    rng = make_rng("two stage")
    instruments = rng.standard_normal((500, 3))
    hidden = rng.standard_normal(500)
    endogenous = instruments[:, :2] + 0.5 * instruments[:, [2]] + hidden[:, None]
    exogenous = np.column_stack([np.ones(500), rng.standard_normal(500)])
    outcome = endogenous @ [1.0, -2.0] + exogenous @ [0.3, 0.7] + 3 * hidden
    ours = two_stage(outcome, endogenous, instruments, exogenous)
    theirs = IV2SLS(
        outcome, np.column_stack([endogenous, exogenous]), np.column_stack([instruments, exogenous])
    ).fit()
    np.testing.assert_allclose(ours.coefficient, theirs.params[:2], atol=1e-8)
    error = np.sqrt(np.diag(ours.covariance))
    assert (np.abs(ours.coefficient - [1.0, -2.0]) < 4 * error).all()
    with pytest.raises(Incompatible, match="as many instruments"):
        two_stage(outcome, endogenous, instruments[:, :1], exogenous)


def test_penalised_logistic_is_sklearns():
    from sklearn.linear_model import LogisticRegression

    rng = make_rng("logistic")
    features = rng.standard_normal((400, 5))
    label = (rng.random(400) < expit(features @ [1.0, -1.0, 0.5, 0.0, 2.0])).astype(float)
    weight = rng.integers(1, 4, 400).astype(float)
    ours = fit_logistic(features, label, weight, penalty=2.0)
    theirs = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10, max_iter=1000)
    theirs.fit(features, label, sample_weight=weight)
    np.testing.assert_allclose(ours.coefficient, theirs.coef_[0], atol=1e-6)


def test_separable_preferences_get_finite_coefficients():
    difference = np.abs(make_rng("separable").standard_normal((50, 3)))
    fit = fit_logistic(difference, np.ones(50))
    assert np.isfinite(fit.coefficient).all()
    assert (fit.predict(difference) > 0).all()


def test_intervals_rest_on_least_squares_with_the_sandwich(rows):
    import statsmodels.api as sm

    features, outcome, _ = rows
    coefficient, covariance = Gram(features, np.ones(len(outcome))).least_squares(outcome)
    expected = sm.OLS(outcome, sm.add_constant(features)).fit(cov_type="HC1")
    np.testing.assert_allclose(coefficient, expected.params[1:], atol=1e-8)
    np.testing.assert_allclose(covariance, expected.cov_params()[1:, 1:], atol=1e-10)


def test_logged_weights_are_cut_only_where_a_row_says_so():
    """One row in a hundred is a hundred times as rare: its weight is 50.5 times the mean."""
    import pyarrow as pa

    import methods
    from benchmark.contract import Log
    from methods.checks.harness import EncodingHarness

    n = 100
    propensity = np.full(n, 0.1)
    propensity[0] = 0.001
    columns = {
        "prompt": ["p"] * n,
        "text": [f"text {i % 7}" for i in range(n)],
        "outcome": np.arange(n) % 5.0,
        "propensity": propensity,
        "target_propensity": np.full(n, 0.1),
    }
    log = Log(pa.table(columns))
    ratio = 0.1 / propensity
    weights = {
        name: methods.load(name).adjust(log, EncodingHarness()).weight
        for name in ("ipw-logged", "ipw-logged-clipped")
    }
    np.testing.assert_allclose(weights["ipw-logged"], ratio / ratio.mean())
    assert weights["ipw-logged"].max() == pytest.approx(100 / 1.99)
    clipped = weights["ipw-logged-clipped"]  # five times the mean, and all rescaled to mean one
    assert clipped.max() / clipped.min() == pytest.approx(5 / (1 / 1.99))
