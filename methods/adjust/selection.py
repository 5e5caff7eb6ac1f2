"""Adjustments for outcomes that are recorded for some rows alone.

Recorded rows are weighted by one over their chance of being recorded: logged, estimated from
text and covariates, or estimated from the outcome itself with the help of a shadow variable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.special import expit

from benchmark.contract import Harness, Log
from methods.adjust.features import (
    TextFeatures,
    control_columns,
    covariate_columns,
    role_values,
)
from methods.adjust.logistic import fit_logistic
from methods.adjust.ridge import fit_ridge
from methods.adjust.scored import Scored, partial_out, score_at_face_value, subtract_rest
from methods.adjust.weights import clip_weights


@dataclass(frozen=True)
class CompleteCase:
    """Recorded rows as if nothing were missing, covariates adjusted for: the baseline."""

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score the recorded rows."""
        return _adjust(score_at_face_value(log, harness))


@dataclass(frozen=True)
class ObservationWeights:
    """Recorded rows weighted by one over their chance of being recorded.

    Attributes:
        logged: Take the chance from the log; otherwise fit it on texts and covariates, which is
            right where recording does not depend on the outcome itself.
        clip: Largest weight relative to the mean.
    """

    logged: bool = True
    clip: float = 20.0

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score the recorded rows."""
        scored = score_at_face_value(log, harness)
        seen = observed_rows(log)
        if self.logged:
            chance = log.numbers("observation_propensity")[seen]
        else:
            chance = _fit_chance(log, harness, seen)
        return _adjust(scored.with_weight(clip_weights(1.0 / chance, self.clip)))


@dataclass(frozen=True)
class ShadowWeights:
    """Recording depends on the outcome; a shadow variable moves the outcome alone.

    ``P(recorded | y, x) = sigma(a + b y + c's(x))`` is fitted by the moments
    ``E[(recorded / P - 1) (1, shadow, s(x))] = 0`` (Miao and Tchetgen Tchetgen 2016; Wang, Shao and Kim
    2014). s(x) is what texts say in two numbers: the outcome they predict, and their own log odds of being
    recorded. Phrasings that move recording beyond their outcomes are between the two; the first alone
    would give them the wrong sign. The shadow variable is adjusted for in the regression as well.

    Attributes:
        clip: Largest weight relative to the mean.
    """

    clip: float = 20.0

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score the recorded rows."""
        scored = score_at_face_value(log, harness)
        seen = observed_rows(log)
        texts = TextFeatures.learn(log, harness).of_log(log)
        recorded = np.zeros(len(log))
        recorded[seen] = 1.0
        predicted = fit_ridge(texts[seen], log.outcomes[seen]).predict(texts)
        odds = _fit_odds(texts, recorded)
        summary = np.column_stack([standard(predicted), standard(odds)])
        shadow = np.apply_along_axis(standard, 0, role_values(log, ("shadow",)))
        moments = np.column_stack([np.ones(len(log)), shadow, summary])
        outcome = np.zeros(len(log))
        outcome[seen] = standard(log.outcomes[seen])
        model = np.column_stack([np.ones(len(log)), outcome, summary])

        def imbalance(parameter: np.ndarray) -> np.ndarray:
            inverse = 1.0 + np.exp(-np.clip(model @ parameter, -8.0, 8.0))
            return moments.T @ (recorded * inverse - 1.0) / len(log)

        share = np.clip(recorded.mean(), 1e-3, 1 - 1e-3)
        start = np.r_[np.log(share / (1 - share)), np.zeros(model.shape[1] - 1)]
        fit = least_squares(imbalance, start)
        chance = expit(np.clip(model[seen] @ fit.x, -8.0, 8.0))
        weighted = scored.with_weight(clip_weights(1.0 / chance, self.clip))
        # What moves the outcome alone is the best covariate there is: weights multiply the noise it makes.
        return _adjust(weighted, ("covariate", "shadow"))


def observed_rows(log: Log) -> np.ndarray:
    """Rows whose outcome was recorded, as indices."""
    return np.flatnonzero(log.numbers("observed") == 1) if log.has("observed") else np.arange(len(log))


def standard(values: np.ndarray) -> np.ndarray:
    """Values with mean 0 and variance 1; shape (n,)."""
    scale = values.std()
    return (values - values.mean()) / (scale if scale > 1e-12 else 1.0)


def _fit_chance(log: Log, harness: Harness, seen: np.ndarray) -> np.ndarray:
    texts = TextFeatures.learn(log, harness).of_log(log)
    recorded = np.zeros(len(log))
    recorded[seen] = 1.0
    odds = _fit_odds(np.column_stack([texts, covariate_columns(log)]), recorded)
    return expit(np.clip(odds[seen], -8.0, 8.0))


def _fit_odds(columns: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Log odds of being recorded by penalised logistic regression, shape (n,)."""
    design = np.column_stack([columns - columns.mean(axis=0), np.ones(len(columns))])
    return fit_logistic(design, recorded).predict(design)


def _adjust(scored: Scored, roles: tuple[str, ...] = ("covariate",)) -> Scored:
    columns = control_columns(scored.log, roles)
    return subtract_rest(partial_out(scored, columns))
