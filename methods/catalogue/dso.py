"""Policy learning over reusable texts (arms): IPS, SNIPS, and DSO's kernel smoothing beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract import Fitted, Harness, Log, Method, Tags
from methods.adjust.arms import (
    Arms,
    KernelValues,
    Valuation,
    fit_arm_policy,
    inverse_propensity_values,
    self_normalised_values,
)
from methods.adjust.features import base_columns
from methods.adjust.ridge import project
from methods.adjust.scored import score_at_face_value
from methods.linear import LinearReward
from methods.recipe import standardise
from methods.rows import make_tags


@dataclass(frozen=True)
class ArmPolicy:
    """A softmax policy over the logged arms, linear in text features; its reward is the logit.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        values: Estimates the arms' values.
        price: Price of a nat of divergence from the uniform policy, in outcome standard deviations.
    """

    name: str
    tags: Tags
    values: Valuation
    price: float = 3.0

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Learn from a log."""
        scored = score_at_face_value(log, harness)
        # A constant a prompt changes no policy's rank and costs inverse propensities dearly.
        level, _ = project(base_columns(scored.log), scored.value)
        scored = replace(scored, value=standardise(scored.value - level))
        arms = Arms.of(scored.log)
        known = self.values(scored, arms)
        theta = fit_arm_policy(scored.texts[arms.row], arms.prompt, known, self.price)
        return LinearReward(scored.features, theta, 0.0, {"arms": float(len(np.unique(arms.row)))})


METHODS: tuple[Method, ...] = (
    ArmPolicy(
        "ips-arms",
        make_tags(
            "Inverse propensity scores value the arms of a softmax policy.",
            "Horvitz & Thompson 1952; Swaminathan & Joachims 2015",
            "arm",
            "propensity",
        ),
        inverse_propensity_values,
    ),
    ArmPolicy(
        "snips-arms",
        make_tags(
            "Self-normalised inverse propensity scores value the arms of a softmax policy.",
            "Swaminathan & Joachims 2015 (SNIPS)",
            "arm",
            "propensity",
        ),
        self_normalised_values,
    ),
    ArmPolicy(
        "dso-arms",
        make_tags(
            "Outcomes of similar texts over their smoothed density value the arms of a softmax policy.",
            "Kiyohara et al. 2025 (DSO, arXiv 2504.02646); reconstruction",
            "arm",
            "slot",
        ),
        KernelValues(),
    ),
)
