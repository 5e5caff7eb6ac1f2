"""What phrases seem to be worth at face value and adjusted for what was recorded, and how far the two differ.

Both are least squares on all phrases at once, with standard errors that hold for any noise and for rows of a
unit together; the difference is judged with the covariance between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.advice.inspection.design import Design, residualise
from benchmark.advice.inspection.estimate import NORMAL, Estimate, cluster_sum
from benchmark.contract import make_rng

DRAWS = 400
PAIRS = 2_000


@dataclass(frozen=True, eq=False)
class Fit:
    """A regression of the outcome on phrases.

    Attributes:
        coefficient: Shape (K,).
        influence: What each cluster adds to the coefficients' error, shape (clusters, K).
        residual: Shape (n,).
        left: Phrases less what the basis explains of them, shape (n, K).
        inverse: Inverse of their Gram matrix, shape (K, K).
        freedom: Residual degrees of freedom.
    """

    coefficient: np.ndarray
    influence: np.ndarray
    residual: np.ndarray
    left: np.ndarray
    inverse: np.ndarray
    freedom: int

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the coefficients, robust to heteroskedasticity and clusters; shape (K, K)."""
        count = len(self.influence)
        return self.influence.T @ self.influence * count / max(count - 1, 1)

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of the coefficients, shape (K,)."""
        return np.sqrt(np.diag(self.covariance))

    def contrast_error(self, contrast: np.ndarray) -> float:
        """Standard error of a combination of coefficients."""
        return float(np.sqrt(((self.influence @ contrast) ** 2).sum()))

    def classical_error(self, contrast: np.ndarray) -> float:
        """Standard error of a combination under equal variances, on which partial R2 rests."""
        scale = float((self.residual**2).sum() / self.freedom)
        return float(np.sqrt(scale * contrast @ self.inverse @ contrast))


def regress(design: Design, basis: np.ndarray, outcome: np.ndarray | None = None) -> Fit:
    """The regression of an outcome on all phrases and a basis.

    Args:
        design: The log.
        basis: Columns that are adjusted for, shape (n, q).
        outcome: By default the log's.
    """
    target = design.outcome if outcome is None else outcome
    both = residualise(np.column_stack([design.texts, target]), basis)
    left, right = both[:, :-1], both[:, -1]
    inverse = np.linalg.pinv(left.T @ left, rcond=1e-10, hermitian=True)
    coefficient = inverse @ (left.T @ right)
    residual = right - left @ coefficient
    freedom = max(len(design) - left.shape[1] - basis.shape[1] - design.absorbed, 1)
    influence = cluster_sum(left * residual[:, None], design.clusters) @ inverse
    correction = np.sqrt(len(design) / freedom)
    return Fit(coefficient, influence * correction, residual, left, inverse, freedom)


@dataclass(frozen=True)
class PhraseEffect:
    """A phrase, at face value and adjusted.

    Attributes:
        phrase: Its name.
        share: Share of rows that hold it.
        naive: Mean difference in the outcome at face value, other phrases equal.
        adjusted: The same, adjusted for what was recorded.
        disagrees: Whether the two differ by more than chance (5 % over all phrases, Holm).
    """

    phrase: str
    share: float
    naive: Estimate
    adjusted: Estimate
    disagrees: bool


@dataclass(frozen=True)
class Disagreement:
    """How far adjusting changes the answers.

    Attributes:
        reversed_pairs: Share of pairs of texts that the adjusted effects order the other way.
        by_chance: What that share would be were there no difference, from the noise alone.
        phrases: Every phrase, the largest change first.
    """

    reversed_pairs: Estimate
    by_chance: float
    phrases: tuple[PhraseEffect, ...]

    @property
    def disputed(self) -> tuple[str, ...]:
        """Phrases whose effect changes by more than chance."""
        return tuple(phrase.phrase for phrase in self.phrases if phrase.disagrees)


def compare_effects(design: Design, naive: Fit, adjusted: Fit) -> Disagreement:
    """How far adjusting changes what phrases and pairs of texts seem to be worth."""
    change = adjusted.coefficient - naive.coefficient
    joint = np.column_stack([naive.influence, adjusted.influence])
    error = np.sqrt(((adjusted.influence - naive.influence) ** 2).sum(axis=0))
    z = np.divide(change, error, out=np.zeros_like(change), where=error > 0)
    disputed = multipletests(2 * stats.norm.sf(np.abs(z)), 0.05, "holm")[0] if error.any() else error > 0
    share = design.phrases.held.mean(axis=0)
    effects = [
        PhraseEffect(
            name,
            float(share[k]),
            Estimate.normal(float(naive.coefficient[k]), float(naive.errors[k])),
            Estimate.normal(float(adjusted.coefficient[k]), float(adjusted.errors[k])),
            bool(disputed[k]),
        )
        for k, name in enumerate(design.phrases.names)
    ]
    order = np.argsort(-np.abs(z), kind="stable")
    found, chance = _reversed_pairs(design, naive.coefficient, adjusted.coefficient, joint)
    return Disagreement(found, chance, tuple(effects[k] for k in order))


def _reversed_pairs(
    design: Design, naive: np.ndarray, adjusted: np.ndarray, joint: np.ndarray
) -> tuple[Estimate, float]:
    """Share of pairs of rows that the two order differently, its interval, and its value under no difference.

    The interval is made of draws of both sets of coefficients from their joint normal law.
    """
    rng = make_rng("advice", "pairs")
    first, second = rng.integers(len(design), size=(2, PAIRS))
    difference = design.phrases.held[first] - design.phrases.held[second]
    difference = difference[(difference != 0).any(axis=1)]
    if not len(difference):
        return Estimate(0.0, 0.0, 0.0), 0.0

    def share(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return (np.sign(difference @ one.T) * np.sign(difference @ other.T) < 0).mean(axis=0)

    k = len(naive)
    values, vectors = np.linalg.eigh(joint.T @ joint)
    noise = (rng.normal(size=(DRAWS, 2 * k)) * np.sqrt(np.maximum(values, 0))) @ vectors.T
    value = float(share(naive[None], adjusted[None])[0])
    drawn = share(naive + noise[:, :k], adjusted + noise[:, k:])
    chance = float(share(naive + noise[:, :k], naive + noise[:, k:]).mean())
    half = NORMAL * float(drawn.std())
    return Estimate(value, max(0.0, value - half), min(1.0, value + half)), chance


def joint_test(coefficient: np.ndarray, covariance: np.ndarray) -> float:
    """P-value of the Wald test that all coefficients are zero."""
    inverse = np.linalg.pinv(covariance, rcond=1e-8, hermitian=True)
    rank = np.linalg.matrix_rank(covariance, hermitian=True)
    return float(stats.chi2.sf(coefficient @ inverse @ coefficient, max(int(rank), 1)))
