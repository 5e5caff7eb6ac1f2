"""Assignment: who is shown which attributes.

``P(a_k = 1 | c) = sigmoid(b_k + gamma w_k . psi(c))``, independent across attributes
given the person c. ``gamma`` is fixed by the overlap parameter. The rule knows no outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from benchmark.contract.errors import UsageError
from simulators.law.codes import encode, product_law
from simulators.law.population import Features, People, Population, no_features


@dataclass(frozen=True, eq=False)
class IndependentLaw:
    """The law of the attribute vectors of some rows, attributes independent.

    Attributes:
        chances: P(a_k = 1), shape (n, K).
    """

    chances: np.ndarray

    def draw(self, uniforms: np.ndarray) -> np.ndarray:
        """Attribute vectors, shape (n, K) int8, by comparing uniforms of that shape."""
        return (uniforms < self.chances).astype(np.int8)

    def log_probability(self, attributes: np.ndarray) -> np.ndarray:
        """log P(attributes), shape (n,)."""
        with np.errstate(divide="ignore"):  # a text that a deterministic rule never shows
            return np.log(np.where(attributes == 1, self.chances, 1 - self.chances)).sum(axis=1)


@dataclass(frozen=True, eq=False)
class Assignment:
    """The logging rule.

    Attributes:
        intercepts: b, shape (K,).
        weights: w, shape (K, d); a zero row is an attribute that does not respond.
        features: psi, people to shape (n, d).
        gamma: Scale of the response; infinity makes the rule deterministic.
        tested: P_int(a_k = 1), shape (K,), where it is not to be the log's own; None where it is.
    """

    intercepts: np.ndarray
    weights: np.ndarray
    features: Features
    gamma: float = 1.0
    tested: np.ndarray | None = None

    @property
    def responds(self) -> np.ndarray:
        """Which attributes respond to people at all, shape (K,), bool."""
        return (self.gamma != 0) & (self.weights != 0).any(axis=1)

    def probabilities(self, people: People) -> np.ndarray:
        """P(a_k = 1 | person), shape (n, K)."""
        push = self.features(people) @ self.weights.T
        with np.errstate(invalid="ignore"):
            push = np.where(push == 0, 0.0, self.gamma * push)
        return expit(self.intercepts + push)

    def scaled(self, gamma: float) -> Assignment:
        """The same rule with another scale."""
        return replace(self, gamma=float(gamma))

    def rows_law(self, people: People, classes: np.ndarray) -> IndependentLaw:
        """The law of rows with these people, whatever their prompt classes."""
        return IndependentLaw(self.probabilities(people))

    def integrate(self, population: Population, prompt_law: PromptLaw) -> TextLaw:
        """The rule over a population."""
        return replace(TextLaw.of(self, population, prompt_law), tested=self.tested)


def constant_assignment(marginals: np.ndarray) -> Assignment:
    """Attributes assigned at random with the given marginals, shape (K,)."""
    logits = np.log(marginals) - np.log1p(-marginals)
    return Assignment(logits, np.zeros((len(marginals), 0)), no_features(), 0.0)


@dataclass(frozen=True, eq=False)
class PromptLaw:
    """Which prompt a person brings: a class given the person, then a prompt uniform in the class.

    A prompt may also tell some facts about its row, such as what a brief asks for. Such facts are no
    classes: texts keep one interventional law whatever a prompt tells.

    Attributes:
        classes: Class of each prompt, shape (P,), every class present.
        probabilities: People to P(class | person), shape (n, classes).
        told: Factors, 0 or 1 each, that a prompt tells. Every class then holds equally many prompts that
            tell the same.
        telling: What each prompt tells of them, shape (P, len(told)).
    """

    classes: np.ndarray
    probabilities: Callable[[People], np.ndarray]
    told: tuple[str, ...] = ()
    telling: np.ndarray | None = None

    def choose(self, people: People, class_uniforms: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """Prompt ids, shape (n,)."""
        cumulative = np.cumsum(self.probabilities(people), axis=1)[:, :-1]
        chosen = (class_uniforms[:, None] >= cumulative).sum(axis=1)
        cells = self.classes << len(self.told) | self.codes
        found = chosen << len(self.told) | self.codes_of(people)
        order, sizes = np.argsort(cells, kind="stable"), np.bincount(cells)
        return order[(np.cumsum(sizes) - sizes)[found] + (uniforms * sizes[found]).astype(np.int64)]

    @property
    def codes(self) -> np.ndarray:
        """What each prompt tells, as a number, shape (P,); 0 where prompts tell nothing."""
        return np.zeros(len(self.classes), dtype=np.int64) if self.telling is None else encode(self.telling)

    def codes_of(self, people: People) -> np.ndarray:
        """What prompts of these people tell, as a number, shape (n,)."""
        if not self.told:
            return np.zeros(len(next(iter(people.values()))), dtype=np.int64)
        return encode(np.stack([np.asarray(people[name]) for name in self.told], axis=-1))

    def as_told(self, people: People, prompt_ids: np.ndarray) -> People:
        """The people with what their prompts tell of them."""
        if self.telling is None:
            return people
        return {**people, **dict(zip(self.told, self.telling[prompt_ids].T.astype(float), strict=True))}


def uniform_prompts(n_prompts: int) -> PromptLaw:
    """Every prompt is equally likely for every person."""
    return PromptLaw(np.zeros(n_prompts, dtype=np.int64), _one_class)


def _one_class(people: People) -> np.ndarray:
    return np.ones((len(next(iter(people.values()))), 1))


class RowsLaw(Protocol):
    """The law of the attribute vectors of some rows."""

    def draw(self, uniforms: np.ndarray) -> np.ndarray:
        """Attribute vectors of uniforms (n, K), shape (n, K) int8."""

    def log_probability(self, attributes: np.ndarray) -> np.ndarray:
        """log P(attributes), shape (n,)."""


class Rule(Protocol):
    """A logging rule: the law of its rows, and the law integrated over people."""

    @property
    def responds(self) -> np.ndarray:
        """Which attributes respond to people at all, shape (K,), bool."""

    def rows_law(self, people: People, classes: np.ndarray) -> RowsLaw:
        """The law of rows with these people and prompt classes."""

    def integrate(self, population: Population, prompt_law: PromptLaw) -> Any:
        """A ``TextLaw`` or an object with the same attributes."""


class AttributeRule(Rule, Protocol):
    """A rule that decides each attribute by itself."""

    def probabilities(self, people: People) -> np.ndarray:
        """P(a_k = 1 | person), shape (n, K)."""


class ScalableRule(Rule, Protocol):
    """A rule whose response to people can be scaled."""

    def scaled(self, gamma: float) -> Self:
        """The same rule with another scale."""


Scalable = TypeVar("Scalable", bound=ScalableRule)


@dataclass(frozen=True, eq=False)
class TextLaw:
    """A rule integrated over people: exact marginals, overlap and posteriors.

    Attributes:
        people: Quadrature nodes, factor name to shape (m,).
        weights: P(node, prompt class), shape (m, classes), sums to 1.
        probabilities: P(a_k = 1 | node), shape (m, K).
        responds: Which attributes respond to people, shape (K,).
        tested: P_int(a_k = 1), shape (K,), where it is not the log's own.
    """

    people: People
    weights: np.ndarray
    probabilities: np.ndarray
    responds: np.ndarray
    tested: np.ndarray | None = None

    @classmethod
    def of(cls, rule: AttributeRule, population: Population, prompt_law: PromptLaw) -> TextLaw:
        """The law of a rule over a population."""
        people, weights = population.grid()
        joint = weights[:, None] * prompt_law.probabilities(people)
        return cls(people, joint, rule.probabilities(people), rule.responds)

    def given(self, telling: np.ndarray, prompt_class: int) -> np.ndarray:
        """P(vector of the telling attributes | node), shape (m, 2**len(telling)), in any prompt class."""
        return product_law(self.probabilities[:, telling])

    @property
    def by_code(self) -> np.ndarray:
        """P_int(code | prompt class), shape (classes, 2**K)."""
        return product_law(self.marginals)

    @property
    def marginals(self) -> np.ndarray:
        """P_int(a_k = 1 | prompt class), by default the log's own marginals, shape (classes, K)."""
        if self.tested is not None:
            return np.tile(self.tested, (self.weights.shape[1], 1))
        return (self.weights.T @ self.probabilities) / self.weights.sum(axis=0)[:, None]

    @property
    def effective_share(self) -> float:
        """ESS/n of w = P_int(a) / P(a | c): ``1 / E_c prod_k sum_a P_int(a_k)^2 / P(a_k | c)``."""
        p, second_moment = self.probabilities, 0.0
        for weights, m in zip(self.weights.T, self.marginals, strict=True):
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                on = np.where(m == 0, 0.0, m**2 / p)
                off = np.where(m == 1, 0.0, (1 - m) ** 2 / (1 - p))
                terms = np.prod(on + off, axis=1)
            second_moment += float(weights[weights > 0] @ terms[weights > 0])
        return 1.0 / second_moment if np.isfinite(second_moment) else 0.0

    @property
    def minimum_propensity(self) -> float:
        """Smallest attribute propensity met by all but one person in a thousand."""
        least = np.minimum(self.probabilities, 1 - self.probabilities).min(axis=1)
        order = np.argsort(least)
        reached = np.searchsorted(np.cumsum(self.weights.sum(axis=1)[order]), 1e-3)
        return float(least[order][min(reached, len(least) - 1)])


def solve_overlap(
    assignment: Scalable, population: Population, prompt_law: PromptLaw, target: float
) -> Scalable:
    """The assignment scaled so that the effective sample share of its exact weights is ``target``.

    Raises:
        UsageError: If no scale reaches the target.
    """

    def excess(gamma: float) -> float:
        return float(assignment.scaled(gamma).integrate(population, prompt_law).effective_share) - target

    high = 0.5
    while excess(high) > 0:
        high *= 2
        if high > 1e3:
            raise UsageError(
                f"overlap {target:g} cannot be reached: no attribute responds strongly enough to people",
                expected="an overlap between the rule's least and 1",
                found=f"at scale {high:g} the effective share is still {excess(high) + target:.3g}",
                fix="raise the overlap parameter",
            )
    return assignment.scaled(brentq(excess, 0.0, high, xtol=1e-13, rtol=1e-13))
