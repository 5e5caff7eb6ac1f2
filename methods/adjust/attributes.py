"""Effects of logged attributes by debiased machine learning, then a reward of their words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmark.contract import Log
from methods.adjust.features import base_columns
from methods.adjust.partial import conditional_means, cross_folds
from methods.adjust.ridge import fit_ridge, project
from methods.adjust.scored import Scored, begin


@dataclass(frozen=True)
class AttributeEffects:
    """Residual on residual for attribute columns; the reward is the attributes read from text.

    A few attributes stand for thousands of words, so nothing is shrunk. Attributes of a query
    are predicted by a regression on its words.

    Attributes:
        adjusted: Partial covariates out; otherwise attributes' correlations with the outcome.
        folds: Cross-fitting folds.
    """

    adjusted: bool = True
    folds: int = 5

    def __call__(self, log: Log, harness: Any) -> Scored:
        """Score rows by their attributes' estimated effects."""
        scored = begin(log, harness)
        effects = attribute_effects(scored, harness, self.adjusted, self.folds)
        attributes = scored.log.matrix("attribute")
        reader = fit_ridge(scored.texts, attributes).coefficient
        value = attributes @ effects
        centred = value - value.mean() + scored.log.outcomes.mean()
        anchor = reader @ effects
        # The value is what the reader says of the text, so the regression returns the anchor itself.
        read = scored.texts @ anchor
        own = replace(scored, value=read - read.mean() + centred.mean())
        return own.with_nuisances(anchor=anchor)


def attribute_effects(scored: Scored, harness: Any, adjusted: bool = True, folds: int = 5) -> np.ndarray:
    """Partially linear effects of logged attributes, shape (k,)."""
    attributes = scored.log.matrix("attribute")
    if adjusted and scored.log.has("covariate"):
        fold = cross_folds(scored.log, harness, folds)
        means, level = conditional_means(scored, attributes, fold)
    else:
        both, _ = project(base_columns(scored.log), np.column_stack([attributes, scored.value]))
        means, level = both[:, :-1], both[:, -1]
    solution, *_ = np.linalg.lstsq(attributes - means, scored.value - level, rcond=None)
    return solution
