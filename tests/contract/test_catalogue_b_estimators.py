"""Estimators equal an independent implementation's on the same nuisances; optional packages are skipped."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit

import methods
from benchmark.contract import make_rng
from benchmark.harness import drive
from methods.adjust.aipw import aipw_scores
from methods.adjust.arms import ArmValues, fit_arm_policy
from methods.adjust.instrument import two_stage
from methods.adjust.partial import cross_folds
from methods.adjust.positive import fit_positive_unlabelled
from methods.adjust.scored import score_at_face_value
from methods.catalogue.attribute_doubleml import doubleml_scores
from methods.catalogue.attribute_effects import aipw_of_attributes
from methods.checks.harness import EncodingHarness, tiny_harness
from methods.checks.toy import draw_toy


def draw(n=600):
    rng = make_rng("estimators")
    x = rng.standard_normal((n, 3))
    chance = expit(x[:, 0] - 0.5 * x[:, 1])
    treated = (rng.random(n) < chance).astype(float)
    outcome = 0.7 * treated + x @ [1.0, -0.5, 0.3] + rng.standard_normal(n)
    return x, treated, outcome


def test_aipw_equals_doubleml_on_the_same_folds_and_nuisances():
    doubleml = pytest.importorskip("doubleml")
    from sklearn.linear_model import LinearRegression, LogisticRegression

    x, treated, outcome = draw()
    data = doubleml.DoubleMLData.from_arrays(x, outcome, treated)
    model = doubleml.DoubleMLIRM(data, LinearRegression(), LogisticRegression(C=1e6), n_folds=4)
    fold = np.arange(len(x)) % 4
    model.set_sample_splitting([(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(4)])
    model.fit(store_predictions=True)
    nuisance = {name: values[:, 0, 0] for name, values in model.predictions.items()}
    scores = aipw_scores(outcome, treated, nuisance["ml_g1"], nuisance["ml_g0"], nuisance["ml_m"])
    assert scores.mean() == pytest.approx(model.coef[0], abs=1e-8)
    assert scores.std() / np.sqrt(len(x)) == pytest.approx(model.se[0], abs=1e-8)


def test_the_doubleml_row_equals_ours_on_the_same_folds():
    pytest.importorskip("doubleml")
    scored = score_at_face_value(draw_toy(400, 1).log(roles=("covariate", "attribute")), EncodingHarness(1))
    fold = cross_folds(scored.log, EncodingHarness(1), 5)
    assert np.allclose(doubleml_scores(scored, fold), aipw_of_attributes(scored, fold), atol=1e-8)


def test_the_doubleml_row_says_what_it_misses(monkeypatch):
    monkeypatch.setattr("methods.catalogue.attribute_doubleml.find_spec", lambda name: None)
    log = draw_toy(100, 1).log(roles=("covariate", "attribute"))
    (failure,) = drive(methods.load("attribute-doubleml"), [(log, tiny_harness())])
    assert failure.declined
    assert "doubleml" in failure.reason


def test_aipw_equals_statsmodels_on_full_sample_nuisances():
    from statsmodels.api import OLS, Logit, add_constant
    from statsmodels.treatment.treatment_effects import TreatmentEffect

    x, treated, outcome = draw()
    design = add_constant(x)
    propensity = Logit(treated, design).fit(disp=False, tol=1e-12)
    theirs = TreatmentEffect(OLS(outcome, design), treated, results_select=propensity).aipw(
        return_results=False
    )
    on, off = (OLS(outcome[treated == a], design[treated == a]).fit().predict(design) for a in (1, 0))
    ours = aipw_scores(outcome, treated, on, off, propensity.predict()).mean()
    assert ours == pytest.approx(float(theirs[0]), abs=1e-8)


def draw_instrumented(n=500):
    rng = make_rng("instruments")
    hidden, z = rng.standard_normal(n), rng.standard_normal((n, 3))
    w = np.column_stack([np.ones(n), rng.standard_normal(n)])
    x = z @ rng.standard_normal((3, 2)) + hidden[:, None] + rng.standard_normal((n, 2))
    y = x @ [1.0, -0.5] + 2 * hidden + w @ [0.3, 1.0] + rng.standard_normal(n)
    return y, x, z, w


def test_two_stage_equals_statsmodels():
    from statsmodels.sandbox.regression.gmm import IV2SLS

    y, x, z, w = draw_instrumented()
    theirs = IV2SLS(y, np.column_stack([x, w]), np.column_stack([z, w])).fit()
    assert np.allclose(two_stage(y, x, z, w).coefficient, theirs.params[:2], atol=1e-8)


def test_two_stage_and_its_covariance_equal_linearmodels():
    linearmodels = pytest.importorskip("linearmodels")
    y, x, z, w = draw_instrumented()
    theirs = linearmodels.IV2SLS(y, w, x, z).fit(cov_type="robust")
    ours = two_stage(y, x, z, w)
    assert np.allclose(ours.coefficient, np.asarray(theirs.params)[2:], atol=1e-8)
    assert np.allclose(ours.covariance, np.asarray(theirs.cov)[2:, 2:], atol=1e-8)


def test_positive_unlabelled_recovers_the_preference_that_plain_regression_misses():
    """Those who act write the decoy: seen positives credit it, the product model does not."""
    rng = make_rng("positives")
    n = 20_000
    z = rng.standard_normal(n)
    decoy = (rng.random(n) < expit(2 * z)).astype(float)
    cause = rng.integers(0, 2, n).astype(float)
    pleased = rng.random(n) < expit(1.5 * cause - 0.5)
    acts = rng.random(n) < expit(1.5 * z)
    texts = np.column_stack([decoy, cause, np.ones(n)])
    people = np.column_stack([z, np.ones(n)])
    fit = fit_positive_unlabelled(texts, people, (pleased & acts).astype(float), penalty=1e-3)
    # Standard errors at n = 20,000 are about .1 (half the rows inform each factor): three of them.
    assert fit.preference == pytest.approx([0.0, 1.5, -0.5], abs=0.3)
    assert fit.inclination == pytest.approx([1.5, 0.0], abs=0.3)


def test_arm_policy_is_the_tilted_base_where_features_are_saturated():
    """With one feature an arm the optimum is base * exp(q / price), whatever the base."""
    value, base = np.array([0.3, -0.2, 0.5, 0.0]), np.array([1.0, 2.0, 1.0, 4.0])
    theta = fit_arm_policy(np.eye(4), np.zeros(4), ArmValues(base, value), price=0.5, ridge=1e-9)
    assert theta - theta.mean() == pytest.approx(value / 0.5 - value.mean() / 0.5, abs=1e-3)


def test_gradients_are_those_of_the_losses():
    """The optimum is where the numeric gradient vanishes too."""
    rng = make_rng("gradients")
    texts = np.column_stack([rng.standard_normal((200, 2)), np.ones(200)])
    people = np.column_stack([rng.standard_normal(200), np.ones(200)])
    positive = (rng.random(200) < 0.3).astype(float)
    fit = fit_positive_unlabelled(texts, people, positive, penalty=0.5)

    def loss(c):
        chance = expit(texts @ c[:3]) * expit(people @ c[3:])
        value = positive @ np.log(chance) + (1 - positive) @ np.log1p(-chance)
        return -value + 0.25 * c[:3] @ c[:3] + 5e-4 * c[3:] @ c[3:]

    found = np.r_[fit.preference, fit.inclination]
    assert check_grad(loss, lambda c: np.zeros(5), found) < 0.05


def test_aipw_is_right_if_one_of_its_two_models_is():
    """The effect is 2 and z confounds; a model that ignores z is about 2 off unless the other is right."""
    rng = make_rng("test", "aipw")
    z = rng.integers(0, 2, 200_000).astype(float)
    chance = np.where(z == 1, 0.8, 0.2)
    treated = (rng.random(len(z)) < chance).astype(float)
    outcome = 2 * treated + 3 * z + rng.standard_normal(len(z))
    flat = np.full(len(z), 0.5)
    wrong = [np.full(len(z), outcome[treated == side].mean()) for side in (1, 0)]
    right = [2 + 3 * z, 3 * z]
    cases = {"both": (right, chance), "outcome": (right, flat), "propensity": (wrong, chance)}
    for name, ((on, off), propensity) in cases.items():
        scores = aipw_scores(outcome, treated, on, off, propensity)
        assert abs(scores.mean() - 2) < 4 * scores.std() / np.sqrt(len(z)), name
    assert abs(aipw_scores(outcome, treated, *wrong, flat).mean() - 2) > 1
