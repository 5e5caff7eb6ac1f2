"""Outcome: what a text, shown to a person, leads to.

``index = f(a, p, v) + prognosis(c) + delta (g(c) + sum_k a_k h_k(c))`` with every
function of people centred over the population, so that ``E_Q`` of the bracket is 0
for every text and ``delta`` scales confounding alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from simulators.law.codes import all_attributes
from simulators.law.population import Features, People, no_features


@dataclass(frozen=True, eq=False)
class Outcome:
    """The structural equation of the index.

    Attributes:
        base: f, shape (V, P, 2**K): contexts, prompts, attribute codes.
        features: Columns in which g is linear, mean 0 over people.
        coefficients: g's coefficients, shape (d,).
        modification: h's coefficients, shape (d, K), or None where effects do not vary with people.
        prognostic: Columns that move the outcome and never the text.
        prognosis: Their coefficients.
        delta: Scale of confounding.
    """

    base: np.ndarray
    features: Features
    coefficients: np.ndarray
    modification: np.ndarray | None = None
    prognostic: Features = field(default_factory=no_features)
    prognosis: np.ndarray = field(default_factory=lambda: np.zeros(0))
    delta: float = 0.0

    def scaled(self, delta: float) -> Outcome:
        """The same equation with another scale of confounding."""
        return replace(self, delta=float(delta))

    def confounding(self, people: People) -> np.ndarray:
        """g(c), shape (n,)."""
        return self.features(people) @ self.coefficients

    def prognoses(self, people: People) -> np.ndarray:
        """What moves the outcome but not the text, shape (n,)."""
        return self.prognostic(people) @ self.prognosis

    def modifiers(self, people: People) -> np.ndarray | None:
        """h(c), shape (n, K), or None."""
        return None if self.modification is None else self.features(people) @ self.modification

    def index(
        self, people: People, contexts: np.ndarray, prompt_ids: np.ndarray, codes: np.ndarray
    ) -> np.ndarray:
        """The index of rows, shape (n,)."""
        pushed = self.confounding(people)
        modifiers = self.modifiers(people)
        if modifiers is not None:
            pushed = pushed + (modifiers * all_attributes(modifiers.shape[1])[codes]).sum(axis=1)
        return self.base[contexts, prompt_ids, codes] + self.prognoses(people) + self.delta * pushed


def additive_base(effects: np.ndarray, prompt_intercepts: np.ndarray) -> np.ndarray:
    """f for additive effects, shape (1, P, 2**K).

    Args:
        effects: Shape (K,).
        prompt_intercepts: Shape (P,).
    """
    by_code = all_attributes(len(effects)) @ effects
    return (prompt_intercepts[:, None] + by_code)[None]
