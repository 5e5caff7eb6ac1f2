"""Optimising a fitted reward: best of n, RLOO, and the kernel policy gradient (DSO).

All risk sits in the reward: more optimisation amplifies its bias.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmark.contract import Fitted, Fitting, Harness, Log, Method, Sample, Score, Tags, Texts, Train
from methods.adjust.partial import Joint, Raw
from methods.adjust.scored import Adjust, Scored
from methods.adjust.weights import LoggedWeights
from methods.linear import regress
from methods.objectives.policy_gradient import ClippedPolicyGradient
from methods.objectives.weights import leave_one_out
from methods.posthoc.select import BestOfN, Tilt
from methods.recipe import Recipe
from methods.rows import LOGGED, make_tags


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

    The budget's steps are split over rounds. Each round samples the texts that its steps will read from
    the current policy, takes ``reward - beta (log pi - log pi_ref)`` and its leave-one-out advantage,
    and trains on the clipped ratio to the policy that wrote them. All three hold a policy to
    what its reward was learnt on: without the ratio, texts of a below-average advantage are pushed down
    long after the policy has left them, and what gains is no text at all.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        adjust: Adjustment of the reward.
        reward: Makes the reward of scored rows.
        rounds: Rounds of sampling.
        beta: Price of a nat of divergence, in standard deviations of the reward under the reference.
            Where rewards are normal the optimum lies 1 / (2 beta^2) nats away: one nat by default.
        pace: Share of the model's learning rate. Every round starts its optimiser anew, whose first
            steps are of full length however noisy the gradient.
    """

    name: str
    tags: Tags
    adjust: Adjust
    reward: Callable[[Scored], Fitted] = regress
    rounds: int = 6
    beta: float = 0.5**0.5
    pace: float = 0.5

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        scorer, budget = self.reward(self.adjust(log, harness)), harness.budget
        prompts = np.unique(log.prompts.astype(str)).astype(object)
        rounds = max(1, min(self.rounds, budget.steps))
        steps = max(1, budget.steps // rounds)
        read, allowed = steps * budget.batch_size, budget.samples // rounds
        each = max(2, min(-(-read // len(prompts)), allowed // len(prompts)))
        asked = np.repeat(prompts, each)
        policy, scale = harness.policy(), 0.0
        for _ in range(rounds):
            texts = yield Sample(policy, prompts, each)
            drawn = np.asarray(texts, dtype=object).ravel()
            own = yield Score(policy, asked, drawn)
            base = yield Score(harness.policy(), asked, drawn)
            rewards = scorer.reward(asked, drawn)
            # The first texts are the reference's: its spread stays the unit, or a narrower policy would
            # find divergence ever cheaper.
            scale = scale or max(float(rewards.std()), 1e-12)
            penalised = (rewards - rewards.mean()) / scale - self.beta * (own - base)
            advantage = leave_one_out(penalised.reshape(len(prompts), each)).ravel()
            policy = yield Train(
                policy,
                {"text": Texts(asked, drawn)},
                {"advantage": advantage, "log_old": own},
                ClippedPolicyGradient(),
                steps=steps,
                learning_rate=self.pace * policy.architecture.learning_rate,
            )
        return harness.fitted_policy(policy)


RLOO = "Ahmadian et al. 2024"
METHODS: tuple[Method, ...] = (
    Recipe(
        "best-of-n",
        posthoc=(BestOfN(),),
        tags=make_tags("The naive reward picks the best of 8 reference texts.", "baseline", policy=True),
    ),
    Recipe(
        "best-of-n-adjusted",
        Joint(),
        posthoc=(BestOfN(),),
        tags=make_tags(
            "Covariate regression picks the best of 8 reference texts.", "baseline", "covariate", policy=True
        ),
    ),
    Recipe(
        "tilt-adjusted",
        Joint(),
        posthoc=(Tilt(),),
        tags=make_tags(
            "Covariate regression tilts the law of reference texts.",
            "Korbak et al. 2022",
            "covariate",
            policy=True,
        ),
    ),
    PolicyGradient("rloo", make_tags("RLOO maximises the naive reward.", RLOO, policy=True), Raw()),
    PolicyGradient(
        "rloo-adjusted",
        make_tags("RLOO maximises the reward of covariate regression.", RLOO, "covariate", policy=True),
        Joint(),
    ),
    PolicyGradient(
        "dso",
        make_tags(
            "A policy gradient maximises kernel-smoothed, propensity-weighted outcomes.",
            "Kiyohara et al. 2025, arXiv 2504.02646 (reconstruction)",
            *LOGGED,
            policy=True,
        ),
        LoggedWeights(clip=20.0),
        KernelReward,
    ),
)
