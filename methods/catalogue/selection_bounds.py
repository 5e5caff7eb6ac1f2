"""A regression that knows how far unrecorded confounders could move it, and abstains where a sign is open.

What is recorded hints at what is not: the bounds allow for unrecorded confounders that select texts and
outcomes as strongly as the recorded covariates do together, in either direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmark.contract import Contrasts, Fitted, Harness, Log, Method, Tags
from methods.adjust.partial import Joint, Raw
from methods.linear import IntervalReward, mean_differences, regress
from methods.rows import make_tags

LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class BoundedReward:
    """A reward with bounds on what an unrecorded confounder could do to it.

    Attributes:
        adjusted: The regression on texts and covariates.
        moved: What leaving out the covariates adds to its unpenalised coefficients, shape (d,).
        strength: How many times as strong as the covariates the unrecorded confounders may be.
    """

    adjusted: IntervalReward
    moved: np.ndarray
    strength: float

    @property
    def diagnostics(self) -> Mapping[str, float]:
        """Named numbers to report."""
        return self.adjusted.diagnostics

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Rewards of the adjusted regression, shape (n,)."""
        return self.adjusted.reward(prompts, texts, context)

    def effect_interval(self, contrasts: Contrasts, level: float = LEVEL) -> np.ndarray:
        """Intervals that allow for noise and for unrecorded confounders, shape (k, 2)."""
        estimate, half = self.bound(mean_differences(self.adjusted.linear.features, contrasts), level)
        return np.column_stack([estimate - half, estimate + half])

    def abstains(
        self,
        prompts: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Whether the bounds on the difference of two texts hold zero, shape (m,), bool."""
        features = self.adjusted.linear.features
        differences = features(prompts, first, context) - features(prompts, second, context)
        estimate, half = self.bound(differences, LEVEL)
        return np.abs(estimate) <= half

    def bound(self, differences: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Differences in reward, and how far their bounds reach to each side, both of shape (k,).

        The reach is that of the confidence interval plus ``strength`` times what the covariates moved.
        """
        estimate, half = self.adjusted.estimate(differences, level)
        return estimate, half + self.strength * np.abs(differences @ self.moved)


@dataclass(frozen=True)
class SelectionBounds:
    """Regression with bounds by selection on unobservables.

    Selection on what was not recorded is taken to be at most ``strength`` times as strong as selection on
    what was (Altonji, Elder & Taber 2005): an effect counts as known if its sign survives that.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        strength: How strong the unrecorded confounders may be, in units of the recorded; at least 0.
    """

    name: str
    tags: Tags
    strength: float = 1.0

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Regress with and without the covariates."""
        adjusted, raw = (regress(adjust(log, harness), intervals=True) for adjust in (Joint(), Raw()))
        assert isinstance(adjusted, IntervalReward)
        assert isinstance(raw, IntervalReward)
        return BoundedReward(adjusted, raw.unpenalised - adjusted.unpenalised, self.strength)


METHODS: tuple[Method, ...] = (
    SelectionBounds(
        "selection-bounds",
        make_tags(
            "It abstains where unrecorded confounders as strong as the recorded ones could turn a sign, and "
            "widens its intervals by what they could do.",
            "Altonji, Elder & Taber 2005",
            "covariate",
            intervals=True,
            calibrated=True,
        ),
    ),
)
