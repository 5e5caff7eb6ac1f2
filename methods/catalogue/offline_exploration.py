"""SELM without an oracle (Zhang et al. 2024): DPO on the log's pairs, with optimism about new texts.

The degenerate offline form: labels stay the log's, so optimism points where the log says least.
``oracle`` has the method as published.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmark.contract import Fitting, Harness, Log, Method, Sample, Tags, Texts, Train
from methods.objectives.exploration import SELM
from methods.pairing.rules import SamePrompt
from methods.recipe import Recipe
from methods.rows import ALL_KINDS, make_tags, on_residuals

PAPER = "Zhang et al. 2024, arXiv 2405.19332 (offline form: reconstruction)"
NEARLY_GREEDY = 0.2


@dataclass(frozen=True)
class OfflineExploration:
    """Trains SELM's loss on a recipe's pairs and on nearly greedy texts of the reference.

    Attributes:
        recipe: Makes the pairs; its name and tags are the method's.
        objective: The loss.
        each: Own texts a prompt.
    """

    recipe: Recipe
    objective: SELM = field(default_factory=lambda: SELM(beta=0.1))
    each: int = 4

    @property
    def name(self) -> str:
        """Name on the board."""
        return self.recipe.name

    @property
    def tags(self) -> Tags:
        """What it takes and claims."""
        return self.recipe.tags

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        fields, values = self.recipe.training_set(log, harness)
        asked, place = np.unique(fields["chosen"].prompts.astype(str), return_inverse=True)
        each = max(1, min(self.each, harness.budget.samples // len(asked)))
        own = yield Sample(harness.policy(), asked.astype(object), each, temperature=NEARLY_GREEDY)
        picked = harness.rng("own texts").integers(each, size=len(place))
        fields = {**fields, "own": Texts(asked.astype(object)[place], np.asarray(own, object)[place, picked])}
        model = yield Train(harness.policy(), fields, values, self.objective)
        return harness.fitted_policy(model)


PAIRS = Recipe(
    "selm-offline",
    pairing=SamePrompt(),
    tags=make_tags(
        "DPO learns from logged pairs and lowers what the reference would write anyway.",
        PAPER,
        kinds=ALL_KINDS,
        policy=True,
    ),
)

METHODS: tuple[Method, ...] = (
    OfflineExploration(PAIRS),
    OfflineExploration(on_residuals(PAIRS, "SELM's loss orders pairs by the residual outcome.")),
)
