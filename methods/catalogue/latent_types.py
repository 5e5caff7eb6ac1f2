"""EM-DPO with MMRA (Chidambaram et al. 2024): annotator types and a minimax mixture of their policies.

The method is about heterogeneity: it tells whose tastes differ and removes no confounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_expit

from benchmark.contract import Fitting, Harness, Log, Method, Sample, Score, Tags, Train
from methods.objectives.mixtures import minimax_mixture, regret_matrix, sum_by_unit, update_responsibilities
from methods.objectives.pairwise import DPO
from methods.posthoc.mixture import PolicyMixture
from methods.recipe import Recipe, take_texts
from methods.rows import make_tags


@dataclass(frozen=True)
class LatentTypes:
    """EM over annotator types; each M-step restarts every type's policy from the reference.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        types: Latent types K.
        rounds: EM rounds.
        beta: As in DPO.
        minimax: Mix the policies for the least worst-type regret; otherwise by the types' shares.
        most_pairs: Pairs kept, by whole units, as a multiple of the budget's rows.
    """

    name: str
    tags: Tags
    types: int = 2
    rounds: int = 3
    beta: float = 0.1
    minimax: bool = True
    most_pairs: int = 2

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        fields, unit, n_units = self._pairs(log, harness)
        chosen, rejected = fields["chosen"], fields["rejected"]
        rng = harness.rng("types")
        # Equal responsibilities are a saddle point, hence the skewed start.
        gamma = rng.dirichlet([10.0, *[5.0] * (self.types - 1)], size=n_units).T
        gamma = rng.permuted(gamma, axis=0)
        shares = gamma.mean(axis=1)
        sides = [(t.prompts, t.texts) for t in (chosen, rejected)]
        base = yield [Score(harness.policy(), *side) for side in sides]
        policies: list[Any] = []
        for _ in range(self.rounds):
            weights = [gamma[k][unit] for k in range(self.types)]
            policies = yield [
                Train(harness.policy(), fields, {"weight": w / max(w.mean(), 1e-12)}, DPO(self.beta))
                for w in weights
            ]
            scores = yield [Score(policy, *side) for policy in policies for side in sides]
            margins = [(scores[2 * k] - base[0]) - (scores[2 * k + 1] - base[1]) for k in range(self.types)]
            likelihood = sum_by_unit(log_expit(self.beta * np.stack(margins)), unit, n_units)
            gamma, shares = update_responsibilities(likelihood, shares)
        mixture = shares
        if self.minimax:
            mixture = yield from self._minimax(policies, chosen.prompts, harness)
        members = tuple(harness.fitted_policy(policy) for policy in policies)
        return PolicyMixture(members, mixture, harness.rng("members"))

    def _pairs(self, log: Log, harness: Harness) -> tuple[dict[str, Any], np.ndarray, int]:
        fields, _ = Recipe("pairs").training_set(log, harness)
        each = len(fields["chosen"]) // len(log)
        unit = np.tile(np.unique(log.numbers("unit"), return_inverse=True)[1], each)
        most = self.most_pairs * harness.budget.steps * harness.budget.batch_size
        kept_units = max(2, int(most / len(unit) * (unit.max() + 1)))
        rows = np.flatnonzero(unit < kept_units)
        fields = {name: take_texts(texts, rows) for name, texts in fields.items()}
        return fields, unit[rows], int(unit[rows].max()) + 1

    def _minimax(self, policies: list[Any], prompts: np.ndarray, harness: Harness) -> Any:
        asked = np.unique(prompts.astype(str)).astype(object)
        each = max(1, min(32, harness.budget.samples // (len(asked) * self.types)))
        texts = yield [Sample(policy, asked, each) for policy in policies]
        flat = [np.asarray(drawn, dtype=object).ravel() for drawn in texts]
        repeated = np.repeat(asked, each)
        base = yield [Score(harness.policy(), repeated, drawn) for drawn in flat]
        own = yield [Score(policy, repeated, drawn) for policy in policies for drawn in flat]
        ratios = np.array(
            [
                [np.mean(own[i * self.types + j] - base[j]) for j in range(self.types)]
                for i in range(self.types)
            ]
        )
        return minimax_mixture(regret_matrix(ratios))


def _row(name: str, paper: str, summary: str, minimax: bool) -> LatentTypes:
    tags = make_tags(summary, paper, "unit", kinds=("pairs", "rankings"), adjusts=False, policy=True)
    return LatentTypes(name, tags, minimax=minimax)


PAPER = "Chidambaram et al. 2024, arXiv 2405.15065"
METHODS: tuple[Method, ...] = (
    _row("em-dpo", PAPER, "EM finds two annotator types, whose policies are mixed by their shares.", False),
    _row(
        "em-dpo-mmra",
        PAPER + " (MMRA)",
        "EM finds two annotator types, whose policies are mixed for the least worst-type regret.",
        True,
    ),
)
