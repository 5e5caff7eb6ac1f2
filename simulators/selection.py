"""Selection: whose outcomes are recorded.

``P(recorded | a, c) = sigmoid(b + s . psi(c) + sum_k q_k a_k)``. Where it depends on the text
and on something that also moves the outcome, recorded rows are a biased sample although
texts were assigned at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from simulators.codes import all_attributes
from simulators.population import Features, People


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

    def probabilities(self, people: People, attributes: np.ndarray) -> np.ndarray:
        """P(recorded | row), shape (n,)."""
        return expit(
            self.intercept + self.features(people) @ self.coefficients + attributes @ self.by_attribute
        )

    def by_vector(self, people: People, telling: np.ndarray) -> np.ndarray:
        """P(recorded | person, vector of the telling attributes), shape (m, 2**len(telling))."""
        pushed = all_attributes(len(telling)) @ self.by_attribute[telling]
        base = self.intercept + self.features(people) @ self.coefficients
        return expit(base[:, None] + pushed)

    def recorded(self, people: People, attributes: np.ndarray) -> np.ndarray:
        """Whether each row's outcome is recorded, shape (n,), bool."""
        uniforms = (np.asarray(people[self.draw]) / np.sqrt(3.0) + 1) / 2
        return uniforms < self.probabilities(people, attributes)
