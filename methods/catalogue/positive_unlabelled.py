"""Implicit feedback as positive and unlabelled rows (ImplicitRM-like): who acts beside what pleases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Fitted, Harness, Incompatible, Log, Method, Tags
from methods.adjust.features import TextFeatures, covariate_columns
from methods.adjust.logistic import fit_logistic
from methods.adjust.positive import fit_positive_unlabelled
from methods.linear import LinearReward


@dataclass(frozen=True)
class ImplicitFeedback:
    """A preference from positives alone.

    A binary outcome is positive at 1; any other counts as positive above the median of those
    recorded. Rows without an outcome are unlabelled.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        inclined: Model who acts from the covariates; without it an unlabelled row is a dislike.
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


def _tags(summary: str, paper: str, *needs: str) -> Tags:
    return Tags(needs=frozenset(needs), adjusts=bool(needs), paper=paper, summary=summary)


METHODS: tuple[Method, ...] = (
    ImplicitFeedback(
        "positive-unlabelled",
        _tags(
            "Preference from positives alone, who acts modelled from covariates.",
            "ImplicitRM, 2026, arXiv 2603.23184 (reconstruction)",
            "covariate",
        ),
    ),
    ImplicitFeedback(
        "unlabelled-as-negative",
        _tags("Logistic regression that takes everything unlabelled for a dislike.", "baseline"),
        inclined=False,
    ),
)
