"""Weighted ridge regression with the penalty chosen by generalised cross-validation.

The one linear solver of the package. It knows arrays alone: no log, no harness.
Weights are counts of repetition (a row of weight 2 is the row twice), so callers that
hold importance weights scale them to mean one first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

GRID = np.geomspace(1e5, 1e-5, 61)


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """A fitted ridge regression.

    Attributes:
        coefficient: Shape (d,) or (d, m).
        intercept: Shape () or (m,).
        penalty: Chosen penalty of each target, shape () or (m,).
        freedom: Effective degrees of freedom spent, shape () or (m,).
        residual: Residuals, shape (n,) or (n, m).
    """

    coefficient: np.ndarray
    intercept: np.ndarray
    penalty: np.ndarray
    freedom: np.ndarray
    residual: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predictions, shape (n,) or (n, m)."""
        return features @ self.coefficient + self.intercept


@dataclass(frozen=True, eq=False)
class Gram:
    """Centred features with the eigendecomposition of their weighted Gram matrix.

    Attributes:
        features: Shape (n, d).
        weight: Repetition counts, shape (n,).
    """

    features: np.ndarray
    weight: np.ndarray

    @cached_property
    def mean(self) -> np.ndarray:
        """Weighted feature means, shape (d,)."""
        return self.weight @ self.features / self.weight.sum()

    @cached_property
    def spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues (d,) and eigenvectors (d, d) of the centred weighted Gram matrix."""
        gram = (self.features * self.weight[:, None]).T @ self.features
        gram -= self.weight.sum() * np.outer(self.mean, self.mean)
        values, vectors = np.linalg.eigh(gram)
        return np.clip(values, 0.0, None), vectors

    @cached_property
    def penalties(self) -> np.ndarray:
        """Candidate penalties, largest first, shape (61,); relative to the mean eigenvalue."""
        values, _ = self.spectrum
        scale = values.mean() if values.size and values.max() > 0 else 1.0
        return GRID * scale

    def solve(self, target: np.ndarray, spent: float = 1.0, penalty: float | None = None) -> RidgeFit:
        """Fit one or many targets.

        Args:
            target: Shape (n,) or (n, m); every target gets a penalty of its own.
            spent: Degrees of freedom already used (the intercept, columns partialled out).
            penalty: A fixed penalty; None chooses by generalised cross-validation.

        Source: Golub, Heath, Wahba 1979, generalised cross-validation.
        """
        targets = target.reshape(len(target), -1)
        total = self.weight.sum()
        centre = self.weight @ targets / total
        centred = targets - centre
        values, vectors = self.spectrum
        projected = vectors.T @ (self.features.T @ (self.weight[:, None] * centred))
        squares = self.weight @ centred**2
        candidates = self.penalties if penalty is None else np.array([float(penalty)])
        freedom = np.array([(values / (values + p)).sum() for p in candidates])
        loss = np.stack([_residual_squares(values, projected, squares, p) for p in candidates])
        slack = total - spent - freedom
        with np.errstate(divide="ignore", invalid="ignore"):
            criterion = np.where(slack[:, None] > 0, loss / slack[:, None] ** 2, np.inf)
        # An outcome without variance leaves rounding noise to minimise: take the largest penalty.
        criterion = np.where(squares > 1e-12 * (1.0 + total * centre**2), criterion, 0.0)
        best = criterion.argmin(axis=0)
        chosen = candidates[best]
        scaled = np.where(
            criterion.min(axis=0) < np.inf, 1.0 / (values[:, None] + np.maximum(chosen, 1e-300)), 0.0
        )
        coefficient = vectors @ (projected * scaled)
        intercept = centre - self.mean @ coefficient
        residual = targets - self.features @ coefficient - intercept
        shape = target.shape[1:]
        return RidgeFit(
            coefficient.reshape(-1, *shape),
            intercept.reshape(shape),
            chosen.reshape(shape),
            freedom[best].reshape(shape),
            residual.reshape(target.shape),
        )

    def least_squares(
        self, target: np.ndarray, spent: float = 1.0, inherited: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Unpenalised coefficients of one target and their covariance, for intervals.

        A penalised fit trades bias for variance, and intervals around it fall short by the bias;
        these hold their level. Directions in which the features do not vary are left at zero.

        Args:
            target: Shape (n,).
            spent: Degrees of freedom already used.
            inherited: What each row adds to the score through an earlier estimate that the target was made
                with, shape (n, d); None where the target is observed.

        Returns:
            Coefficients (d,) and their heteroscedasticity-consistent covariance (d, d).

        Source: MacKinnon and White 1985, the sandwich scaled by n / (n - p).
        """
        values, vectors = self.spectrum
        varies = values > 1e-9 * max(values.max(initial=0.0), 1e-300)
        inverse = (vectors[:, varies] / values[varies]) @ vectors[:, varies].T
        total = self.weight.sum()
        centred = target - self.weight @ target / total
        features = self.features - self.mean
        coefficient = inverse @ (features.T @ (self.weight * centred))
        residual = centred - features @ coefficient
        slack = max(total - spent - float(varies.sum()), 1.0)
        scores = features * (self.weight * residual)[:, None]
        if inherited is not None:
            scores = scores + inherited
        return coefficient, inverse @ (scores.T @ scores * (total / slack)) @ inverse


def _residual_squares(
    values: np.ndarray, projected: np.ndarray, squares: np.ndarray, penalty: float
) -> np.ndarray:
    shrunk = projected / (values[:, None] + max(penalty, 1e-300))
    explained = 2.0 * projected * shrunk - values[:, None] * shrunk**2
    return np.clip(squares - explained.sum(axis=0), 0.0, None)


def fit_ridge(
    features: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    spent: float = 1.0,
    penalty: float | None = None,
) -> RidgeFit:
    """Ridge regression with an unpenalised intercept; see ``Gram.solve``.

    Args:
        features: Shape (n, d).
        target: Shape (n,) or (n, m).
        weight: Repetition counts, shape (n,); None means one each.
        spent: Degrees of freedom already used.
        penalty: A fixed penalty, or None for generalised cross-validation.
    """
    weight = np.ones(len(features)) if weight is None else weight
    return Gram(features, weight).solve(target, spent, penalty)


def project(
    columns: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
) -> tuple[np.ndarray, int]:
    """Weighted least-squares predictions of targets by a few columns, safe under collinearity.

    Args:
        columns: Shape (n, q); give the intercept as a column.
        targets: Shape (n,) or (n, m).
        weight: Shape (n,), or None.

    Returns:
        Predictions of the shape of ``targets``, and the rank of the columns.
    """
    root = np.ones(len(columns)) if weight is None else np.sqrt(weight)
    left, singular, right = np.linalg.svd(columns * root[:, None], full_matrices=False)
    keep = singular > 1e-10 * max(singular.max(initial=0.0), 1e-300)
    flat = targets.reshape(len(targets), -1) * root[:, None]
    solution = right[keep].T @ ((left[:, keep].T @ flat) / singular[keep][:, None])
    return (columns @ solution).reshape(targets.shape), int(keep.sum())
