"""Surface: interactions of attributes with one another and with what the prompt is about.

``s(p, a) = sum_jk c_jk (a_j - m_j)(a_k - m_k) + sum_k d_k(topic of p) (a_k - m_k)`` with
``m = P_int(a = 1 | p)`` and ``d`` centred over prompts. Where ``P_int`` is a product of marginals the
first sum has mean 0 and no main effect at any prompt, the second none over prompts, so that average
effects stay what they were. Knows neither people nor wording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.law.codes import all_attributes, product_law


@dataclass(frozen=True, eq=False)
class Surface:
    """Drawn interactions, before they are scaled.

    Attributes:
        pairs: c, shape (K, K), upper triangle.
        by_topic: d, shape (P, K), mean 0 over prompts; prompts of a topic share a row.
    """

    pairs: np.ndarray
    by_topic: np.ndarray

    def without(self, attribute: int) -> Surface:
        """The interactions that leave an attribute out."""
        kept = np.arange(len(self.pairs)) != attribute
        return Surface(self.pairs * np.outer(kept, kept), self.by_topic * kept)

    def table(self, marginals: np.ndarray) -> np.ndarray:
        """Interactions of variance 1 within prompts, shape (P, 2**K); 0 where nothing can interact.

        Pairs and topics have one half of the variance each, or one of them all where the other has none.

        Args:
            marginals: P_int(a_k = 1 | p), shape (P, K).
        """
        law = product_law(marginals)
        centred = all_attributes(marginals.shape[1]) - marginals[:, None]
        parts = np.stack(
            [((centred @ self.pairs) * centred).sum(axis=-1), (centred @ self.by_topic[..., None])[..., 0]]
        )
        variances = (parts**2 * law).sum(axis=-1).mean(axis=-1)
        held = variances > 1e-12 * max(variances.max(), 1e-300)
        scales = np.where(held, 1 / np.sqrt(np.where(held, variances, 1.0) * max(held.sum(), 1)), 0.0)
        return np.asarray(np.tensordot(scales, parts, axes=1))


def draw_surface(streams: Streams, topics: np.ndarray, n_attributes: int) -> Surface:
    """Standard normal interactions.

    Args:
        streams: The world's streams; parts ``"surface.pairs"`` and ``"surface.topics"`` are used.
        topics: Topic of each prompt, shape (P,).
        n_attributes: K.
    """
    pairs = np.triu(streams.rng("surface.pairs").normal(size=(n_attributes, n_attributes)), 1)
    kinds = int(topics.max()) + 1
    by_topic = streams.rng("surface.topics").normal(size=(kinds, n_attributes))[topics]
    return Surface(pairs, by_topic - by_topic.mean(axis=0))


def variance_within(table: np.ndarray, law: np.ndarray, contexts: np.ndarray) -> float:
    """Variance of a table over the texts of a prompt and context, averaged over both.

    Args:
        table: Values, shape (V, P, 2**K).
        law: P_int(code | p), shape (P, 2**K).
        contexts: Share of each context, shape (V,).
    """
    mean = (table * law).sum(axis=-1, keepdims=True)
    return float(contexts @ (((table - mean) ** 2) * law).sum(axis=-1).mean(axis=1))
