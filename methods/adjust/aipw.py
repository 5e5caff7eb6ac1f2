"""Augmented inverse propensity weighting of one binary property of the text.

Arrays alone. ``psi = m1 - m0 + a (y - m1) / e - (1 - a)(y - m0) / (1 - e)`` has the average effect as its
mean, if either the outcome model or the propensity is right.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from methods.adjust.logistic import fit_logistic
from methods.adjust.ridge import fit_ridge

TRIM = 0.01


def aipw_scores(
    outcome: np.ndarray, treated: np.ndarray, on: np.ndarray, off: np.ndarray, propensity: np.ndarray
) -> np.ndarray:
    """Scores psi, shape (n,); their mean is the effect, their deviation over root n its standard error.

    Source: Robins, Rotnitzky & Zhao 1994; Chernozhukov et al. 2018, eq. 5.3.

    Args:
        outcome: y, shape (n,).
        treated: a, 0 or 1, shape (n,).
        on: m1, the outcome model with the property, shape (n,).
        off: m0, without it, shape (n,).
        propensity: e, in (0, 1), shape (n,).
    """
    correction = treated * (outcome - on) / propensity
    correction = correction - (1.0 - treated) * (outcome - off) / (1.0 - propensity)
    return on - off + correction


def cross_fit_scores(
    outcome: np.ndarray, treated: np.ndarray, controls: np.ndarray, moved_by: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """Scores with out-of-fold nuisances, shape (n,).

    Args:
        outcome: Shape (n,).
        treated: 0 or 1, shape (n,).
        controls: What the outcome models see: linear in these, fitted by treatment; shape (n, q).
        moved_by: What the logistic propensity sees, shape (n, r).
        fold: Fold numbers, shape (n,).
    """
    on, off, chance = (np.empty(len(outcome)) for _ in range(3))
    design = np.column_stack([moved_by, np.ones(len(outcome))])
    for k in np.unique(fold):
        held = fold == k
        for level, out in ((1.0, on), (0.0, off)):
            rows = ~held & (treated == level)
            if rows.sum() < 2:  # nothing to fit: the overall mean stands in
                out[held] = outcome[~held].mean()
                continue
            out[held] = fit_ridge(controls[rows], outcome[rows]).predict(controls[held])
        chance[held] = expit(fit_logistic(design[~held], treated[~held]).predict(design[held]))
    return aipw_scores(outcome, treated, on, off, np.clip(chance, TRIM, 1.0 - TRIM))
