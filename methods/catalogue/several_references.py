"""MRPO (Le et al. 2025): DPO against a virtual reference made of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Fitting, Harness, Log, Method, Score, Tags, Train
from methods.adjust.partial import Raw
from methods.objectives.pairwise import DPO
from methods.objectives.references import MRPO, clip_references, separation_weights
from methods.objectives.unpaired import SFT
from methods.pairing.rules import SamePrompt
from methods.recipe import Recipe
from methods.rows import ALL_KINDS, make_tags


@dataclass(frozen=True)
class TwoReferences:
    """The pretrained reference and one fine-tuned on the chosen texts, which is the second.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        epsilon: Of the clipping (CTRO).
        beta: As in DPO.
    """

    name: str
    tags: Tags
    epsilon: float = 0.1
    beta: float = 0.1

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        maker = Recipe("pairs", Raw(), SamePrompt(), DPO())
        fields, values = maker.training_set(log, harness)
        second = yield Train(harness.policy(), {"text": fields["chosen"]}, {}, SFT())
        sides = [(fields[name].prompts, fields[name].texts) for name in ("chosen", "rejected")]
        scores = yield [Score(model, *side) for side in sides for model in (harness.policy(), second)]
        chosen, rejected = np.column_stack(scores[:2]), np.column_stack(scores[2:])
        chosen, rejected = clip_references(chosen, rejected, self.epsilon)
        # A reference that separates nothing has weight zero, whose logarithm the loss cannot take.
        weights = np.clip(separation_weights(chosen, rejected), 1e-6, None)
        columns = {
            **values,
            "chosen_references": chosen,
            "rejected_references": rejected,
            "reference_weights": weights / weights.sum(axis=1, keepdims=True),
        }
        policy = yield Train(harness.policy(), fields, columns, MRPO(self.beta))
        return harness.fitted_policy(policy)


METHODS: tuple[Method, ...] = (
    TwoReferences(
        "mrpo",
        make_tags(
            "DPO learns against the clipped, adaptively weighted mean of two references.",
            "Le et al. 2025, arXiv 2405.16388",
            kinds=ALL_KINDS,
            policy=True,
        ),
    ),
)
