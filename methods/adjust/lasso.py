"""Adjustment for many recorded covariates of which few matter: lassos choose them.

Knows recorded covariates alone. Outcome means use a cross-validated penalty; text means, of which there are
many, use the plug-in penalty of Belloni, Chernozhukov and Hansen 2014.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Harness, Log
from methods.adjust.features import base_columns, covariate_columns
from methods.adjust.partial import cross_folds
from methods.adjust.ridge import project
from methods.adjust.scored import Scored, partial_out, score_at_face_value, subtract_rest

SLACK = 1.1
LEVEL = 0.1
SELECTED = 1e-8
PENALTIES = np.geomspace(1.0, 1e-2, 40)


@dataclass(frozen=True)
class DoubleSelection:
    """Least squares on the texts and on every covariate that either lasso selects.

    One lasso regresses the outcome on the covariates, the other each text feature on them. A covariate that
    one of them misses moves the other side strongly enough to be found there, if it confounds.

    Source: Belloni, Chernozhukov & Hansen 2014 (post-double-selection).

    Attributes:
        folds: Of the cross-validated penalty.
    """

    folds: int = 5

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by Y less the selected covariates' jointly estimated effect."""
        scored = score_at_face_value(log, harness)
        fold = cross_folds(scored.log, harness, self.folds)
        base, columns = base_columns(scored.log), covariate_columns(scored.log)
        outside = columns - project(base, columns)[0]
        outcome = scored.value - project(base, scored.value)[0]
        texts = scored.texts - project(base, scored.texts)[0]
        chosen = np.abs(fit_outcome(outside, outcome, fold)) > SELECTED
        chosen |= (np.abs(fit_texts(outside, texts)) > SELECTED).any(axis=1)
        found = partial_out(scored, np.column_stack([base, columns[:, chosen]]))
        return subtract_rest(found).with_diagnostics(selected=float(chosen.sum()))


@dataclass(frozen=True)
class LassoPartialOut:
    """Both sides residualised on cross-fitted lasso means given the covariates.

    Source: Chernozhukov et al. 2018, the partially linear model with lasso nuisances.

    Attributes:
        folds: Cross-fitting folds.
    """

    folds: int = 5

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by Y less the estimated effect of the covariates."""
        scored = score_at_face_value(log, harness)
        fold = cross_folds(scored.log, harness, self.folds)
        base, columns = base_columns(scored.log), covariate_columns(scored.log)
        both = np.column_stack([scored.texts, scored.value])
        means, _ = project(base, both)
        outside, left = columns - project(base, columns)[0], both - means
        for k in np.unique(fold):
            held = fold == k
            texts = fit_texts(outside[~held], left[~held, :-1])
            outcome = fit_outcome(outside[~held], left[~held, -1], fold[~held])
            means[held] += outside[held] @ np.column_stack([texts, outcome])
        return subtract_rest(scored.with_nuisances(text_mean=means[:, :-1], value_mean=means[:, -1]))


def fit_outcome(columns: np.ndarray, outcome: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Coefficients of a lasso whose penalty is chosen by cross-validation, shape (q,).

    Args:
        columns: Centred covariates, shape (n, q).
        outcome: Centred, shape (n,).
        fold: Fold numbers, shape (n,).
    """
    from sklearn.linear_model import LassoCV
    from sklearn.model_selection import PredefinedSplit

    scale = columns.std(axis=0)
    varies = scale > SELECTED
    coefficient = np.zeros(columns.shape[1])
    inputs = columns[:, varies] / scale[varies]
    largest = np.abs(inputs.T @ outcome).max(initial=0.0) / len(outcome)
    if largest > SELECTED:
        model = LassoCV(alphas=largest * PENALTIES, cv=PredefinedSplit(fold), precompute=True, random_state=0)
        coefficient[varies] = model.fit(inputs, outcome).coef_ / scale[varies]
    return coefficient


def fit_texts(columns: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Coefficients of a lasso of every text feature at the plug-in penalty, shape (q, d).

    The penalty ``1.1 s Phi^-1(1 - .1 / (2 q d)) / sqrt(n)``, s the deviation of a feature's residual, exceeds
    every chance correlation of q covariates with d features at once with probability of about .9. The
    deviation comes from a first fit at the feature's own deviation.

    Args:
        columns: Centred covariates, shape (n, q).
        texts: Centred text features, shape (n, d).

    Source: Belloni, Chernozhukov & Hansen 2014, section 2.
    """
    from scipy.stats import norm
    from sklearn.linear_model import Lasso

    scale, size = columns.std(axis=0), texts.std(axis=0)
    varies, moves = scale > SELECTED, size > SELECTED
    coefficient = np.zeros((columns.shape[1], texts.shape[1]))
    if not varies.any() or not moves.any():
        return coefficient
    inputs, targets = columns[:, varies] / scale[varies], texts[:, moves]
    tail = LEVEL / (2.0 * inputs.shape[1] * targets.shape[1])
    penalty = SLACK * norm.isf(tail) / np.sqrt(len(texts))
    spread = size[moves]
    for _ in range(2):
        model = Lasso(alpha=penalty, precompute=True, fit_intercept=False, random_state=0)
        fitted = model.fit(inputs, targets / spread).coef_.reshape(targets.shape[1], -1).T * spread
        spread = np.maximum((targets - inputs @ fitted).std(axis=0), SELECTED * spread)
    coefficient[np.ix_(varies, moves)] = fitted / scale[varies][:, None]
    return coefficient
