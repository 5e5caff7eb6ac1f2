"""DRPO (Xu et al. 2025): doubly robust preference optimisation, on fresh samples of the policy.

The method is robust to a wrong preference model or a wrong reference policy. Neither repairs confounded
labels, so their bias stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from benchmark.contract import Fitting, Harness, Log, Method, Sample, Tags, Texts, Train
from methods.adjust.logistic import fit_logistic
from methods.adjust.partial import Raw
from methods.objectives.policy_gradient import DRPO
from methods.pairing.rules import SamePrompt
from methods.recipe import Recipe
from methods.rows import ALL_KINDS, make_tags

PAIRS = Recipe("pairs", Raw(), SamePrompt(), DRPO())


@dataclass(frozen=True)
class DoublyRobustPreferences:
    """Rounds of sampling and training; the preference model is Bradley-Terry on text features.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        objective: The loss.
        rounds: Rounds of sampling; the budget's steps are split over them.
        each: Fresh texts a prompt and round.
    """

    name: str
    tags: Tags
    objective: DRPO
    rounds: int = 3
    each: int = 32

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        fields, values = PAIRS.training_set(log, harness)
        chosen, rejected = fields["chosen"], fields["rejected"]
        label = values.get("preference", np.ones(len(chosen)))
        utility = fit_utility(chosen, rejected, label, values["weight"], harness)
        # Every pair is read from both sides: either text may be the one that is compared.
        prompts = np.r_[chosen.prompts, chosen.prompts]
        text, other = np.r_[chosen.texts, rejected.texts], np.r_[rejected.texts, chosen.texts]
        opposing = utility(prompts, other)
        columns = {
            "weight": np.tile(values["weight"], 2),
            "preferred": np.r_[label, 1.0 - label],
            "prediction": expit(utility(prompts, text) - opposing),
        }
        distinct, index = np.unique(prompts.astype(str), return_inverse=True)
        rounds = max(1, min(self.rounds, harness.budget.steps, harness.budget.samples // len(distinct)))
        each = max(1, min(self.each, harness.budget.samples // rounds // len(distinct)))
        policy, rng = harness.policy(), harness.rng("fresh texts")
        for _ in range(rounds):
            drawn = yield Sample(policy, distinct.astype(object), each)
            pool = np.asarray(drawn, dtype=object)
            worth = utility(np.repeat(distinct.astype(object), each), pool.ravel()).reshape(pool.shape)
            pick = rng.integers(each, size=len(index))
            policy = yield Train(
                policy,
                {"text": Texts(prompts, text), "generated": Texts(prompts, pool[index, pick])},
                {**columns, "generated_prediction": expit(worth[index, pick] - opposing)},
                self.objective,
                steps=max(1, harness.budget.steps // rounds),
            )
        return harness.fitted_policy(policy)


def fit_utility(
    chosen: Texts, rejected: Texts, label: np.ndarray, weight: np.ndarray, harness: Harness
) -> Any:
    """Bradley-Terry on text features: ``(prompts, texts) -> (n,)`` log-odds utilities."""
    difference = harness.encode(chosen.prompts, chosen.texts) - harness.encode(
        rejected.prompts, rejected.texts
    )
    coefficient = fit_logistic(difference, label, weight).coefficient
    return lambda prompts, texts: harness.encode(prompts, texts) @ coefficient


METHODS: tuple[Method, ...] = (
    DoublyRobustPreferences(
        "drpo",
        make_tags(
            "Logged pairs correct a preference model, which judges fresh texts of the policy.",
            "Xu et al. 2025, arXiv 2506.01183",
            kinds=ALL_KINDS,
            policy=True,
        ),
        DRPO(),
    ),
)
