"""The proposer of an audit: draws pairs of texts and asks a reward and the truth about them.

It reads the truth; methods never see it. ``simulators.proposals`` says how it is trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulators.proposals import JudgedPairs, Search
from simulators.protocols import Reward, Truth
from simulators.queries import AskedTexts


@dataclass(frozen=True, eq=False)
class TiltedProposer:
    """Pairs from ``pi(pair) = P_int(pair) exp(u . phi(pair))``.

    Attributes:
        source: The texts of the world that questions are about.
        truth: What they are worth.
    """

    source: AskedTexts
    truth: Truth

    @cached_property
    def _rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Contexts and prompt ids that are asked about, shape (r,) each."""
        contexts, prompts = np.nonzero(self.source.asked)
        return contexts, prompts

    @property
    def row_prompts(self) -> np.ndarray:
        """Prompt id of each row, shape (r,)."""
        return self._rows[1]

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every prompt of the domain."""
        return self.source.domain.prompts

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes."""
        return self.source.domain.attributes

    def describe(self, row: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """phi of pairs: the prompt, what the first text alone has, what the second alone has; (n, P + 2K)."""
        prompt = self.row_prompts[row][:, None] == np.arange(len(self.prompts))
        return np.column_stack([prompt, first > second, second > first]).astype(np.float64)

    def propose(
        self, tilt: np.ndarray, search: Search, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs from the law tilted by u: rows (n,) and the attributes of both sides (n, K)."""
        many = search.pairs * (search.candidates if tilt.any() else 1)
        row = rng.integers(len(self.row_prompts), size=many)
        first, second = (self.source.draw_attributes(self.row_prompts[row], rng) for _ in range(2))
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
        """Write both texts of each pair and ask the reward and the truth about them."""
        domain, contexts, prompt_ids = self.source.domain, self._rows[0][row], self.row_prompts[row]
        prompts = np.asarray(self.prompts, dtype=object)[prompt_ids]
        known = {} if self.source.context is None else {self.source.context: contexts.astype(np.float64)}
        sides, judged, true = [], [], []
        for attributes in (first, second):
            wording = domain.draw_choices(len(row), rng)
            texts = domain.write(attributes, prompt_ids, wording).to_numpy(zero_copy_only=False)
            sides.append(texts.astype(object))
            judged.append(np.asarray(reward(prompts, sides[-1], known), dtype=np.float64))
            true.append(self.truth.reward(prompts, sides[-1], known))
        return JudgedPairs(row, first, second, (sides[0], sides[1]), judged[0] - judged[1], true[0] - true[1])
