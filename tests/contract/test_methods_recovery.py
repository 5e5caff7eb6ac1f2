"""On a confounded toy log with known effects, adjustments recover them and naive does not."""

from __future__ import annotations

import numpy as np
import pytest

import methods
from benchmark.contract import make_rng
from methods.adjust.outcome_model import fit_outcome_model
from methods.adjust.scored import score_at_face_value, split_folds
from methods.adjust.weights import density_ratio, logged_ratio
from methods.checks.harness import EncodingHarness
from methods.checks.toy import EFFECTS, PROMPTS, draw_toy, write_texts

SEEDS = range(6)
ROWS = 2000
# Under randomisation an attribute's effect has standard error sd(Y) / (sqrt(n) sd(a)); the toy
# outcome has standard deviation about sqrt(3^2 + 1 + 1 + .4) = 3.4 and sd(a) = .5.
RAW_ERROR = 3.4 / (np.sqrt(ROWS) * 0.5)
# With the covariates' part removed the standard deviation is about sqrt(1 + .4) = 1.2.
ADJUSTED_ERROR = 1.2 / (np.sqrt(ROWS) * 0.5)


def estimate_effects(name: str, roles: set[str], seed: int, **toy) -> np.ndarray:
    """A fitted method's effects of the four attributes, by least squares over random pairs."""
    log = draw_toy(ROWS, seed, **toy).log(roles=roles)
    fitted = methods.load(name).fit(log, EncodingHarness(seed))
    rng = make_rng("effects", seed)
    on, off = rng.integers(0, 2, (2, 1500, 4))
    prompts = PROMPTS[rng.integers(len(PROMPTS), size=1500)]
    gap = fitted.reward(prompts, write_texts(on, rng)) - fitted.reward(prompts, write_texts(off, rng))
    return np.linalg.lstsq((on - off).astype(float), gap, rcond=None)[0]


def mean_effects(name: str, *roles: str, **toy) -> np.ndarray:
    return np.mean([estimate_effects(name, set(roles), seed, **toy) for seed in SEEDS], axis=0)


def test_naive_takes_the_decoy_for_the_best_attribute():
    effects = mean_effects("naive")
    assert effects[0] > EFFECTS.max()


@pytest.mark.parametrize(
    "name",
    [
        "covariate-regression",
        "covariate-regression-boosted",
        "residual-partial-out",
        "outcome-model-averaged",
        "doubly-robust",
    ],
)
def test_adjusting_for_covariates_recovers_effects(name):
    # Four standard errors of a mean over the seeds, and a tenth of each effect for shrinkage.
    allowed = 4 * ADJUSTED_ERROR / np.sqrt(len(SEEDS)) + 0.1 * np.abs(EFFECTS)
    assert (np.abs(mean_effects(name, "covariate") - EFFECTS) < allowed).all()


def test_logged_propensities_recover_effects_without_covariates():
    roles = ("propensity", "target_propensity")
    # Effective sample size is near .6 of the rows; shrinkage grows with the noise.
    allowed = 4 * RAW_ERROR / np.sqrt(0.6 * len(SEEDS)) + 0.25 * np.abs(EFFECTS)
    assert (np.abs(mean_effects("ipw-logged", *roles) - EFFECTS) < allowed).all()
    both = mean_effects("doubly-robust-logged", "covariate", *roles)
    assert (np.abs(both - EFFECTS) < 4 * ADJUSTED_ERROR / np.sqrt(0.6 * len(SEEDS)) + 0.1).all()


def test_estimated_weights_remove_most_of_the_bias():
    naive, weighted = mean_effects("naive"), mean_effects("ipw-estimated", "covariate")
    assert abs(weighted[0]) < 0.25 * naive[0]


def test_the_marginal_residual_over_subtracts_what_moves_with_covariates():
    # a_1 responds to the covariate that is regressed out, so part of its own effect goes with it;
    # a_2 responds to nothing and keeps its effect.
    marginal, joint = (
        mean_effects("residual-marginal", "covariate"),
        mean_effects("residual-partial-out", "covariate"),
    )
    assert marginal[1] < joint[1] - 0.05
    assert marginal[2] == pytest.approx(joint[2], abs=0.05)


def test_randomised_logs_leave_naive_right():
    allowed = 4 * RAW_ERROR / np.sqrt(len(SEEDS)) + 0.25 * np.abs(EFFECTS)
    assert (np.abs(mean_effects("naive", strength=0.0) - EFFECTS) < allowed).all()


def test_instruments_that_move_texts_recover_effects_without_covariates():
    # A nudge moves an attribute's chance from .27 to .73 for people at the mean: first-stage slope
    # about .4, so the error is that of a randomised attribute over .4 or so.
    allowed = 4 * RAW_ERROR / (0.35 * np.sqrt(len(SEEDS))) + 0.15 * np.abs(EFFECTS)
    effects = mean_effects("instrumented-texts", "instrument")
    assert (np.abs(effects - EFFECTS) < allowed).all()
    assert abs(effects[0]) < 0.3 * mean_effects("naive")[0]


def test_two_proxies_do_what_one_cannot():
    # The proxies measure the covariate that confounds with a reliability of one half.
    plain = mean_effects("naive", "proxy")
    as_covariate = mean_effects("proxy-as-covariate", "proxy")
    proximal = mean_effects("proximal", "proxy")
    assert abs(proximal[0]) < 0.5 * abs(as_covariate[0]) < 0.5 * abs(plain[0])


def test_the_estimated_density_ratio_follows_the_true_one():
    toy = draw_toy(4000, 1)
    log = toy.log(roles=("covariate", "propensity", "target_propensity"))
    scored = score_at_face_value(log, EncodingHarness())
    fold = split_folds(scored.log, make_rng("folds"), 5)
    estimated = np.log(density_ratio(scored, fold, make_rng("permutation"), 4))
    truth = np.log(logged_ratio(log))
    # Words reveal attributes exactly, so what is missing is sampling noise and the link's form.
    assert np.corrcoef(estimated, truth)[0, 1] > 0.9


def test_the_outcome_model_is_right_on_average():
    toy = draw_toy(3000, 2)
    scored = score_at_face_value(toy.log(), EncodingHarness())
    model = fit_outcome_model(scored, split_folds(scored.log, make_rng("folds"), 5))
    reward = toy.attributes @ EFFECTS
    centred = model.averaged - model.averaged.mean()
    assert np.std(centred - (reward - reward.mean())) < 0.3 * np.std(reward)
    # Out-of-fold residuals hold the unit noise and little else.
    assert np.std(scored.value - model.fitted) == pytest.approx(1.0, abs=0.1)


def test_folds_belong_to_rows_not_to_their_places():
    log = draw_toy(200).log()
    order = make_rng("order").permutation(len(log))
    there = split_folds(log, make_rng("folds"), 5)
    np.testing.assert_array_equal(split_folds(log.take(order), make_rng("folds"), 5), there[order])
    assert np.bincount(there).tolist() == [40] * 5


def test_intervals_cover_the_effects_of_an_adjusted_fit():
    from methods.checks.answers import toy_contrasts

    contrasts, inside, trials = toy_contrasts(), 0, 40
    for seed in range(trials):
        log = draw_toy(600, 100 + seed).log()
        found = (
            methods.load("covariate-regression").fit(log, EncodingHarness()).effect_interval(contrasts, 0.9)
        )
        inside += ((found[:, 0] <= EFFECTS) & (found[:, 1] >= EFFECTS)).sum()
    # 160 intervals at .9: four binomial standard errors are .095 (effects of one log are dependent).
    assert inside / (4 * trials) > 0.9 - 0.1
