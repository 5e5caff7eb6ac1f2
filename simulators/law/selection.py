"""Selection: whose outcomes are recorded.

``P(recorded | a, c) = sigmoid(b + s . psi(c) sum_k q_k (a_k - 1/2))``: each phrasing draws answers
from one end of what also moves the outcome, so recorded rows are a biased sample although
texts were assigned at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from simulators.law.chebyshev import mean_response
from simulators.law.codes import all_attributes
from simulators.law.population import Features, People


@dataclass(frozen=True, eq=False)
class Selection:
    """A recording rule.

    Attributes:
        intercept: b.
        features: psi, people to shape (n, d).
        coefficients: s, shape (d,).
        by_attribute: q, shape (K,).
        draw: Name of the uniform factor that decides.
    """

    intercept: float
    features: Features
    coefficients: np.ndarray
    by_attribute: np.ndarray
    draw: str

    @property
    def selects(self) -> np.ndarray:
        """Attributes on which recording depends, shape (K,), bool."""
        return self.by_attribute != 0

    def probabilities(self, people: People, attributes: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
        """P(recorded | row), shape (n,); the outcome plays no part."""
        pushed = (attributes - 0.5) @ self.by_attribute
        return expit(self.intercept + self.features(people) @ self.coefficients * pushed)

    def by_vector(self, people: People, telling: np.ndarray) -> np.ndarray:
        """P(recorded | person, vector of the telling attributes), shape (m, 2**len(telling))."""
        pushed = (all_attributes(len(telling)) - 0.5) @ self.by_attribute[telling]
        return expit(self.intercept + np.outer(self.features(people) @ self.coefficients, pushed))

    def recorded(self, people: People, attributes: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
        """Whether each row's outcome is recorded, shape (n,), bool."""
        return _uniforms(people, self.draw) < self.probabilities(people, attributes, outcomes)


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
        return _uniforms(people, self.draw) < self.probabilities(people, attributes, outcomes)


def _uniforms(people: People, name: str) -> np.ndarray:
    """A uniform factor, which has mean 0 and sd 1, as numbers in [0, 1]."""
    return (np.asarray(people[name]) / np.sqrt(3.0) + 1) / 2
