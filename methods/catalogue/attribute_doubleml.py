"""The doubly robust effects of logged attributes, computed by the DoubleML package.

The same estimator as ``attribute-aipw`` on the same folds, from the package practitioners use: its
interactive regression model with our ridge and logistic learners, one attribute the treatment at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.special import expit

from benchmark.contract import Encode, Fitting, Harness, Incompatible, Log, Method, Tags
from methods.adjust.aipw import TRIM
from methods.adjust.logistic import fit_logistic
from methods.adjust.partial import cross_folds
from methods.adjust.ridge import fit_ridge
from methods.adjust.scored import Scored, score_at_face_value
from methods.catalogue.attribute_effects import attribute_tags, one_at_a_time, read_back


@dataclass(frozen=True)
class DoubleMLEffects:
    """AIPW effects of attributes by DoubleML, read back from words.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        folds: Cross-fitting folds.
    """

    name: str
    tags: Tags
    folds: int = 5

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log.

        Raises:
            Incompatible: If the log lacks a column, or the package is not installed.
        """
        # Asked for first, so that whoever lists fits that need nothing of the harness leaves this one out:
        # what it gives depends on what is installed.
        yield Encode(log.prompts, log.texts)
        if find_spec("doubleml") is None:
            raise Incompatible("needs the package doubleml; install confoundbench[parity]")
        scored = score_at_face_value(log, harness)
        return read_back(scored, doubleml_scores(scored, cross_folds(scored.log, harness, self.folds)))


def doubleml_scores(scored: Scored, fold: np.ndarray) -> np.ndarray:
    """AIPW scores of every attribute by ``doubleml.DoubleMLIRM``; shape (n, k)."""
    import doubleml

    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
    columns = []
    for treated, controls, moved_by in one_at_a_time(scored):
        data = doubleml.DoubleMLData.from_arrays(np.column_stack([controls, moved_by]), scored.value, treated)
        outcome, propensity = make_learners(controls.shape[1])
        # Its own splits would be drawn from the global generator.
        options: dict[str, Any] = {"n_folds": len(splits), "draw_sample_splitting": False}
        model = doubleml.DoubleMLIRM(data, outcome, propensity, trimming_threshold=TRIM, **options)
        model.set_sample_splitting(splits)
        with np.errstate(divide="ignore", invalid="ignore"):  # of its sensitivity analysis, unused here
            model.fit()
        # The score is psi = scores - effect, so that its mean is nought.
        columns.append(model.psi[:, 0, 0] + model.coef[0])
    return np.column_stack(columns)


def make_learners(n_controls: int) -> tuple[Any, Any]:
    """Our learners in scikit-learn's form: a regression of the first columns, a propensity of the rest."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class Outcome(RegressorMixin, BaseEstimator):
        def __init__(self, n_controls: int) -> None:
            self.n_controls = n_controls

        def fit(self, design: np.ndarray, outcome: np.ndarray) -> Any:
            self.model_ = fit_ridge(design[:, : self.n_controls], outcome)
            return self

        def predict(self, design: np.ndarray) -> np.ndarray:
            return self.model_.predict(design[:, : self.n_controls])

    class Propensity(ClassifierMixin, BaseEstimator):
        def __init__(self, n_controls: int) -> None:
            self.n_controls = n_controls

        def fit(self, design: np.ndarray, treated: np.ndarray) -> Any:
            self.classes_ = np.array([0.0, 1.0])
            self.model_ = fit_logistic(self._columns(design), treated)
            return self

        def predict_proba(self, design: np.ndarray) -> np.ndarray:
            chance = expit(self.model_.predict(self._columns(design)))
            return np.column_stack([1.0 - chance, chance])

        def predict(self, design: np.ndarray) -> np.ndarray:
            return self.classes_[self.predict_proba(design).argmax(axis=1)]

        def _columns(self, design: np.ndarray) -> np.ndarray:
            return np.column_stack([design[:, self.n_controls :], np.ones(len(design))])

    return Outcome(n_controls), Propensity(n_controls)


METHODS: tuple[Method, ...] = (
    DoubleMLEffects(
        "attribute-doubleml",
        attribute_tags(
            "The DoubleML package estimates a doubly robust effect of each logged attribute, with intervals.",
            "Chernozhukov et al. 2018; Bach et al. 2022 (DoubleML)",
            "covariate",
        ),
    ),
)
