"""Optimising a fitted reward: best of n, RLOO, and the kernel policy gradient (DSO).

All risk sits in the reward: more optimisation amplifies its bias.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import Fitted, Fitting, Incompatible, Log, Method, Sample, Score, Tags, Texts, Train
from methods.adjust.partial import Joint, Raw
from methods.adjust.scored import Adjust, Scored
from methods.adjust.weights import LoggedWeights
from methods.linear import regress
from methods.objectives.policy_gradient import ClippedPolicyGradient
from methods.objectives.weights import leave_one_out
from methods.posthoc.select import BestOfN, Tilt
from methods.recipe import Recipe


@dataclass(frozen=True, eq=False)
class KernelReward:
    """A kernel-weighted mean outcome of logged texts near a text, prompt by prompt.

    ``sum_i K(x, x_i) w_i Y_i / sum_i K(x, x_i) w_i``, a Gaussian kernel on text features.
    Source: Kiyohara et al. 2025 (DSO, arXiv 2504.02646), which smooths the propensity of texts
    with the same kernel; this is its self-normalised form (reconstruction).

    Attributes:
        scored: Weighted rows.
        width: Kernel width as a multiple of the median distance.
    """

    scored: Scored
    width: float = 0.35

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Smoothed outcomes, shape (n,)."""
        scored = self.scored
        asked = scored.features(prompts, texts, context)
        rewards = np.empty(len(texts))
        mean = float(np.average(scored.value, weights=scored.weight))
        for prompt in np.unique(np.asarray(prompts).astype(str)):
            rows = np.flatnonzero(scored.log.prompts.astype(str) == prompt)
            ask = np.flatnonzero(np.asarray(prompts).astype(str) == prompt)
            if not len(rows):
                rewards[ask] = mean
                continue
            rewards[ask] = self._smooth(asked[ask], rows, mean)
        return rewards

    def _smooth(self, asked: np.ndarray, rows: np.ndarray, mean: float) -> np.ndarray:
        logged = self.scored.texts[rows]
        squared = (asked**2).sum(axis=1)[:, None] + (logged**2).sum(axis=1) - 2.0 * asked @ logged.T
        # The scale comes from the logged rows alone: a text's reward must not depend on its company.
        scale = self.width**2 * max(float(2.0 * logged.var(axis=0).sum()), 1e-12)
        kernel = np.exp(-(squared - squared.min(axis=1, keepdims=True)) / (2.0 * scale))
        kernel = kernel * self.scored.weight[rows]
        total = kernel.sum(axis=1)
        smoothed = kernel @ self.scored.value[rows] / np.maximum(total, 1e-300)
        return np.where(total > 1e-300, smoothed, mean)


@dataclass(frozen=True)
class PolicyGradient:
    """RLOO against a fitted reward (Ahmadian et al. 2024).

    The budget's steps are split over rounds; each round samples texts of the current policy,
    takes ``reward - beta (log pi - log pi_ref)`` and its leave-one-out advantage, and trains.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        adjust: Adjustment of the reward.
        reward: Makes the reward of scored rows.
        rounds: Rounds of sampling.
        each: Texts a prompt and round.
        beta: Price of a nat of divergence, in standard deviations of the reward.
    """

    name: str
    tags: Tags
    adjust: Adjust
    reward: Callable[[Scored], Fitted] = regress
    rounds: int = 6
    each: int = 16
    beta: float = 0.05

    def fit(self, log: Log, harness: Any) -> Fitting:
        """Learn from a log."""
        reason = self.tags.reason_to_refuse(log)
        if reason:
            raise Incompatible(reason)
        return self._train(log, harness)

    def _train(self, log: Log, harness: Any) -> Fitting:
        scorer = self.reward(self.adjust(log, harness))
        prompts = np.unique(log.prompts.astype(str)).astype(object)
        rounds = max(1, min(self.rounds, harness.budget.steps))
        per_round = harness.budget.samples // rounds // len(prompts)
        each = max(2, min(self.each, per_round))
        policy = harness.policy()
        for _ in range(rounds):
            texts = yield Sample(policy, prompts, each)
            asked = np.repeat(prompts, each)
            drawn = np.asarray(texts, dtype=object).ravel()
            own = yield Score(policy, asked, drawn)
            base = yield Score(harness.policy(), asked, drawn)
            rewards = scorer.reward(asked, drawn)
            spread = rewards.std()
            scaled = rewards / spread if spread > 1e-12 else np.zeros_like(rewards)
            advantage = leave_one_out((scaled - self.beta * (own - base)).reshape(len(prompts), each))
            policy = yield Train(
                policy,
                {"text": Texts(asked, drawn)},
                {"advantage": advantage.ravel()},
                ClippedPolicyGradient(),
                steps=max(1, harness.budget.steps // rounds),
            )
        return harness.fitted_policy(policy)


def _tags(summary: str, paper: str, *needs: str, track: str = "log") -> Tags:
    return Tags(
        needs=frozenset(needs), track=track, adjusts=bool(needs), policy=True, paper=paper, summary=summary
    )


RLOO = "Ahmadian et al. 2024"
METHODS: tuple[Method, ...] = (
    Recipe(
        "best-of-n", posthoc=(BestOfN(),), tags=_tags("The best of 8 reference texts by naive.", "baseline")
    ),
    Recipe(
        "best-of-n-adjusted",
        adjust=Joint(),
        posthoc=(BestOfN(),),
        tags=_tags("The best of 8 reference texts by covariate regression.", "baseline", "covariate"),
    ),
    Recipe(
        "tilt-adjusted",
        adjust=Joint(),
        posthoc=(Tilt(),),
        tags=_tags("Reference texts tilted by covariate regression.", "Korbak et al. 2022", "covariate"),
    ),
    PolicyGradient("rloo", _tags("RLOO against the naive reward.", RLOO), Raw()),
    PolicyGradient("rloo-adjusted", _tags("RLOO against covariate regression.", RLOO, "covariate"), Joint()),
    PolicyGradient(
        "dso",
        _tags(
            "Policy gradient on kernel-smoothed, propensity-weighted outcomes.",
            "Kiyohara et al. 2025, arXiv 2504.02646 (reconstruction)",
            "propensity",
            "target_propensity",
            track="propensity",
        ),
        LoggedWeights(clip=20.0),
        KernelReward,
    ),
)
