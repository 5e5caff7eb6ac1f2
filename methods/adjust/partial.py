"""Adjustments that subtract nothing, the covariates' marginal effect, or their joint effect.

All assume that covariates act additively, and see no covariates but the recorded ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmark.contract import Harness, Incompatible, Log
from methods.adjust.features import (
    base_columns,
    control_columns,
    covariate_columns,
    flexible_columns,
    role_values,
)
from methods.adjust.ridge import fit_ridge, project
from methods.adjust.scored import (
    Scored,
    partial_out,
    score_at_face_value,
    score_by_judge,
    split_folds,
    subtract_rest,
)


@dataclass(frozen=True)
class Raw:
    """The log at face value: the outcome, or the judge's score where a judge scored every row."""

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by their outcome."""
        scored = score_by_judge(log, harness) if log.has("judge") else score_at_face_value(log, harness)
        return partial_out(scored, base_columns(scored.log))


@dataclass(frozen=True)
class Marginal:
    """``Y - g(z)`` with g from a regression of Y on the covariates alone.

    It subtracts too much wherever texts depend on covariates, because g then holds part of the
    texts' effect. Source: residualised click rate of DeconfoundLM's follow-up paper (outcome
    residualised, text not); reconstruction of the method's simplest form.
    """

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by their residual."""
        scored = score_at_face_value(log, harness)
        columns = np.column_stack([np.ones(len(scored.log)), covariate_columns(scored.log)])
        explained, _ = project(columns, scored.value)
        value = scored.value - explained + scored.value.mean()
        return partial_out(replace(scored, value=value), base_columns(scored.log))


@dataclass(frozen=True)
class Joint:
    """One regression of Y on text features and covariates, read at average covariates.

    By Frisch, Waugh and Lovell the text coefficients equal those of residuals on residuals, so
    the penalty falls on texts alone and covariates are fully adjusted for.

    Attributes:
        roles: Roles of the columns adjusted for.
    """

    roles: tuple[str, ...] = ("covariate",)

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by Y less the covariates' jointly estimated effect."""
        scored = score_at_face_value(log, harness)
        columns = control_columns(scored.log, self.roles)
        return subtract_rest(partial_out(scored, columns))


@dataclass(frozen=True)
class PartialOut:
    """Both sides residualised on flexible, cross-fitted means given the covariates.

    ``Y - E[Y|z]`` is regressed on ``x - E[x|z]`` (Robinson 1988; Chernozhukov et al. 2018).

    Attributes:
        folds: Cross-fitting folds.
        boosted: Take ``E[Y|z]`` from gradient boosting; the text means stay smooth.
        roles: Roles of the columns adjusted for.
    """

    folds: int = 5
    boosted: bool = False
    roles: tuple[str, ...] = ("covariate",)

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by Y less the estimated effect of the covariates."""
        scored = score_at_face_value(log, harness)
        fold = cross_folds(scored.log, harness, self.folds)
        text_mean, value_mean = conditional_means(scored, scored.texts, fold, self.boosted, self.roles)
        return subtract_rest(scored.with_nuisances(text_mean=text_mean, value_mean=value_mean))


def cross_folds(log: Log, harness: Harness, folds: int) -> np.ndarray:
    """Fold numbers, shape (n,).

    Raises:
        Incompatible: If the log is too short to be split.
    """
    if len(log) < 4 * folds:
        raise Incompatible(f"cross-fitting in {folds} folds needs at least {4 * folds} rows")
    return split_folds(log, harness.rng("folds"), folds)


def conditional_means(
    scored: Scored,
    features: np.ndarray,
    fold: np.ndarray,
    boosted: bool = False,
    roles: tuple[str, ...] = ("covariate",),
    flexible: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold means of features and value given covariates, prompt and context.

    Args:
        scored: The rows.
        features: Shape (n, d).
        fold: Fold numbers, shape (n,).
        boosted: Take the value's mean from gradient boosting.
        roles: Roles of the columns conditioned on.
        flexible: Take means that are smooth in these columns; otherwise linear ones.

    Returns:
        Feature means (n, d) and value means (n,).
    """
    base = base_columns(scored.log)[:, 1:]
    given = role_values(scored.log, roles)
    made = flexible_columns(given) if flexible else covariate_columns(scored.log, roles)
    columns = np.column_stack([base, made])
    raw = np.column_stack([given, base])
    targets = np.column_stack([features, scored.value])
    predicted = np.empty_like(targets)
    for k in np.unique(fold):
        held = fold == k
        predicted[held] = fit_ridge(columns[~held], targets[~held]).predict(columns[held])
        if boosted:
            predicted[held, -1] = boost(raw[~held], scored.value[~held]).predict(raw[held])
    return predicted[:, :-1], predicted[:, -1]


def boost(columns: np.ndarray, outcomes: np.ndarray, trees: int = 120, rate: float = 0.08) -> Any:
    """Gradient-boosted trees of a fixed size, fitted; ``predict(columns)`` gives shape (n,).

    Args:
        columns: Shape (n, q).
        outcomes: Shape (n,).
        trees: How many are added up.
        rate: Share of each tree that is added.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(
        learning_rate=rate, max_iter=trees, max_leaf_nodes=15, min_samples_leaf=20, random_state=0
    )
    return model.fit(columns, outcomes)
