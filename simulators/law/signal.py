"""Signal: how well a regression on words could learn a reward from randomised rows, in closed form.

A ridge regression of n rows on features x with covariance ``Sigma`` predicts, at penalty l, with
``H = Sigma (Sigma + l)^-1`` the reward's projection shrunk by H, plus an error of variance
``sigma^2 / n tr H^2``, where ``sigma^2`` counts what the features cannot express as noise (Dicker 2016;
Hastie, Montanari, Rosset and Tibshirani 2022, section 2). Whether a pair is put in the wrong order is then
a normal probability. Arrays alone: knows neither worlds nor methods.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

PENALTIES = np.geomspace(1e3, 1e-6, 55)
MOST_NOISE = 1e3


@dataclass(frozen=True, eq=False)
class Learnable:
    """Texts from the interventional law, with what a regression reads and what it should say.

    Attributes:
        features: Centred within prompts, shape (m, d).
        rewards: Centred within prompts, shape (m,).
        pairs: Rows of pairs of texts of one prompt, shape (pairs, 2).
    """

    features: np.ndarray
    rewards: np.ndarray
    pairs: np.ndarray

    @cached_property
    def components(self) -> tuple[np.ndarray, np.ndarray]:
        """Variances of the features' principal components (d,) and the components (m, d)."""
        values, vectors = np.linalg.eigh(self.features.T @ self.features / len(self.features))
        held = values > 1e-9 * values[-1]
        return values[held], self.features @ vectors[:, held]

    @cached_property
    def loads(self) -> np.ndarray:
        """The reward's coefficients on the components, shape (d,)."""
        values, components = self.components
        return np.asarray(components.T @ self.rewards / len(self.rewards) / values)

    def about(self, rewards: np.ndarray) -> Learnable:
        """The same texts with other rewards, shape (m,)."""
        other = replace(self, rewards=rewards)
        other.__dict__["components"] = self.components
        return other

    @cached_property
    def unexpressed(self) -> float:
        """Variance of the reward that no linear function of the features has."""
        values, loads = self.components[0], self.loads
        spent = len(self.rewards) / max(len(self.rewards) - len(values), 1)
        return float(max(self.rewards.var() - values @ loads**2, 0.0) * spent)

    def regret(self, noise_variance: float, n: int) -> float:
        """Expected normalised regret on the pairs of the best ridge regression of n rows.

        Args:
            noise_variance: Variance of the outcome given text and people.
            n: Rows.
        """
        (values, components), loads = self.components, self.loads
        variance = noise_variance + self.unexpressed
        shrunk = values / (values + PENALTIES[:, None])
        # with random features the error grows as the degrees of freedom are spent
        each = variance / np.maximum(n - shrunk.sum(axis=1), 1.0)
        errors = each * (shrunk**2).sum(axis=1)
        best = int(np.argmin(errors + (values * loads**2 * (1 - shrunk) ** 2).sum(axis=1)))
        guess = components @ (loads * shrunk[best])
        first, second = self.pairs.T
        gap, guessed = self.rewards[first] - self.rewards[second], guess[first] - guess[second]
        wrong = ndtr(-np.sign(gap) * guessed / np.sqrt(2 * errors[best] + 1e-300))
        return float(np.abs(gap) @ wrong / np.abs(gap).sum())


def centre_within(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Values less the mean of their group, shape (m,) or (m, d)."""
    counts = np.bincount(groups)
    flat = values.reshape(len(values), -1)
    sums = np.zeros((len(counts), flat.shape[1]))
    np.add.at(sums, groups, flat)
    return np.asarray((flat - (sums / np.maximum(counts, 1)[:, None])[groups]).reshape(values.shape))


def solve_noise(regret: Callable[[float], float], target: float, least: float) -> float | None:
    """The noise at which a regret that grows with it takes a value; None where the least noise exceeds it."""
    if regret(least) > target:
        return None
    high = 1.0
    while regret(high) < target and high < MOST_NOISE:
        high *= 2
    return float(brentq(lambda noise: regret(noise) - target, least, high, xtol=1e-4))
