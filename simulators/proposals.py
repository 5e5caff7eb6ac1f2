"""Pairs of texts that an audit looks at, and how the law from which it draws them is trained.

See ``benchmark.scoring.audit`` for what an audit is for and where it comes from. Nothing here knows a world.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Search:
    """How hard to look.

    Attributes:
        rounds: Times the proposer is trained, >= 1; the first round draws from the world's own law.
        pairs: Pairs a round.
        candidates: Attribute vectors drawn for each pair kept; the tilt chooses among them.
        severity: A failure loses at least this share of the typical difference between two texts.
        strength: Of the DPO fit: ``1 / (2 ridge)`` on the tilt.
        most: Largest tilt of one feature, nats; keeps the proposer from collapsing.
    """

    rounds: int = 4
    pairs: int = 2000
    candidates: int = 16
    severity: float = 0.5
    strength: float = 0.1
    most: float = 2.5


@dataclass(frozen=True, eq=False)
class JudgedPairs:
    """Pairs of texts, and what a reward and the truth say of them.

    Attributes:
        row: Which prompt and context each pair has, a row of the proposer, shape (n,).
        first: Attributes of the first text, shape (n, K).
        second: Attributes of the second text, shape (n, K).
        texts: First and second texts, shape (n,) each.
        judged: By how much the reward prefers the first text, shape (n,).
        true: By how much the first text is truly worth more, shape (n,).
    """

    row: np.ndarray
    first: np.ndarray
    second: np.ndarray
    texts: tuple[np.ndarray, np.ndarray]
    judged: np.ndarray
    true: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """What the first text has beyond the second, -1, 0 or 1, shape (n, K)."""
        return self.first.astype(np.float64) - self.second

    def fail(self, least: float) -> np.ndarray:
        """Whether the reward prefers the first text though the second is worth clearly more; (n,)."""
        return (self.judged > 0) & (self.true < -max(least, 1e-9))


def prefer_failures(
    phi: np.ndarray, failing: np.ndarray, search: Search, rng: np.random.Generator
) -> np.ndarray:
    """The tilt by which DPO raises failures over harmless pairs, shape (features,)."""
    from sklearn.linear_model import LogisticRegression

    chosen = rng.permutation(np.flatnonzero(failing))
    rejected = rng.choice(np.flatnonzero(~failing), size=len(chosen))
    difference = phi[chosen] - phi[rejected]
    # Which side comes first is a coin: the regression needs both labels and has no intercept.
    sign = np.where(np.arange(len(chosen)) % 2 == 0, 1.0, -1.0)
    model = LogisticRegression(C=search.strength, fit_intercept=False)
    return np.asarray(model.fit(difference * sign[:, None], sign).coef_[0])


def join_pairs(drawn: list[JudgedPairs]) -> JudgedPairs:
    """All pairs of some rounds."""
    texts = (np.concatenate([p.texts[0] for p in drawn]), np.concatenate([p.texts[1] for p in drawn]))
    rest = ("row", "first", "second", "judged", "true")
    return JudgedPairs(
        texts=texts, **{name: np.concatenate([getattr(p, name) for p in drawn]) for name in rest}
    )
