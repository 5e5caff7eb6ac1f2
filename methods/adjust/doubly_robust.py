"""Doubly robust adjustment: an outcome model averaged over people, corrected by weighted residuals.

``mean_j m(x_i, z_j) + w_i (Y_i - m(x_i, z_i))``, cross-fitted, regressed on texts
(Robins, Rotnitzky, Zhao 1994; Kennedy 2023 for the regression of the pseudo-outcome).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract import Harness, Log
from methods.adjust.features import base_columns, covariate_columns
from methods.adjust.partial import conditional_means, cross_folds
from methods.adjust.ridge import fit_ridge
from methods.adjust.scored import Scored, partial_out, score_at_face_value
from methods.adjust.weights import clip_weights, density_ratio, logged_ratio

MOST_PRODUCTS = 240


@dataclass(frozen=True)
class OutcomeModel:
    """An outcome model with text-by-covariate interactions, averaged over the covariates.

    ``m(x, z) = g(z) + x'b + (x'R) (z)' c``: g is flexible, R holds the leading directions of
    the texts. Its average over z is the value; no weights are used.

    Attributes:
        folds: Cross-fitting folds.
    """

    folds: int = 5

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by the outcome less what the model says of their covariates."""
        scored = score_at_face_value(log, harness)
        model = fit_outcome_model(scored, cross_folds(scored.log, harness, self.folds))
        value = scored.value - model.fitted + model.averaged
        result = partial_out(replace(scored, value=value), base_columns(scored.log))
        return result.with_nuisances(anchor=model.anchor)


@dataclass(frozen=True)
class DoublyRobust:
    """The pseudo-outcome of outcome model and weights.

    With logged propensities the target law itself is the weighting law, so the rows are
    weighted by w and the value is ``mean_j m(x_i, z_j) + Y_i - m(x_i, z_i)``: the same
    estimating equation, right if either nuisance is.

    Attributes:
        folds: Cross-fitting folds.
        clip: Largest weight relative to the mean.
        logged: Use logged propensities instead of the estimated ratio.
        permutations: Permuted copies of the log the classifier sees.
    """

    folds: int = 5
    clip: float = 20.0
    logged: bool = False
    permutations: int = 4

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by their pseudo-outcome."""
        scored = score_at_face_value(log, harness)
        fold = cross_folds(scored.log, harness, self.folds)
        model = fit_outcome_model(scored, fold)
        residual = scored.value - model.fitted
        if self.logged:
            weight = clip_weights(logged_ratio(scored.log), self.clip)
            scored = replace(scored.with_weight(weight), value=model.averaged + residual)
        else:
            ratio = density_ratio(scored, fold, harness.rng("permutation"), self.permutations)
            weight = clip_weights(ratio, self.clip)
            diagnosed = scored.with_weight(weight).diagnostics
            value = model.averaged + weight * residual
            scored = replace(scored, value=value, diagnostics=diagnosed)
        return partial_out(scored, base_columns(scored.log)).with_nuisances(anchor=model.anchor)


@dataclass(frozen=True, eq=False)
class FittedOutcome:
    """Out-of-fold predictions of an outcome model.

    Attributes:
        fitted: ``m(x_i, z_i)``, shape (n,).
        averaged: ``mean_j m(x_i, z_j)``, shape (n,).
        anchor: Text coefficients averaged over the folds, shape (d,).
    """

    fitted: np.ndarray
    averaged: np.ndarray
    anchor: np.ndarray


def fit_outcome_model(scored: Scored, fold: np.ndarray) -> FittedOutcome:
    """Fit the interaction model out of fold; see ``OutcomeModel`` for its form."""
    columns = covariate_columns(scored.log)
    width = scored.texts.shape[1]
    leading = _leading_directions(scored.texts, columns.shape[1])
    reduced = (scored.texts - scored.texts.mean(axis=0)) @ leading
    crossed = (reduced[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)
    design = np.column_stack([scored.texts, crossed])
    design_mean, value_mean = conditional_means(scored, design, fold)
    left, right = scored.value - value_mean, design - design_mean
    fitted, averaged = np.empty(len(left)), np.empty(len(left))
    anchor = np.zeros(width)
    level, own = _prompt_level(scored, value_mean, design_mean)
    for k in np.unique(fold):
        held = fold == k
        fit = fit_ridge(right[~held], left[~held])
        fitted[held] = value_mean[held] + right[held] @ fit.coefficient
        # Covariate columns are centred, so products average to zero over people.
        people = level[held] - own[held] @ fit.coefficient
        averaged[held] = people + scored.texts[held] @ fit.coefficient[:width]
        anchor += fit.coefficient[:width] * held.mean()
    return FittedOutcome(fitted, averaged, anchor)


def _prompt_level(
    scored: Scored, value_mean: np.ndarray, design_mean: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Conditional means averaged over people, prompt by prompt."""
    from methods.adjust.ridge import project

    both = np.column_stack([design_mean, value_mean])
    level, _ = project(base_columns(scored.log), both)
    return level[:, -1], level[:, :-1]


def _leading_directions(texts: np.ndarray, columns: int) -> np.ndarray:
    rank = min(texts.shape[1], max(8, MOST_PRODUCTS // max(columns, 1)))
    centred = texts - texts.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return vectors[:, ::-1][:, :rank]
