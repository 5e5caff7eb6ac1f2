"""The marginal sensitivity model: how unfair an unrecorded choice of texts could be before an answer falls.

Under Gamma, the odds of holding a phrase differ from those that the recorded covariates give by a factor of
at most Gamma (Tan 2006). Bounds on the effect are sharp when the conditional quantile is right (Dorn and Guo
2023, quantile balancing) and valid when it is not. The estimator is the doubly valid one of Dorn, Guo and
Kallus 2024, because its standard error follows from its influence function:
``E[D Y + (1 - D) rho(Z) + D (1 - e) / e (R - rho(Z))]`` with ``R = Q + Gamma^sign(Y - Q) (Y - Q)``, Q the
``Gamma / (1 + Gamma)`` quantile of Y given Z and D = 1, and ``rho = E[R | Z, D = 1]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmark.advice.inspection.design import Design, residualise
from benchmark.advice.inspection.effects import Fit
from benchmark.advice.inspection.estimate import NORMAL, cluster_sum
from benchmark.contract import make_rng
from methods.adjust.logistic import fit_logistic
from methods.adjust.ridge import fit_ridge

ROWS = 12_000
PHRASES = 5
TOP_SHARE = 0.1
TRIM = 0.01
GRID = np.exp(np.linspace(0, np.log(20), 31))
FOLDS = 3


@dataclass(frozen=True)
class Tilt:
    """How unfair an unrecorded choice would have to be to undo an effect.

    Attributes:
        about: A phrase, or the tenth of texts that are put first.
        effect: Its adjusted effect, from the same estimator at Gamma 1.
        gamma: The Gamma at which the bounds reach zero.
        low: The Gamma at which the bounds' 95 % interval reaches zero; 1 where it always holds zero.
        high: The Gamma at which even the interval's inner end reaches zero.
    """

    about: str
    effect: float
    gamma: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Arm:
    """One side of a comparison: rows with a phrase, or rows without.

    Attributes:
        inside: Which rows are on this side, shape (n,), bool.
        chance: Estimated chance of this side, shape (n,).
        mean: Predicted outcome on this side, shape (n,).
        basis: Columns that predict R, shape (n, q).
        outcome: Shape (n,).
        binary: Whether the outcome is 0 or 1.
        fold: Shape (n,).
    """

    inside: np.ndarray
    chance: np.ndarray
    mean: np.ndarray
    basis: np.ndarray
    outcome: np.ndarray
    binary: bool
    fold: np.ndarray

    def bound(self, gamma: float, upper: bool) -> np.ndarray:
        """What each row adds to the bound of the mean outcome were every row on this side, shape (n,)."""
        sign = 1.0 if upper else -1.0
        y, mean = sign * self.outcome, sign * self.mean
        level = gamma / (1 + gamma)
        if self.binary:
            one = np.clip(self.mean, 0, 1)
            quantile = (one > 1 - level) * 1.0 if upper else -((one >= level) * 1.0)
        else:
            quantile = mean + np.quantile((y - mean)[self.inside], level)
        r = quantile + np.where(y > quantile, gamma, 1 / gamma) * (y - quantile)
        rho = self._regress(r, mean)
        odds = (1 - self.chance) / self.chance
        value = np.where(self.inside, y + odds * (r - rho), rho)
        return sign * value

    def _regress(self, r: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """E[R | Z] on this side: the predicted outcome and the basis, each fold from the others."""
        predicted = np.empty(len(r))
        for k, (used, columns, solver) in self._solvers.items():
            held = self.fold == k
            predicted[held] = mean[held] + columns @ (solver @ (r - mean)[used])
        return predicted

    @cached_property
    def _solvers(self) -> dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For each fold: the rows to learn from, its own columns, and what maps values to coefficients."""
        columns = np.column_stack([self.basis, self.mean, np.ones(len(self.mean))])
        found = {}
        for k in np.unique(self.fold):
            used = np.flatnonzero((self.fold != k) & self.inside)
            learnt = columns[used]
            gram = learnt.T @ learnt
            gram[np.diag_indices_from(gram)] += 1.0
            found[int(k)] = (used, columns[self.fold == k], np.linalg.solve(gram, learnt.T))
        return found


@dataclass(frozen=True, eq=False)
class Comparison:
    """Rows with and without something, and bounds on the difference of their mean outcomes.

    Attributes:
        treated: Rows with it.
        control: Rows without it.
        clusters: Unit of each row, or None.
    """

    treated: Arm
    control: Arm
    clusters: np.ndarray | None

    def bound(self, gamma: float, upper: bool) -> tuple[float, float]:
        """The lower or upper bound of the effect under a Gamma, and its standard error."""
        values = self.treated.bound(gamma, upper) - self.control.bound(gamma, not upper)
        return float(values.mean()), self._error(values)

    def interval(self, gamma: float) -> tuple[float, float]:
        """An interval that holds the effect with 95 % chance if the choice is no more unfair than Gamma."""
        (low, low_error), (high, high_error) = self.bound(gamma, False), self.bound(gamma, True)
        return low - NORMAL * low_error, high + NORMAL * high_error

    def _error(self, values: np.ndarray) -> float:
        parts = cluster_sum(values - values.mean(), self.clusters)
        return float(np.sqrt((parts**2).sum()) / len(values))


def make_comparison(
    held: np.ndarray,
    outcome: np.ndarray,
    basis: np.ndarray,
    binary: bool,
    clusters: np.ndarray | None = None,
) -> Comparison:
    """Fit what the bounds need: chances and mean outcomes, cross-fitted.

    Args:
        held: Whether a row holds what is compared, shape (n,), 0 or 1.
        outcome: Shape (n,).
        basis: What is adjusted for, shape (n, q); may have no columns.
        binary: Whether the outcome is 0 or 1.
        clusters: Unit of each row, or None.
    """
    rng = make_rng("advice", "gamma")
    fold = rng.permutation(np.arange(len(held)) % FOLDS)
    if clusters is not None:
        fold = rng.permutation(np.arange(int(clusters.max()) + 1) % FOLDS)[clusters]
    inside = held == 1
    scale = basis.std(axis=0)
    columns = (basis - basis.mean(axis=0)) / np.where(scale > 1e-9, scale, np.inf)
    ones = np.column_stack([columns, np.ones(len(held))])
    chance = np.empty(len(held))
    means = np.empty((2, len(held)))
    for k in range(FOLDS):
        out, used = fold == k, fold != k
        odds = fit_logistic(ones[used], held[used].astype(float)).predict(ones[out])
        chance[out] = np.clip(1 / (1 + np.exp(-np.clip(odds, -30, 30))), TRIM, 1 - TRIM)
        for side in (0, 1):
            rows = used & (inside == bool(side))
            level = outcome[rows].mean() if rows.any() else outcome.mean()
            means[side, out] = level
            if columns.shape[1] and rows.sum() > 10:
                centre = columns[rows].mean(axis=0)
                fit = fit_ridge(columns[rows] - centre, (outcome[rows] - level)[:, None])
                means[side, out] += fit.predict(columns[out] - centre)[:, 0]
    treated = Arm(inside, chance, means[1], columns, outcome, binary, fold)
    control = Arm(~inside, 1 - chance, means[0], columns, outcome, binary, fold)
    return Comparison(treated, control, clusters)


def find_gamma(about: str, comparison: Comparison) -> Tilt:
    """The Gammas at which bounds and interval reach zero, read off a grid by linear interpolation."""
    effect = comparison.bound(1.0, False)[0]
    upper, sign = effect < 0, -1.0 if effect < 0 else 1.0
    bounds, errors = np.array([comparison.bound(float(gamma), upper) for gamma in GRID]).T

    def reach(width: float) -> float:
        left = np.minimum.accumulate(sign * bounds - width * NORMAL * errors)
        below = int(np.argmax(left <= 0)) if (left <= 0).any() else len(GRID)
        if below in (0, len(GRID)):
            return float(GRID[below - 1]) if below else 1.0
        share = left[below - 1] / (left[below - 1] - left[below])
        return float(GRID[below - 1] + share * (GRID[below] - GRID[below - 1]))

    return Tilt(about, float(effect), reach(0.0), reach(1.0), reach(-1.0))


def describe_tilts(design: Design, fit: Fit) -> tuple[Tilt, ...]:
    """Gamma for the texts that are put first and for the strongest phrases, on some of the rows."""
    rng = make_rng("advice", "tilts")
    rows = np.sort(rng.permutation(len(design))[:ROWS])
    clusters = None if design.clusters is None else np.unique(design.clusters[rows], return_inverse=True)[1]
    binary = design.log.feedback == "binary"
    outcome = design.log.outcomes[rows] if binary else design.outcome[rows]
    basis, held = design.basis[rows], design.phrases.held[rows]

    def find(about: str, chosen: np.ndarray, columns: np.ndarray) -> Tilt | None:
        if min(chosen.sum(), (1 - chosen).sum()) < 30:
            return None
        return find_gamma(about, make_comparison(chosen, outcome, columns, binary, clusters))

    score = _cross_scores(design, rng)[rows]
    found = [find("the tenth of texts put first", (score > np.quantile(score, 1 - TOP_SHARE)) * 1.0, basis)]
    t = np.abs(fit.coefficient) / np.where(fit.errors > 0, fit.errors, np.inf)
    for k in np.argsort(-t, kind="stable")[:PHRASES]:
        others = np.delete(held, k, axis=1)
        found.append(find(design.phrases.names[k], held[:, k], np.column_stack([basis, others])))
    return tuple(tilt for tilt in found if tilt is not None)


def _cross_scores(design: Design, rng: np.random.Generator) -> np.ndarray:
    """The adjusted worth of each row's text, estimated on other rows; shape (n,)."""
    fold = design.folds(rng)
    score = np.empty(len(design))
    for k in np.unique(fold):
        used = fold != k
        both = residualise(np.column_stack([design.texts, design.outcome])[used], design.basis[used])
        coefficient = np.linalg.lstsq(both[:, :-1], both[:, -1], rcond=None)[0]
        score[~used] = design.phrases.held[~used] @ coefficient
    return score
