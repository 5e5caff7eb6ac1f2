"""Penalised logistic regression by Newton steps, the penalty re-chosen at each step.

Arrays alone. At every step the working least-squares problem is a weighted ridge whose
penalty generalised cross-validation picks ("performance iteration", Gu 1992).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A fitted logistic regression without intercept; add a column of ones to have one.

    Attributes:
        coefficient: Shape (d,).
        penalty: Chosen penalty.
        inverse: Inverse penalised information, shape (d, d).
    """

    coefficient: np.ndarray
    penalty: float
    inverse: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Log odds, shape (n,)."""
        return features @ self.coefficient


def fit_logistic(
    features: np.ndarray,
    label: np.ndarray,
    weight: np.ndarray | None = None,
    penalty: float | None = None,
    iterations: int = 25,
    tolerance: float = 1e-8,
) -> LogisticFit:
    """Fit ``P(label = 1) = sigma(features @ coefficient)`` with a ridge penalty.

    Args:
        features: Shape (n, d).
        label: Values in [0, 1]; 0.5 is a tie. Shape (n,).
        weight: Repetition counts, shape (n,); None means one each.
        penalty: A fixed penalty (of ``penalty / 2 * |coefficient|^2``), or None to choose it.
        iterations: Most Newton steps.
        tolerance: Stop when no log odds moves by more.
    """
    weight = np.ones(len(features)) if weight is None else weight
    linear = np.zeros(len(features))
    coefficient = np.zeros(features.shape[1])
    chosen = penalty
    values, vectors = np.zeros(features.shape[1]), np.eye(features.shape[1])
    for step in range(iterations):
        chance = expit(linear)
        curvature = np.maximum(chance * (1 - chance), 1e-4)
        working = linear + (label - chance) / curvature
        information = weight * curvature
        scaled = features * information[:, None]
        values, vectors = np.linalg.eigh(scaled.T @ features)
        values = np.clip(values, 0.0, None)
        projected = vectors.T @ (scaled.T @ working)
        # The penalty settles within a few steps; freezing it then makes Newton converge.
        if penalty is None and step < 6:
            chosen = _choose_penalty(values, projected, float(information @ working**2), weight.sum())
        coefficient = vectors @ (projected / (values + max(chosen or 0.0, 1e-10)))
        moved = features @ coefficient
        change = np.abs(moved - linear).max(initial=0.0)
        linear = moved
        if change < tolerance:
            break
    inverse = (vectors / (values + max(chosen or 0.0, 1e-10))) @ vectors.T
    return LogisticFit(coefficient, float(chosen or 0.0), inverse)


def _choose_penalty(values: np.ndarray, projected: np.ndarray, squares: float, total: float) -> float:
    scale = values.mean() if values.size and values.max() > 0 else 1.0
    candidates = np.geomspace(1e3, 1e-4, 43) * scale
    ridged = candidates[:, None] + values[None, :]
    shrunk = projected / ridged
    explained = (2.0 * projected * shrunk - values * shrunk**2).sum(axis=1)
    freedom = (values / ridged).sum(axis=1)
    slack = total - freedom
    loss = np.clip(squares - explained, 0.0, None)
    criterion = np.where(slack > 0, loss / np.maximum(slack, 1e-12) ** 2, np.inf)
    return float(candidates[criterion.argmin()])


__all__ = ["LogisticFit", "fit_logistic"]
