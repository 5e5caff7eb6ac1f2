"""Doubly robust effects of logged attributes, with intervals for them.

A few attributes stand for thousands of words. Attributes of a query are read from its words by a
regression; people are adjusted for, and so are the other attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmark.contract import Fitted, Harness, Log, Method, Tags
from methods.adjust.aipw import cross_fit_scores
from methods.adjust.features import base_columns, covariate_columns, flexible_columns
from methods.adjust.partial import conditional_means, cross_folds
from methods.adjust.ridge import fit_ridge, project
from methods.adjust.scored import Scored, score_at_face_value
from methods.linear import IntervalReward, LinearReward
from methods.rows import make_tags

Influence = Callable[[Scored, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class AttributeEffects:
    """Effects of attributes with their joint covariance, read back from words.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        scores: ``(scored, fold) -> (n, k)``; the means over rows are the effects of the k attributes, and
            the covariance over rows divided by n is theirs.
        folds: Cross-fitting folds.
    """

    name: str
    tags: Tags
    scores: Influence
    folds: int = 5

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Learn from a log."""
        scored = score_at_face_value(log, harness)
        return read_back(scored, self.scores(scored, cross_folds(scored.log, harness, self.folds)))


def read_back(scored: Scored, scores: np.ndarray) -> IntervalReward:
    """A reward of words from scores of attributes, shape (n, k), with intervals from their covariance."""
    effects = scores.mean(axis=0)
    covariance = np.cov(scores, rowvar=False).reshape(len(effects), -1) / len(scores)
    reader = fit_ridge(scored.texts, scored.log.matrix("attribute")).coefficient
    coefficient = reader @ effects
    level = float(scored.log.outcomes.mean() - scored.texts.mean(axis=0) @ coefficient)
    linear = LinearReward(scored.features, coefficient, level)
    return IntervalReward(linear, coefficient, reader @ covariance @ reader.T)


def one_at_a_time(scored: Scored) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each attribute as treatment (n,), the outcome models' controls (n, q), the propensity's (n, r)."""
    attributes = scored.log.matrix("attribute")
    base = base_columns(scored.log)[:, 1:]
    moved_by = np.column_stack([base, covariate_columns(scored.log)])
    people = np.column_stack([base, flexible_columns(scored.log.covariates)])
    for k in range(attributes.shape[1]):
        treated = (attributes[:, k] > 0.5).astype(np.float64)
        yield treated, np.column_stack([people, np.delete(attributes, k, axis=1)]), moved_by


def aipw_of_attributes(scored: Scored, fold: np.ndarray) -> np.ndarray:
    """AIPW scores of every attribute in turn, the others as controls; shape (n, k)."""
    return np.column_stack(
        [
            cross_fit_scores(scored.value, treated, controls, moved_by, fold)
            for treated, controls, moved_by in one_at_a_time(scored)
        ]
    )


def partially_linear(scored: Scored, fold: np.ndarray) -> np.ndarray:
    """Scores of the partially linear model: residual on residual, all attributes at once; shape (n, k).

    The influence of a row is ``(V'V/n)^-1 v_i (u_i - v_i'theta)`` around theta (Chernozhukov et al. 2018,
    section 4.1; the sandwich allows unequal variances).
    """
    attributes = scored.log.matrix("attribute")
    means, level = conditional_means(scored, attributes, fold)
    return residual_scores(attributes - means, scored.value - level)


def correlations(scored: Scored, fold: np.ndarray) -> np.ndarray:
    """Scores of the regression on attributes that ignores covariates; shape (n, k)."""
    both = np.column_stack([scored.log.matrix("attribute"), scored.value])
    left = both - project(base_columns(scored.log), both)[0]
    return residual_scores(left[:, :-1], left[:, -1])


def residual_scores(moved: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Least-squares coefficients plus each row's influence on them, shape (n, k).

    Args:
        moved: Residual attributes, shape (n, k).
        left: Residual outcomes, shape (n,).
    """
    effects, *_ = np.linalg.lstsq(moved, left, rcond=None)
    bread = np.linalg.pinv(moved.T @ moved / len(left))
    return effects + (moved * (left - moved @ effects)[:, None]) @ bread


def attribute_tags(summary: str, paper: str, *needs: str) -> Tags:
    """Tags of a row that needs attributes; it adjusts if it needs more than those."""
    return make_tags(
        summary, paper, "attribute", *needs, adjusts=bool(needs), calibrated=True, intervals=True
    )


METHODS: tuple[Method, ...] = (
    AttributeEffects(
        "attribute-aipw",
        attribute_tags(
            "AIPW estimates a doubly robust effect of each logged attribute, with intervals.",
            "Robins, Rotnitzky & Zhao 1994; Chernozhukov et al. 2018",
            "covariate",
        ),
        aipw_of_attributes,
    ),
    AttributeEffects(
        "attribute-dml",
        attribute_tags(
            "A debiased partially linear model estimates the effects of all logged attributes at once.",
            "Robinson 1988; Chernozhukov et al. 2018",
            "covariate",
        ),
        partially_linear,
    ),
    AttributeEffects(
        "attribute-correlation",
        attribute_tags("A regression on logged attributes ignores the covariates.", "baseline"),
        correlations,
    ),
)
