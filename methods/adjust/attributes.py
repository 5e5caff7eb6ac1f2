"""Effects of logged attributes, for methods that aim at one of them."""

from __future__ import annotations

import numpy as np

from benchmark.contract import Harness
from methods.adjust.features import base_columns
from methods.adjust.partial import conditional_means, cross_folds
from methods.adjust.ridge import project
from methods.adjust.scored import Scored


def attribute_effects(scored: Scored, harness: Harness, adjusted: bool = True, folds: int = 5) -> np.ndarray:
    """Partially linear effects of logged attributes, or their correlations, shape (k,)."""
    attributes = scored.log.matrix("attribute")
    if adjusted and scored.log.has("covariate"):
        fold = cross_folds(scored.log, harness, folds)
        means, level = conditional_means(scored, attributes, fold)
    else:
        both, _ = project(base_columns(scored.log), np.column_stack([attributes, scored.value]))
        means, level = both[:, :-1], both[:, -1]
    solution, *_ = np.linalg.lstsq(attributes - means, scored.value - level, rcond=None)
    return solution
