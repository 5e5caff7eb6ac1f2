"""Recording that depends on the outcome itself: readers with high or with low outcomes leave more scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from simulators.law.codes import all_attributes
from simulators.law.exact import mean_response
from simulators.law.population import People
from simulators.law.selection import read_uniforms


@dataclass(frozen=True, eq=False)
class OutcomeSelection:
    """Recording that depends on the outcome itself: ``sigmoid(b + slope Y + sum_k q_k a_k)``.

    For worlds whose texts are assigned at random and whose link is the identity.

    Attributes:
        intercept: b.
        slope: How strongly the outcome decides.
        by_attribute: q, shape (K,).
        offsets: Quadrature nodes of the outcome around its mean given the text, shape (m,).
        weights: Their weights, shape (m,).
        draw: Name of the uniform factor that decides.
    """

    intercept: float
    slope: float
    by_attribute: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray
    draw: str

    def __call__(self, means: np.ndarray) -> np.ndarray:
        """E[Y | text, recorded] from E[Y | text], shape (V, P, 2**K): the log's face value."""
        pushed = all_attributes(len(self.by_attribute)) @ self.by_attribute
        seen = np.empty_like(means)
        for push in np.unique(pushed):
            codes = pushed == push

            def chance(index: np.ndarray, push: float = push) -> np.ndarray:
                return expit(self.intercept + self.slope * index + push)

            def weighted(index: np.ndarray) -> np.ndarray:
                return index * chance(index)

            part = means[..., codes]
            total = mean_response(part, self.offsets, self.weights, weighted)
            seen[..., codes] = total / mean_response(part, self.offsets, self.weights, chance)
        return seen

    def probabilities(self, people: People, attributes: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
        """P(recorded | row), shape (n,)."""
        return expit(self.intercept + self.slope * outcomes + attributes @ self.by_attribute)

    def recorded(self, people: People, attributes: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
        """Whether each row's outcome is recorded, shape (n,), bool."""
        return read_uniforms(people, self.draw) < self.probabilities(people, attributes, outcomes)
