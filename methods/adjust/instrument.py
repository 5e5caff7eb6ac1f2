"""Instrumental variables: for the texts themselves, or for a recorded confounder.

Two-stage least squares on a few columns; texts enter through one index an instrument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract import Harness, Incompatible, Log
from methods.adjust.features import Basis, base_columns, control_columns, role_values
from methods.adjust.partial import cross_folds
from methods.adjust.ridge import fit_ridge, project
from methods.adjust.scored import Scored, partial_out, score_at_face_value, solve


@dataclass(frozen=True, eq=False)
class TwoStage:
    """A two-stage least-squares fit.

    Attributes:
        coefficient: Of the endogenous columns, shape (k,).
        influence: Each row's part in the coefficient's error, to first order, shape (n, k).
        strength: Smallest singular value of the first stage's explained endogenous columns over
            the root of the row count: near 0 where instruments are weak.
    """

    coefficient: np.ndarray
    influence: np.ndarray
    strength: float

    @property
    def covariance(self) -> np.ndarray:
        """Heteroscedasticity-robust covariance of the coefficient, shape (k, k); White 1982."""
        return self.influence.T @ self.influence


def two_stage(
    outcome: np.ndarray, endogenous: np.ndarray, instruments: np.ndarray, exogenous: np.ndarray
) -> TwoStage:
    """Two-stage least squares (Theil 1953; Angrist and Imbens 1995).

    Args:
        outcome: Shape (n,).
        endogenous: Shape (n, k).
        instruments: Excluded instruments, shape (n, m), m >= k.
        exogenous: Included controls with the intercept among them, shape (n, q).

    Raises:
        Incompatible: If there are fewer instruments than endogenous columns.
    """
    if instruments.shape[1] < endogenous.shape[1]:
        raise Incompatible(
            f"{endogenous.shape[1]} endogenous columns need as many instruments,"
            f" the log has {instruments.shape[1]}"
        )
    both = np.column_stack([outcome, endogenous, instruments])
    free = both - project(exogenous, both)[0]
    left, right, moved = free[:, 0], free[:, 1 : 1 + endogenous.shape[1]], free[:, 1 + endogenous.shape[1] :]
    stage, _ = project(moved, right)
    bread = np.linalg.pinv(stage.T @ right)
    coefficient = bread @ (stage.T @ left)
    residual = left - right @ coefficient
    influence = (stage * residual[:, None]) @ bread.T
    strength = np.linalg.svd(stage, compute_uv=False).min(initial=np.inf) / np.sqrt(len(outcome))
    return TwoStage(coefficient, influence, float(strength))


@dataclass(frozen=True)
class InstrumentedTexts:
    """Texts instrumented by nudges that moved them independently of people.

    Word counts outnumber instruments, so each instrument's own index of the text is learnt first:
    the regression of the instrument on the text, which varies with what the nudge moved and
    little else. Outcomes are then regressed on the indices, instrumented (out of fold, so that
    the indices do not fit noise). The span of the indices is what the instruments identify.

    Attributes:
        folds: Cross-fitting folds of the indices.
    """

    folds: int = 5

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by the instrumented reward of their texts."""
        scored = score_at_face_value(log, harness)
        fold = cross_folds(scored.log, harness, self.folds)
        given = scored.log.matrix("instrument")
        instruments = Basis.learn(given)(given)
        controls = control_columns(scored.log)
        index = np.empty_like(instruments)
        for k in np.unique(fold):
            held = fold == k
            index[held] = fit_ridge(scored.texts[~held], instruments[~held]).predict(scored.texts[held])
        stage = two_stage(scored.log.outcomes, index, instruments, controls)
        whole = fit_ridge(scored.texts, instruments)
        anchor = whole.coefficient @ stage.coefficient
        value = scored.texts @ anchor
        value = value - value.mean() + scored.log.outcomes.mean()
        # The index is taken as given: what its own error does to the first stage, it undoes in the reward.
        done = replace(scored, value=value).with_nuisances(
            anchor=anchor, anchor_influence=stage.influence @ whole.coefficient.T
        )
        return done.with_diagnostics(first_stage=stage.strength)


@dataclass(frozen=True)
class InstrumentedConfounder:
    """``Y - g(C)`` with g from two-stage least squares of Y on the confounder C.

    For a confounder that is recorded with error or is itself moved by what moves the text; the
    instrument must move Y through C alone and the text not at all. With more covariates than
    instruments, those the instruments move most are taken as C, the others as controls.
    Source: DeconfoundLM's worked example, a reconstruction.

    Attributes:
        degree: Powers of C in g; instruments enter with the same powers.
    """

    degree: int = 1

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by Y less the instrumented effect of the confounder."""
        scored = score_at_face_value(log, harness)
        instruments = _powers(_standard(scored.log.matrix("instrument")), self.degree)
        covariates = _standard(role_values(scored.log))
        explained, _ = project(np.column_stack([np.ones(len(covariates)), instruments]), covariates)
        most_moved = np.argsort(-explained.var(axis=0), kind="stable")
        moved = most_moved[: instruments.shape[1] // self.degree]
        rest = np.delete(covariates, moved, axis=1)
        confounder = _powers(covariates[:, moved], self.degree)
        controls = np.column_stack([base_columns(scored.log), rest])
        stage = two_stage(scored.value, confounder, instruments, controls)
        subtracted = confounder - confounder.mean(axis=0)
        done = partial_out(replace(scored, value=scored.value - subtracted @ stage.coefficient), controls)
        done = done.with_nuisances(subtracted=subtracted, subtracted_influence=stage.influence)
        return done.with_diagnostics(first_stage=stage.strength)


def instrumented_texts_fit(scored: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients on text features that the instruments identify, and their covariance; (d,), (d, d)."""
    influence = scored.nuisances["anchor_influence"]
    return scored.nuisances["anchor"], influence.T @ influence


def instrumented_residual_fit(scored: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Unpenalised regression of ``Y - g(C)`` on text features; (d,) and (d, d).

    The covariance holds what the error of g adds: by stacking the two estimating equations, a row's score is
    ``x_i e_i - X'C psi_i`` with psi its influence on g's coefficients (Newey & McFadden 1994, theorem 6.1).
    """
    gram, _, _ = solve(scored)
    left = scored.value - scored.nuisances["value_mean"]
    carried = scored.nuisances["subtracted"].T @ (gram.features - gram.mean)
    inherited = -scored.nuisances["subtracted_influence"] @ carried
    return gram.least_squares(left, float(scored.nuisances["spent"]), inherited)


def _standard(values: np.ndarray) -> np.ndarray:
    scale = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(scale > 1e-12, scale, 1.0)


def _powers(values: np.ndarray, degree: int) -> np.ndarray:
    return np.concatenate([values ** (power + 1) for power in range(degree)], axis=1)
