"""Doubly robust adjustment: an outcome model averaged over people, corrected by weighted residuals.

The pseudo-outcome ``mean_j m(x_i, z_j) + w_i (Y_i - m(x_i, z_i))``, cross-fitted, is regressed on texts. It
is right on average if either the outcome model or the weights are (Robins, Rotnitzky & Zhao 1994; Kennedy
2023 for the regression of the pseudo-outcome).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract import Harness, Log
from methods.adjust.features import base_columns
from methods.adjust.outcome_model import fit_outcome_model
from methods.adjust.partial import cross_folds
from methods.adjust.ridge import project
from methods.adjust.scored import Scored, partial_out, score_at_face_value
from methods.adjust.weights import clip_weights, density_ratio, logged_ratio

CUTS = 13
VARIES = 1e-3


@dataclass(frozen=True)
class DoublyRobust:
    """The pseudo-outcome of outcome model and weights, regressed by a ridge around the outcome model.

    The ridge shrinks the correction, with one penalty for every direction. Where the flexible outcome model
    is right there is nothing but noise to correct with, generalised cross-validation takes the largest
    penalty, and the result is the outcome model's; where the model is wrong, a part of the correction stays.
    ``Corrected`` keeps the correction whole.

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


@dataclass(frozen=True)
class Corrected:
    """The pseudo-outcome of outcome model and weights, regressed by a ridge around zero.

    No penalty draws the fit back to the outcome model. Large weights are cut instead, at the size which
    has the least estimated error (``choose_cut``). No cut is below the mean weight, so some correction
    always stays, and cuts grow with the log, so that in the limit all of it does.

    Attributes:
        logged: Use logged propensities instead of the estimated ratio.
        flexible: Use the outcome model of ``OutcomeModel``; otherwise one linear in texts and covariates.
        folds: Cross-fitting folds.
        permutations: Permuted copies of the log the classifier sees.
    """

    logged: bool = False
    flexible: bool = True
    folds: int = 5
    permutations: int = 4

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by their pseudo-outcome."""
        scored = score_at_face_value(log, harness)
        fold = cross_folds(scored.log, harness, self.folds)
        model = fit_outcome_model(scored, fold, self.flexible)
        residual = scored.value - model.fitted
        if self.logged:
            ratio = logged_ratio(scored.log)
        else:
            ratio = density_ratio(scored, fold, harness.rng("permutation"), self.permutations)
        weight = ratio / ratio.mean()
        base = base_columns(scored.log)
        cut = choose_cut(scored.texts - project(base, scored.texts)[0], weight, residual)
        value = model.averaged + np.minimum(weight, cut) * residual
        diagnosed = scored.with_weight(weight).with_diagnostics(cut=cut).diagnostics
        return partial_out(replace(scored, value=value, diagnostics=diagnosed), base)


def choose_cut(texts: np.ndarray, weight: np.ndarray, residual: np.ndarray) -> float:
    """The cut of the weights that has the least estimated error of the regression of ``w r`` on texts.

    A cut saves variance and costs the bias that the cut-off part of the weights would have removed. Both are
    summed over orthonormal directions of the texts: squared bias ``|mean u (w - w_c) r|^2``, less what noise
    alone gives it, and variance ``mean |u|^2 (w_c r)^2 / n``.

    Source: the rule of Su, Dimakopoulou, Krishnamurthy & Dudik 2020 (bias and variance of a doubly robust
    estimate with shrunk weights), here for a regression in place of a mean.

    Args:
        texts: Centred text features, shape (n, d).
        weight: Mean one, shape (n,).
        residual: What the outcome model left, shape (n,).

    Returns:
        A number between 1 and the cube root of n (which grows more slowly than the root of n that
        Ionides 2008 allows for a mean, because a regression has many directions for outliers to spoil).
    """
    n = len(texts)
    values, vectors = np.linalg.eigh(texts.T @ texts / n)
    kept = values > VARIES * max(values.mean(), 1e-300)
    directions = texts @ vectors[:, kept] / np.sqrt(values[kept])
    length = (directions**2).sum(axis=1)

    def error(cut: float) -> float:
        used = np.minimum(weight, cut)
        lost = (weight - used) * residual
        bias = directions.T @ lost / n
        excess = bias @ bias - (length * lost**2).mean() / n
        return float(max(excess, 0.0) + (length * (used * residual) ** 2).mean() / n)

    return float(min(np.geomspace(1.0, np.cbrt(n), CUTS), key=error))
