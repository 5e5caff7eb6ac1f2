"""Linear rewards in closed form: from scored rows or preference pairs to a ``Fitted``.

The last step of every reward-regression recipe. Sees text features and scored rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmark.contract import Contrasts, Harness, Log
from methods.adjust.features import TextFeatures
from methods.adjust.logistic import fit_logistic
from methods.adjust.scored import Scored, solve


@dataclass(frozen=True, eq=False)
class LinearReward:
    """A reward linear in text features.

    Attributes:
        features: Encodes queries as the log was encoded.
        coefficient: Shape (d,).
        intercept: Reward of the zero feature.
        diagnostics: Named numbers to report.
    """

    features: TextFeatures
    coefficient: np.ndarray
    intercept: float = 0.0
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Rewards, shape (n,)."""
        return self.features(prompts, texts, context) @ self.coefficient + self.intercept


@dataclass(frozen=True, eq=False)
class IntervalReward:
    """A linear reward with intervals for mean effects.

    The reward shrinks, the intervals do not: they are centred on the unpenalised fit.

    Attributes:
        linear: The reward.
        unpenalised: Coefficients of the fit without a penalty, shape (d,).
        covariance: Of the unpenalised coefficients, shape (d, d).
    """

    linear: LinearReward
    unpenalised: np.ndarray
    covariance: np.ndarray

    @property
    def diagnostics(self) -> Mapping[str, float]:
        """Named numbers to report."""
        return self.linear.diagnostics

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Rewards, shape (n,)."""
        return self.linear.reward(prompts, texts, context)

    def effect_interval(self, contrasts: Contrasts, level: float = 0.95) -> np.ndarray:
        """Normal intervals for the mean effect of each contrast, shape (k, 2)."""
        estimate, half = self.estimate(mean_differences(self.linear.features, contrasts), level)
        return np.column_stack([estimate - half, estimate + half])

    def estimate(self, differences: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Estimated differences in reward, and how far their intervals reach to each side.

        Args:
            differences: Differences in features, shape (k, d).
            level: Coverage of the intervals, in (0, 1).

        Returns:
            Two arrays of shape (k,).
        """
        from scipy.stats import norm

        variance = np.einsum("kd,kd->k", differences @ self.covariance, differences)
        half = norm.ppf(0.5 + level / 2) * np.sqrt(np.clip(variance, 0.0, None))
        return differences @ self.unpenalised, half


def mean_differences(features: TextFeatures, contrasts: Contrasts) -> np.ndarray:
    """Mean difference in features of each contrast's texts with and without it, shape (k, d)."""
    on = features(contrasts.prompts, contrasts.on)
    difference = on - features(contrasts.prompts, contrasts.off)
    _, index, counts = np.unique(contrasts.ids, return_inverse=True, return_counts=True)
    mean = np.zeros((len(counts), difference.shape[1]))
    np.add.at(mean, index, difference)
    return mean / counts[:, None]


def regress(scored: Scored, intervals: bool = False) -> LinearReward | IntervalReward:
    """The ridge regression of scored rows on text features.

    Args:
        scored: Rows after an adjustment.
        intervals: Also give intervals for mean effects.
    """
    gram, fit, coefficient = solve(scored)
    centre = np.average(scored.texts, axis=0, weights=scored.weight)
    intercept = np.average(scored.value, weights=scored.weight) - centre @ coefficient
    diagnostics = {"penalty": float(fit.penalty), "degrees_of_freedom": float(fit.freedom)}
    linear = LinearReward(
        scored.features, coefficient, float(intercept), {**diagnostics, **scored.diagnostics}
    )
    if not intervals:
        return linear
    left = scored.value - scored.nuisances.get("value_mean", 0.0)
    return IntervalReward(linear, *gram.least_squares(left, float(scored.nuisances.get("spent", 1.0))))


def compare(log: Log, harness: Harness, weight: np.ndarray | None = None) -> LinearReward:
    """Bradley-Terry in closed form: penalised logistic regression on feature differences.

    Takes pairs, and rankings of three as their three pairs. Ties count half for each side.

    Args:
        log: A log of pairs or rankings.
        harness: Supplies the encoder.
        weight: One weight a row, or None.

    Source: Bradley and Terry 1952; rankings decomposed by full breaking.
    """
    features = TextFeatures.learn(log, harness)
    if log.kind == "rankings":
        encoded = {name: features.of_log(log, name) for name in ("first", "second", "third")}
        orders = (("first", "second"), ("first", "third"), ("second", "third"))
        difference = np.concatenate([encoded[a] - encoded[b] for a, b in orders])
        label = np.ones(len(difference))
        weight = None if weight is None else np.tile(weight, 3)
    else:
        difference = features.of_log(log, "chosen") - features.of_log(log, "rejected")
        label = 1.0 - 0.5 * log.numbers("tie") if log.has("tie") else np.ones(len(difference))
    fit = fit_logistic(difference, label, weight)
    return LinearReward(features, fit.coefficient, 0.0, {"penalty": fit.penalty})
