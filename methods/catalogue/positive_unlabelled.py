"""Implicit feedback as positive and unlabelled rows, in the manner of ImplicitRM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Fitted, Harness, Incompatible, Log, Method, Tags
from methods.adjust.features import TextFeatures, covariate_columns
from methods.adjust.logistic import fit_logistic
from methods.adjust.positive import fit_positive_unlabelled
from methods.linear import LinearReward
from methods.rows import make_tags


@dataclass(frozen=True)
class ImplicitFeedback:
    """A preference from positives alone.

    A binary outcome is positive at 1; any other counts as positive above the median of those
    recorded. Rows without an outcome are unlabelled.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        inclined: Model from the covariates who acts; otherwise an unlabelled row counts as negative.
    """

    name: str
    tags: Tags
    inclined: bool = True

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Learn from a log."""
        features = TextFeatures.learn(log, harness)
        texts = features.of_log(log)
        centre = texts.mean(axis=0)
        design = np.column_stack([texts - centre, np.ones(len(log))])
        positive = positives(log)
        plain = fit_logistic(design, positive)
        coefficient, penalty = plain.coefficient, plain.penalty
        if self.inclined:
            people = np.column_stack([covariate_columns(log), np.ones(len(log))])
            coefficient = fit_positive_unlabelled(design, people, positive, penalty).preference
        return LinearReward(features, coefficient[:-1], 0.0, {"penalty": penalty})


def positives(log: Log) -> np.ndarray:
    """1 where something positive was seen, 0 elsewhere, shape (n,).

    Raises:
        Incompatible: If nothing was seen.
    """
    outcomes = log.outcomes
    seen = np.isfinite(outcomes)
    if not seen.any():
        raise Incompatible("no row of this log has an outcome")
    binary = np.isin(outcomes[seen], (0.0, 1.0)).all()
    threshold = 0.5 if binary else np.median(outcomes[seen])
    return np.where(seen, np.nan_to_num(outcomes) > threshold, False).astype(np.float64)


METHODS: tuple[Method, ...] = (
    ImplicitFeedback(
        "positive-unlabelled",
        make_tags(
            "Positives alone tell the preference; covariates model who acts.",
            "ImplicitRM, 2026, arXiv 2603.23184 (reconstruction)",
            "covariate",
        ),
    ),
    ImplicitFeedback(
        "unlabelled-as-negative",
        make_tags("A logistic regression takes every unlabelled row for a negative one.", "baseline"),
        inclined=False,
    ),
)
