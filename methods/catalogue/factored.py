"""Factored CausalRM (Yang et al. 2026): a reward that reads one part of a split representation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmark.contract import Fitting, Harness, Log, Method, Tags, Texts, Train
from methods.adjust.partial import Raw
from methods.objectives.factored import SKETCH, Factored
from methods.pairing.rules import SamePrompt
from methods.recipe import Recipe
from methods.rows import ALL_KINDS, make_tags

CAUSAL, OTHER, SKETCH_SIZE = 12, 36, 16


@dataclass(frozen=True, eq=False)
class FactoredReward:
    """The reward of a trained factored head.

    Attributes:
        model: The head.
        objective: Knows which units are causal.
    """

    model: Any
    objective: Factored

    @torch.no_grad()
    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Rewards from the causal units alone, shape (n,)."""
        head = self.model.architecture
        inputs = {name: tensor[None] for name, tensor in head.prepare(prompts, texts).items()}
        representation = head.forward(self.model.weights, inputs).representation
        rewards = self.objective.reward(representation, self.model.parameters["heads"])
        return rewards[0].double().cpu().numpy()


@dataclass(frozen=True)
class FactoredPreferences:
    """Trains a factored head on pairs.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        objective: The loss.
    """

    name: str
    tags: Tags
    objective: Factored

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        pairs = Recipe("pairs", Raw(), SamePrompt(), self.objective, model="head")
        fields, values = pairs.training_set(log, harness)
        width = harness.encode(fields["chosen"].prompts[:1], fields["chosen"].texts[:1]).shape[1]
        lens = harness.rng("sketch").standard_normal((width, SKETCH_SIZE)) / np.sqrt(width)

        def sketch(side: Texts) -> np.ndarray:
            return harness.encode(side.prompts, side.texts) @ lens

        columns = {f"{name}_sketch": sketch(side) for name, side in fields.items()}
        start = harness.reward_head(CAUSAL + OTHER, outputs=SKETCH + SKETCH_SIZE)
        model = yield Train(start, fields, {**values, **columns}, self.objective)
        return FactoredReward(model, self.objective)


METHODS: tuple[Method, ...] = (
    FactoredPreferences(
        "factored-reward",
        make_tags(
            "Bradley-Terry reads one part of the representation; the other part is kept from the reward.",
            "Yang et al. 2026, arXiv 2601.21350 (reconstruction)",
            kinds=ALL_KINDS,
        ),
        Factored(CAUSAL),
    ),
)
