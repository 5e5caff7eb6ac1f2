"""Assignment by a table: who is shown which attribute vector, where vectors are listed and not independent.

Some domains cannot write every attribute vector: a letter has two or three passages, a pool of
written texts holds what it holds. There a rule draws whole vectors, each person tilting a law R:

    P(a | p, c) = R(s(a) | p) R(a | p) exp(gamma a . W psi(c)) / sum over a' of stratum s(a)

so the stratum (the number of passages) has the same law for every person. The interventional law is
the log's own law of vectors, ``P_int(a | p) = E_c P(a | p, c)``, not a product of marginals.
The rule knows no outcome.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from simulators.law.assignment import PromptLaw
from simulators.law.codes import encode
from simulators.law.population import Features, People, Population

ROWS, KEPT = 4096, 4_000_000


@dataclass(frozen=True, eq=False)
class ListedLaw:
    """The law of the attribute vectors of some rows.

    Attributes:
        vectors: The vectors that exist, shape (V, K), zeros and ones.
        base: Law of the vectors by class, shape (C, V), rows summing to 1.
        strata: Stratum of each vector, shape (V,), 0, 1, ...
        classes: Class of each row, shape (n,).
        tilts: Log odds of each attribute by row, shape (n, K); None where nothing is tilted.
    """

    vectors: np.ndarray
    base: np.ndarray
    strata: np.ndarray
    classes: np.ndarray
    tilts: np.ndarray | None

    def probabilities(self, rows: slice = slice(None)) -> np.ndarray:
        """P(vector) of some rows, shape (rows, V)."""
        base, member = self.base[self.classes[rows]], np.eye(self.strata.max() + 1)[self.strata]
        if self.tilts is None:
            return base
        scores = self.tilts[rows] @ self.vectors.T
        weight = base * np.exp(scores - scores.max(axis=1, keepdims=True))
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.nan_to_num((base @ member) / (weight @ member))
        return weight * (scale @ member.T)

    def draw(self, uniforms: np.ndarray) -> np.ndarray:
        """Attribute vectors by inverse distribution function of ``uniforms[:, 0]``, shape (n, K) int8."""
        drawn = np.empty((len(self.classes), self.vectors.shape[1]), dtype=np.int8)
        for rows, law in self._pieces():
            cumulative = np.cumsum(law, axis=1)
            passed = uniforms[rows, :1] * cumulative[:, -1:] >= cumulative[:, :-1]
            drawn[rows] = self.vectors[passed.sum(axis=1)]
        return drawn

    def log_probability(self, attributes: np.ndarray) -> np.ndarray:
        """log P(attributes), shape (n,); minus infinity for a vector that does not exist."""
        places = np.full(1 << self.vectors.shape[1], -1)
        places[encode(self.vectors)] = np.arange(len(self.vectors))
        place = places[encode(attributes)]
        values = np.empty(len(place))
        for rows, law in self._pieces():
            found = np.take_along_axis(law, np.maximum(place[rows], 0)[:, None], axis=1)[:, 0]
            values[rows] = np.where(place[rows] >= 0, found, 0.0)
        with np.errstate(divide="ignore"):
            return np.log(values)

    def _pieces(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Rows a piece at a time, so that memory does not grow with rows times vectors."""
        starts = range(0, len(self.classes), ROWS)
        pieces = [slice(start, start + ROWS) for start in starts]
        if len(self.classes) * len(self.vectors) <= KEPT:
            return zip(pieces, self._kept, strict=True)
        return ((rows, self.probabilities(rows)) for rows in pieces)

    @cached_property
    def _kept(self) -> list[np.ndarray]:
        """Every piece, where they are small enough to be kept between drawing and weighing."""
        return [self.probabilities(slice(start, start + ROWS)) for start in range(0, len(self.classes), ROWS)]


@dataclass(frozen=True, eq=False)
class TabulatedRule:
    """A logging rule over listed vectors.

    Attributes:
        vectors: The vectors that exist, shape (V, K).
        base: R, the law of vectors by prompt class before anybody tilts it, shape (C, V).
        strata: Strata whose shares no person changes, shape (V,).
        weights: W, shape (K, d).
        features: psi, people to shape (n, d).
        gamma: Scale of the tilt; 0 leaves the texts randomised.
    """

    vectors: np.ndarray
    base: np.ndarray
    strata: np.ndarray
    weights: np.ndarray
    features: Features
    gamma: float = 1.0

    @property
    def responds(self) -> np.ndarray:
        """Which attributes respond to people, shape (K,): all or none, for they displace one another."""
        return np.full(self.vectors.shape[1], self.gamma != 0 and bool((self.weights != 0).any()))

    def scaled(self, gamma: float) -> TabulatedRule:
        """The same rule with another scale."""
        return replace(self, gamma=float(gamma))

    def rows_law(self, people: People, classes: np.ndarray) -> ListedLaw:
        """The law of rows with these people and prompt classes."""
        tilts = self.gamma * (self.features(people) @ self.weights.T)
        return ListedLaw(self.vectors, self.base, self.strata, classes, tilts)

    def integrate(self, population: Population, prompt_law: PromptLaw) -> TabulatedLaw:
        """The rule over a population."""
        people, weights = population.grid()
        return TabulatedLaw(people, weights[:, None] * prompt_law.probabilities(people), self)


@dataclass(frozen=True, eq=False)
class TabulatedLaw:
    """A tabulated rule integrated over people; answers what ``TextLaw`` answers.

    Attributes:
        people: Quadrature nodes, factor name to shape (m,).
        weights: P(node, prompt class), shape (m, classes), sums to 1.
        rule: The rule.
    """

    people: People
    weights: np.ndarray
    rule: TabulatedRule

    @property
    def responds(self) -> np.ndarray:
        """Which attributes respond to people, shape (K,)."""
        return self.rule.responds

    @cached_property
    def _by_class(self) -> list[np.ndarray]:
        classes = range(self.weights.shape[1])
        return [
            self.rule.rows_law(self.people, np.full(len(self.weights), c)).probabilities() for c in classes
        ]

    @cached_property
    def interventional(self) -> np.ndarray:
        """P_int(vector | prompt class), shape (classes, V)."""
        shares = self.weights / self.weights.sum(axis=0)
        return np.stack([share @ law for share, law in zip(shares.T, self._by_class, strict=True)])

    @property
    def by_code(self) -> np.ndarray:
        """P_int(code | prompt class), shape (classes, 2**K)."""
        return self._at_codes(self.interventional, np.arange(self.rule.vectors.shape[1]))

    def randomised(self, classes: np.ndarray) -> ListedLaw:
        """The interventional law of rows with these prompt classes."""
        return ListedLaw(self.rule.vectors, self.interventional, self.rule.strata, classes, None)

    @property
    def marginals(self) -> np.ndarray:
        """P_int(a_k = 1 | prompt class), shape (classes, K)."""
        return self.interventional @ self.rule.vectors

    @property
    def probabilities(self) -> np.ndarray:
        """P(a_k = 1 | node) averaged over prompts, shape (m, K)."""
        shares = self.weights.sum(axis=0)
        vectors = self.rule.vectors
        return sum(share * (law @ vectors) for share, law in zip(shares, self._by_class, strict=True))

    def given(self, telling: np.ndarray, prompt_class: int) -> np.ndarray:
        """P(vector of the telling attributes | node), shape (m, 2**len(telling))."""
        return self._at_codes(self._by_class[prompt_class], telling)

    @property
    def effective_share(self) -> float:
        """ESS/n of w = P_int(a | p) / P(a | p, c): ``1 / E sum_a P_int(a)^2 / P(a | c)``."""
        second_moment = 0.0
        for weights, target, law in zip(self.weights.T, self.interventional, self._by_class, strict=True):
            held = target > 0
            with np.errstate(divide="ignore", over="ignore"):
                second_moment += float(weights @ (target[held] ** 2 / law[:, held]).sum(axis=1))
        return 1.0 / second_moment if np.isfinite(second_moment) else 0.0

    @property
    def minimum_propensity(self) -> float:
        """Smallest propensity of an attribute met by all but one person in a thousand."""
        least = np.minimum(self.probabilities, 1 - self.probabilities).min(axis=1)
        order = np.argsort(least)
        reached = np.searchsorted(np.cumsum(self.weights.sum(axis=1)[order]), 1e-3)
        return float(least[order][min(reached, len(least) - 1)])

    def _at_codes(self, law: np.ndarray, telling: np.ndarray) -> np.ndarray:
        codes = encode(self.rule.vectors[:, telling])
        table = np.zeros((len(law), 1 << len(telling)))
        np.add.at(table.T, codes, law.T)
        return table


def worst_elsewhere(table: np.ndarray, law: np.ndarray) -> np.ndarray:
    """A table by code in which vectors that do not exist are worth the worst that does.

    Args:
        table: Values, shape (V, P, 2**K).
        law: P_int(code | prompt), shape (P, 2**K); a vector exists where it is above 0.
    """
    worst = np.where(law > 0, table, np.inf).min(axis=-1, keepdims=True)
    return np.where(law > 0, table, worst)
