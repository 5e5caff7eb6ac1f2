"""Assignment by a joint law: all people are shown vectors from one law under which attributes go together.

Texts do not depend on who reads them, so nothing is confounded, but vectors that break the pattern
are rare. The interventional law has the same marginals, attributes independent. The rule knows no
outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from simulators.law.assignment import PromptLaw, TextLaw
from simulators.law.codes import all_attributes, encode, product_law
from simulators.law.population import People, Population


@dataclass(frozen=True, eq=False)
class JointRowsLaw:
    """The law of the attribute vectors of some rows.

    Attributes:
        by_code: P(code), shape (2**K,).
    """

    by_code: np.ndarray

    def draw(self, uniforms: np.ndarray) -> np.ndarray:
        """Attribute vectors by inverse distribution function of ``uniforms[:, 0]``, shape (n, K) int8."""
        codes = np.searchsorted(np.cumsum(self.by_code)[:-1], uniforms[:, 0], side="right")
        return all_attributes(uniforms.shape[1])[codes].astype(np.int8)

    def log_probability(self, attributes: np.ndarray) -> np.ndarray:
        """log P(attributes), shape (n,)."""
        return np.log(self.by_code)[encode(attributes)]


@dataclass(frozen=True, eq=False)
class JointRule:
    """A logging rule that is the same for all people.

    Attributes:
        by_code: P(code), shape (2**K,), all above 0.
    """

    by_code: np.ndarray

    @property
    def responds(self) -> np.ndarray:
        """Which attributes respond to people: none, shape (K,)."""
        return np.zeros(self.by_code.size.bit_length() - 1, dtype=bool)

    def rows_law(self, people: People, classes: np.ndarray) -> JointRowsLaw:
        """The law of rows, the same for all people."""
        return JointRowsLaw(self.by_code)

    def integrate(self, population: Population, prompt_law: PromptLaw) -> JointTextLaw:
        """The rule over a population."""
        people, weights = population.grid()
        marginals = self.by_code @ all_attributes(len(self.responds))
        joint = weights[:, None] * prompt_law.probabilities(people)
        chances = np.tile(marginals, (len(weights), 1))
        return JointTextLaw(people, joint, chances, self.responds, by_vector=self.by_code)


@dataclass(frozen=True, eq=False)
class JointTextLaw(TextLaw):
    """A joint rule integrated over people.

    Attributes:
        by_vector: P(code) in the log, shape (2**K,).
    """

    by_vector: np.ndarray | None = None

    def given(self, telling: np.ndarray, prompt_class: int) -> np.ndarray:
        """P(vector of the telling attributes | node), shape (m, 2**len(telling))."""
        codes = encode(all_attributes(self.probabilities.shape[1])[:, telling])
        law = np.bincount(codes, self.by_vector, 1 << len(telling))
        return np.tile(law, (len(self.weights), 1))

    @property
    def effective_share(self) -> float:
        """ESS/n of w = P_int(a) / P(a): ``1 / sum_a P_int(a)^2 / P(a)``."""
        return float(1 / (product_law(self.marginals[0]) ** 2 / self.by_vector).sum())


def tie_features(chances: np.ndarray, counts: np.ndarray, correlation: float) -> np.ndarray:
    """The law of attributes that has least else in it than a correlation of two counts.

    ``P(a) = P_0(a) exp(theta (s_1(a) - m_1) (s_2(a) - m_2)) / norm`` with P_0 independent and s_j the
    number of feature j's attributes that are on. Features whose attributes have chance 1/2 keep it,
    for turning all of them over leaves the law as it is.

    Args:
        chances: P_0(a_k = 1), shape (K,).
        counts: Which attributes count towards which feature, shape (2, K), zeros and ones.
        correlation: Of the two counts, in [0, 1).

    Returns:
        P(code), shape (2**K,).
    """
    plain = product_law(chances)
    centred = (all_attributes(len(chances)) - chances) @ counts.T
    product = centred[:, 0] * centred[:, 1]

    def tilted(theta: float) -> np.ndarray:
        law = plain * np.exp(theta * (product - product.max()))
        return np.asarray(law / law.sum())

    def excess(theta: float) -> float:
        law = tilted(theta)
        moments = np.cov(centred.T, aweights=law, ddof=0)
        return float(moments[0, 1] / np.sqrt(moments[0, 0] * moments[1, 1]) - correlation)

    return tilted(0.0 if correlation == 0 else brentq(excess, 0.0, 20.0, xtol=1e-12))
