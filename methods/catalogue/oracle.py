"""Methods that buy outcomes: APL and SELM, on the track with a budgeted oracle.

Oracle outcomes come from fresh random people, so they are unconfounded; what is bought decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import (
    Ask,
    Fitting,
    Harness,
    Incompatible,
    Log,
    Method,
    Sample,
    Score,
    Tags,
    Texts,
    Train,
)
from methods.objectives.exploration import SELM
from methods.objectives.pairwise import DPO
from methods.rows import ALL_KINDS, make_tags


@dataclass(frozen=True)
class Acquire:
    """Active preference learning: buy outcomes of pairs in phases, retrain on all bought pairs.

    APL (Muldrew et al. 2024) buys the pairs of largest implicit margin, to catch confident mistakes, and
    retrains from the reference. SELM (Zhang et al. 2024) buys any pair and continues from the
    last policy with an optimism term on its own near-greedy texts.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        phases: Rounds of buying.
        oversample: Candidate pairs for each pair bought.
        certain: Buy the pairs of largest implicit margin.
        optimism: SELM's alpha, or None for plain DPO from the reference.
        beta: As in DPO.
    """

    name: str
    tags: Tags
    phases: int = 3
    oversample: int = 4
    certain: bool = True
    optimism: float | None = None
    beta: float = 0.2

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from an oracle; the log supplies prompts alone.

        Raises:
            Incompatible: If no outcomes may be bought.
        """
        if harness.budget.asks < 4 * self.phases:
            raise Incompatible(
                f"buys at least {4 * self.phases} outcomes, the budget has {harness.budget.asks}"
            )
        prompts = np.unique(log.prompts.astype(str)).astype(object)
        bought: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        policy = harness.policy()
        n_pairs = harness.budget.asks // (2 * self.phases)
        for _ in range(self.phases):
            asked, first, second = yield from self._candidates(policy, prompts, n_pairs, harness)
            outcomes = yield Ask(np.r_[asked, asked], np.r_[first, second])
            ahead = outcomes[: len(asked)] >= outcomes[len(asked) :]
            bought.append((asked, np.where(ahead, first, second), np.where(ahead, second, first)))
            asked, chosen, rejected = (np.concatenate(part) for part in zip(*bought, strict=True))
            fields = {"chosen": Texts(asked, chosen), "rejected": Texts(asked, rejected)}
            if self.optimism is None:
                policy = yield Train(harness.policy(), fields, {}, DPO(self.beta))
                continue
            own = yield Sample(policy, prompts, 1, temperature=0.2)
            place = np.searchsorted(prompts.astype(str), asked.astype(str))
            fields["own"] = Texts(asked, np.asarray(own, dtype=object)[place, 0])
            policy = yield Train(
                policy,
                fields,
                {},
                SELM(self.beta, self.optimism),
                steps=max(1, harness.budget.steps // self.phases),
            )
        return harness.fitted_policy(policy)

    def _candidates(self, policy: Any, prompts: np.ndarray, n_pairs: int, harness: Harness) -> Any:
        wanted = n_pairs * (self.oversample if self.certain else 1)
        room = harness.budget.samples // (self.phases + 1) // (2 * len(prompts))
        each = max(1, min(-(-wanted // len(prompts)), room))
        texts = yield Sample(policy, prompts, 2 * each)
        drawn = np.asarray(texts, dtype=object).reshape(len(prompts) * each, 2)
        asked = np.repeat(prompts, each)
        order = harness.rng("candidates").permutation(len(asked))
        if self.certain:
            sides = [(asked, drawn[:, 0]), (asked, drawn[:, 1])]
            own = yield [Score(policy, *side) for side in sides]
            base = yield [Score(harness.policy(), *side) for side in sides]
            margin = np.abs((own[0] - base[0]) - (own[1] - base[1]))
            order = order[np.argsort(-margin[order], kind="stable")]
        kept = order[:n_pairs]
        return asked[kept], drawn[kept, 0], drawn[kept, 1]


def _row(name: str, paper: str, summary: str, **settings: Any) -> Acquire:
    tags = make_tags(summary, paper, kinds=ALL_KINDS, track="oracle", adjusts=True, policy=True)
    return Acquire(name, tags, **settings)


METHODS: tuple[Method, ...] = (
    _row(
        "apl",
        "Muldrew et al. 2024, arXiv 2402.08114",
        "APL buys outcomes of the pairs that it is most certain of and retrains DPO.",
    ),
    _row("oracle-random", "baseline", "It buys outcomes of random pairs and retrains DPO.", certain=False),
    _row(
        "selm",
        "Zhang et al. 2024, arXiv 2405.19332",
        "SELM buys outcomes of random pairs and continues with an optimism term.",
        certain=False,
        optimism=0.001,
    ),
)
