"""An outcome model averaged over people: the g-formula for texts (Robins 1986).

It sees text features and covariates; the weights that may correct it are made elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract import Harness, Log
from methods.adjust.features import base_columns, covariate_columns
from methods.adjust.partial import conditional_means, cross_folds
from methods.adjust.ridge import fit_ridge, project
from methods.adjust.scored import Scored, partial_out, score_at_face_value

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


def fit_outcome_model(scored: Scored, fold: np.ndarray, flexible: bool = True) -> FittedOutcome:
    """Fit an outcome model out of fold.

    Args:
        scored: The rows.
        fold: Fold numbers, shape (n,).
        flexible: Fit the model of ``OutcomeModel``; otherwise one that is linear in texts and covariates.
    """
    width = scored.texts.shape[1]
    design = np.column_stack([scored.texts, _products(scored)]) if flexible else scored.texts
    design_mean, value_mean = conditional_means(scored, design, fold, flexible=flexible)
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
    both = np.column_stack([design_mean, value_mean])
    level, _ = project(base_columns(scored.log), both)
    return level[:, -1], level[:, :-1]


def _products(scored: Scored) -> np.ndarray:
    """Products of leading text directions and covariates, shape (n, at most about ``MOST_PRODUCTS``)."""
    columns = covariate_columns(scored.log)
    leading = _leading_directions(scored.texts, columns.shape[1])
    reduced = (scored.texts - scored.texts.mean(axis=0)) @ leading
    return (reduced[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)


def _leading_directions(texts: np.ndarray, columns: int) -> np.ndarray:
    rank = min(texts.shape[1], max(8, MOST_PRODUCTS // max(columns, 1)))
    centred = texts - texts.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return vectors[:, ::-1][:, :rank]
