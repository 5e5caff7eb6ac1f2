"""The audit's proposer: pairs of texts from a tilted law, what reward and truth say of them, its training.

See ``benchmark.scoring.audit`` for what it is for and where it comes from. It reads the truth; methods
never see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Reward = Callable[[np.ndarray, np.ndarray, Mapping[str, np.ndarray]], np.ndarray]


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
    """Pairs: asked row (n,), attributes of either side (n, K), texts (n,), gaps of first to second (n,)."""

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


@dataclass(frozen=True, eq=False)
class Asked:
    """The prompts and contexts that a world asks about: prompt ids (r,) and contexts (r,) of its rows."""

    world: Any
    row_prompts: np.ndarray
    row_contexts: np.ndarray

    @classmethod
    def of(cls, world: Any) -> Asked:
        """What a world asks about."""
        contexts, prompts = np.indices((len(world.outcome.base), len(world.domain.prompts)))
        kept = np.ones(contexts.shape, dtype=bool) if world.asked is None else world.asked
        return cls(world, prompts[kept], contexts[kept])

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every prompt of the domain."""
        return tuple(self.world.domain.prompts)

    def draw(self, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Attributes by the world's own law of texts, shape (n, K)."""
        uniforms = rng.random((len(row), len(self.world.domain.attributes)))
        law = self.world.rows_law({}, self.row_prompts[row], self.world.asked_arm)
        return np.asarray(law.draw(uniforms), dtype=np.int8)

    def describe(self, row: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """phi of pairs: the prompt, what the first text alone has, what the second alone has; (n, P + 2K)."""
        prompt = self.row_prompts[row][:, None] == np.arange(len(self.prompts))
        return np.column_stack([prompt, first > second, second > first]).astype(np.float64)

    def propose(
        self, tilt: np.ndarray, search: Search, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs from the tilted law: rows (n,) and the attributes of both sides (n, K)."""
        many = search.pairs * (search.candidates if tilt.any() else 1)
        row = rng.integers(len(self.row_prompts), size=many)
        first, second = self.draw(row, rng), self.draw(row, rng)
        if not tilt.any():
            return row, first, second
        score = self.describe(row, first, second) @ tilt
        # The largest of log-weight plus Gumbel noise are a draw without replacement from the tilted law.
        kept = np.argsort(-(score + rng.gumbel(size=many)), kind="stable")[: search.pairs]
        return row[kept], first[kept], second[kept]

    def judge(
        self,
        reward: Reward,
        row: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        rng: np.random.Generator,
    ) -> JudgedPairs:
        """Write both texts of each pair and take the reward's and the truth's word on them."""
        world, prompt_ids = self.world, self.row_prompts[row]
        prompts = np.asarray(self.prompts, dtype=object)[prompt_ids]
        known = {} if world.context is None else {world.context: self.row_contexts[row].astype(np.float64)}
        sides, judged, true = [], [], []
        for attributes in (first, second):
            wording = world.domain.draw_choices(len(row), rng)
            texts = world.domain.write(attributes, prompt_ids, wording).to_numpy(zero_copy_only=False)
            sides.append(texts.astype(object))
            judged.append(np.asarray(reward(prompts, sides[-1], known), dtype=np.float64))
            true.append(world.truth.reward(prompts, sides[-1], known))
        return JudgedPairs(row, first, second, (sides[0], sides[1]), judged[0] - judged[1], true[0] - true[1])


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
