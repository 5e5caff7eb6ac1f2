"""Selection: whose outcomes are recorded.

``P(recorded | a, c) = sigmoid(b + s . psi(c) sum_k q_k (a_k - 1/2))``: each phrasing draws answers
from one end of what also moves the outcome, so recorded rows are a biased sample although
texts were assigned at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

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
        return read_uniforms(people, self.draw) < self.probabilities(people, attributes, outcomes)


def read_uniforms(people: People, name: str) -> np.ndarray:
    """A uniform factor, which has mean 0 and sd 1, as numbers in [0, 1]."""
    return (np.asarray(people[name]) / np.sqrt(3.0) + 1) / 2
