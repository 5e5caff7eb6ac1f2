"""Estimates of a policy's value from a log, as Causal Preference Optimization makes them.

One half of the log gives a policy ``f(x|p)``, which is proportional to ``P0(x|p) exp(s(x))`` with ``P0`` the
logged target law and s the naive regression's reward at unit spread. Whatever s believes, f has a true gain
``V(f) - V(P0)``. All estimates of it are reported as diagnostics. With ``w = f(x) / P(x|z)``,
``v = f(x) / P0(x)`` and an outcome model ``ghat`` fitted on the first half (Lin, Ben-Michael & Morency, UAI
2024, section 4):

- weighted: the mean of ``w y`` over the second half (theorem 4.2), as it is or with weights that sum to one;
- modelled: the mean of ``v ghat`` over texts of P0;
- robust: the mean of ``w (y - ghat)`` plus the modelled estimate (theorem 4.4, proposition 4.5).

Wrong weights ignore the covariates, and wrong models do too, or are negated or constant. The benchmark
knows the true gain (the metric ``gain``) and holds the estimates against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Fitted, Harness, Log, Method, RewardFunction, Tags
from methods.adjust.features import base_columns, covariate_columns
from methods.adjust.partial import cross_folds
from methods.adjust.ridge import fit_ridge
from methods.adjust.scored import score_at_face_value
from methods.adjust.weights import logged_ratio
from methods.linear import regress
from methods.rows import LOGGED, make_tags


@dataclass(frozen=True)
class ValueEstimates:
    """Values a fixed policy on a log by weights, by models and by both.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
    """

    name: str
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Make a policy on one half of the log and value it on the other."""
        scored = score_at_face_value(log, harness)
        rows = scored.log
        first = cross_folds(rows, harness, 2) == 0
        reward = regress(scored.take(np.flatnonzero(first)))
        score = reward.reward(rows.prompts, rows.texts)
        spread = float(score.std()) or 1.0
        ratio = logged_ratio(rows)
        tilt = tilted_ratio(rows.prompts, score / spread, ratio)
        models = predict_outcomes(scored.texts, rows, first)
        estimates = value(rows.outcomes, tilt, ratio / ratio.mean(), models, ~first)
        return RewardFunction(
            lambda prompts, texts: reward.reward(prompts, texts) / spread,
            {f"gain_{name}": number for name, number in estimates.items()},
        )


def tilted_ratio(prompts: np.ndarray, score: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """``f(x|p) / P0(x|p)``, shape (n,): ``exp(score)`` over its mean under P0 at the row's prompt.

    Args:
        prompts: Shape (n,).
        score: What P0 is tilted by, shape (n,).
        ratio: ``P0(x|p) / P(x|p,z)`` up to a factor, shape (n,).
    """
    _, prompt = np.unique(prompts.astype(str), return_inverse=True)
    lifted = np.exp(score - score.max())
    total = np.bincount(prompt, ratio * lifted) / np.bincount(prompt, ratio)
    return lifted / total[prompt]


def predict_outcomes(texts: np.ndarray, log: Log, first: np.ndarray) -> dict[str, tuple[np.ndarray, ...]]:
    """Outcome models fitted on some rows: each one's prediction for the row, and for its text alone.

    Args:
        texts: Text features, shape (n, d).
        log: The rows.
        first: Which rows the models are fitted on, shape (n,), bool.
    """
    people = covariate_columns(log)
    blind = np.column_stack([texts, base_columns(log)])
    seeing = np.column_stack([blind, people])
    typical = np.column_stack([blind, np.broadcast_to(people.mean(axis=0), people.shape)])
    raw = fit_ridge(blind[first], log.outcomes[first]).predict(blind)
    adjusted = fit_ridge(seeing[first], log.outcomes[first])
    constant = np.full(len(log), log.outcomes[first].mean())
    return {
        "adjusted": (adjusted.predict(seeing), adjusted.predict(typical)),
        "raw": (raw, raw),
        "negated": (-raw, -raw),
        "constant": (constant, constant),
    }


def value(
    outcomes: np.ndarray,
    tilt: np.ndarray,
    ratio: np.ndarray,
    models: dict[str, tuple[np.ndarray, ...]],
    held: np.ndarray,
) -> dict[str, float]:
    """Every estimate of ``V(f) - V(P0)``, by name.

    Args:
        outcomes: Shape (n,).
        tilt: ``f(x) / P0(x)``, shape (n,).
        ratio: ``P0(x) / P(x|z)``, mean one, shape (n,).
        models: Predictions for the rows and for their texts alone, each of shape (n,).
        held: Rows whose outcomes are used, shape (n,), bool.
    """
    gained = tilt - 1.0
    weights = {"logged": ratio, "marginal": np.ones(len(ratio))}

    def weigh(kind: str, values: np.ndarray) -> float:
        return float((weights[kind] * gained * values)[held].mean())

    def model(kind: str) -> float:
        # every row's text is a draw from P0 once it is weighted; its outcome is not used
        return float((ratio * gained * models[kind][1]).sum() / ratio.sum())

    def both(weight: str, kind: str) -> float:
        return weigh(weight, outcomes - models[kind][0]) + model(kind)

    kept, lifted = ratio[held], (ratio * tilt)[held]
    return {
        "weighted": weigh("logged", outcomes),
        "weighted_marginal": weigh("marginal", outcomes),
        "weighted_normalised": float(
            lifted @ outcomes[held] / lifted.sum() - kept @ outcomes[held] / kept.sum()
        ),
        "modelled": model("adjusted"),
        "modelled_raw": model("raw"),
        "robust": both("logged", "adjusted"),
        "robust_wrong_model": both("logged", "raw"),
        "robust_wrong_weights": both("marginal", "adjusted"),
        "robust_both_wrong": both("marginal", "raw"),
        "robust_constant": both("logged", "constant"),
        "robust_negated": both("logged", "negated"),
    }


METHODS: tuple[Method, ...] = (
    ValueEstimates(
        "value-estimates",
        make_tags(
            "The naive reward of half the log; on the other half it estimates the value of its policy.",
            "Lin, Ben-Michael & Morency, UAI 2024",
            *LOGGED,
            "covariate",
            adjusts=False,
        ),
    ),
)
