"""Wording: each paraphrase has a small effect of its own, centred within what it says.

A text's index is ``f(p, a) + W`` with ``W`` the sum of its phrases' effects. Phrases of a side are
equally likely and independent of people given the attributes, so ``W`` has mean 0 for every (p, a).
The average over wording of a smooth function is a sum over Chebyshev nodes of the range of ``W``, with
weights that are exact for polynomials of a degree below the number of nodes: the law of the sum is
built slot by slot, each time projected on nodes of the range reached so far. Knows no people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.law.curves import interpolation_matrix, place_nodes

BY_TOPIC, FREE = -1, -2


@dataclass(frozen=True, eq=False)
class Phrases:
    """Which phrases a domain has: S slots of at most M phrases each.

    Attributes:
        sides: Side of each phrase of each slot, shape (S, M); -1 where a slot has no such phrase.
        deciders: Attribute that chooses the side of a slot, shape (S,); ``BY_TOPIC`` where the topic does,
            ``FREE`` where nothing does and the slot has one side.
        used: Whether the log's writers use a phrase, shape (S, M); at least one of every side.
        topics: Topic of each prompt, shape (P,).
    """

    sides: np.ndarray
    deciders: np.ndarray
    used: np.ndarray
    topics: np.ndarray

    def of_slot(self, slot: int) -> list[np.ndarray]:
        """Phrases of each side of a slot."""
        return [np.flatnonzero(self.sides[slot] == side) for side in range(self.sides[slot].max() + 1)]

    @property
    def n_topics(self) -> int:
        """How many topics there are."""
        return int(self.topics.max()) + 1

    def sides_of(self, slot: int, n_attributes: int) -> np.ndarray:
        """Side of a slot by topic and code, shape (topics, 2**K)."""
        decider, codes = self.deciders[slot], np.arange(2**n_attributes)
        by_code = (codes >> decider) & 1 if decider >= 0 else np.zeros_like(codes)
        by_topic = np.arange(self.n_topics) * (decider == BY_TOPIC)
        return np.asarray(by_topic[:, None] + by_code)


@dataclass(frozen=True, eq=False)
class Wording:
    """Effects of phrases.

    Attributes:
        phrases: Which phrases there are.
        effects: Effect of each on the index, shape (S, M), mean 0 over each side.
    """

    phrases: Phrases
    effects: np.ndarray

    def shift(self, phrases: np.ndarray) -> np.ndarray:
        """W of texts from the phrase each slot uses, shape (n, S) to (n,)."""
        return np.asarray(self.effects[np.arange(len(self.effects)), phrases].sum(axis=-1))

    def scaled(self, scale: float) -> Wording:
        """The same wording with another scale."""
        return replace(self, effects=self.effects * scale)

    def without(self, attribute: int) -> Wording:
        """The wording in which the phrases of one attribute do nothing."""
        return replace(self, effects=self.effects * (self.phrases.deciders != attribute)[:, None])

    @cached_property
    def seen(self) -> Wording:
        """The effects that a log shows: a phrase nobody used passes for the mean of its side's used ones."""
        shown = self.effects.copy()
        for slot in range(len(self.phrases.deciders)):
            for side in self.phrases.of_slot(slot):
                used = self.phrases.used[slot, side]
                own = self.effects[slot, side]
                shown[slot, side] = np.where(used, own, own[used].mean())
        return replace(self, effects=shown)

    @cached_property
    def of_writers(self) -> Wording:
        """The wording of the log: its writers' phrases alone, uniform over each side."""
        sides = np.where(self.phrases.used, self.phrases.sides, -1)
        return replace(self, phrases=replace(self.phrases, sides=sides))

    def total(self, measure: Callable[[np.ndarray], float], n_attributes: int) -> np.ndarray:
        """Sum over slots of a measure of the effects on the side in use, shape (topics, 2**K).

        ``np.var`` gives the variance of W by topic and code, ``np.min`` and ``np.max`` its ends.
        """
        table = np.zeros((self.phrases.n_topics, 2**n_attributes))
        for slot in range(len(self.phrases.deciders)):
            measured = np.array([measure(self.effects[slot, side]) for side in self.phrases.of_slot(slot)])
            table += measured[self.phrases.sides_of(slot, n_attributes)]
        return table

    def by_prompt(self, measure: Callable[[np.ndarray], float], n_attributes: int) -> np.ndarray:
        """``total`` of each prompt's topic, shape (P, 2**K)."""
        return self.total(measure, n_attributes)[self.phrases.topics]

    def span(self, n_attributes: int) -> tuple[float, float]:
        """A range that holds every W."""
        low, high = (self.total(pick, n_attributes) for pick in (np.min, np.max))
        return float(low.min()), float(high.max())

    def law(self, n_attributes: int, n_nodes: int, span: tuple[float, float]) -> np.ndarray:
        """Weights of ``place_nodes(n_nodes, span)`` that average over W, shape (topics, 2**K, n_nodes).

        Phrases are uniform over their sides. Exact for polynomials of degree below ``n_nodes``.

        Args:
            n_attributes: K.
            n_nodes: How many nodes.
            span: Their range, which must hold every W.
        """
        weights = np.ones((self.phrases.n_topics, 2**n_attributes, 1))
        nodes, low, high = np.zeros(1), 0.0, 0.0
        for slot in range(len(self.phrases.deciders)):
            effects = [self.effects[slot, side] for side in self.phrases.of_slot(slot)]
            low, high = low + min(e.min() for e in effects), high + max(e.max() for e in effects)
            weights = self._convolve(weights, nodes, effects, slot, n_attributes, n_nodes, (low, high))
            nodes = place_nodes(n_nodes, (low, high))
        return weights @ interpolation_matrix(n_nodes, span, nodes)

    def _convolve(
        self,
        weights: np.ndarray,
        nodes: np.ndarray,
        effects: list[np.ndarray],
        slot: int,
        n_attributes: int,
        n_nodes: int,
        span: tuple[float, float],
    ) -> np.ndarray:
        sides = self.phrases.sides_of(slot, n_attributes)
        moved = np.empty((*weights.shape[:2], n_nodes))
        for side, own in enumerate(effects):
            step = np.mean([interpolation_matrix(n_nodes, span, nodes + w) for w in own], axis=0)
            moved[sides == side] = weights[sides == side] @ step
        return moved


def draw_wording(streams: Streams, phrases: Phrases) -> Wording:
    """Standard normal effects, centred within each side.

    Args:
        streams: The world's streams; part ``"wording effects"`` is used.
        phrases: Which phrases there are.
    """
    effects = streams.rng("wording effects").normal(size=phrases.sides.shape) * (phrases.sides >= 0)
    for slot in range(len(effects)):
        for side in phrases.of_slot(slot):
            effects[slot, side] -= effects[slot, side].mean()
    return Wording(phrases, effects)
