"""Rewards made invariant to a variable: ODIN, MMD regularisation, and RRM's augmentation.

Harmless where the variable is tied to decoys alone; where it is tied to causal text too, invariance
throws the cause out with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import Fitting, Harness, Log, Method, Tags, Texts, Train
from methods.adjust.features import covariate_columns
from methods.adjust.partial import Raw
from methods.adjust.ridge import project
from methods.adjust.scored import Scored
from methods.objectives.pairwise import BradleyTerry
from methods.objectives.penalties import ODIN, MaximumMeanDiscrepancy
from methods.objectives.unpaired import OutcomeRegression
from methods.pairing.rules import Pairs, SamePrompt
from methods.recipe import Recipe
from methods.rows import ALL_KINDS, make_tags

COVARIATE = frozenset({"covariate"})
BINS = 5


def confounder_index(scored: Scored) -> np.ndarray:
    """One number for all covariates: the outcome they predict, standardised; shape (n,)."""
    columns = np.column_stack([np.ones(len(scored.log)), covariate_columns(scored.log)])
    index, _ = project(columns, scored.log.outcomes)
    scale = index.std()
    return (index - index.mean()) / (scale if scale > 1e-12 else 1.0)


def of_pairs(scored: Scored, pairs: Pairs) -> dict[str, Any]:
    """The confounder's index at either text of a pair."""
    index = confounder_index(scored)
    return {"spurious_chosen": index[pairs.chosen], "spurious_rejected": index[pairs.rejected]}


def in_bins(scored: Scored, rng: np.random.Generator) -> dict[str, Any]:
    """The quantile bin of the confounder's index."""
    index = confounder_index(scored)
    edges = np.quantile(index, np.linspace(0, 1, BINS + 1)[1:-1])
    return {"spurious": np.searchsorted(edges, index).astype(np.float64)}


@dataclass(frozen=True)
class Augmented:
    """Robust reward model (RRM): texts of other prompts join as losers and as ties.

    A text always beats one written for another prompt, and two such texts tie, so what is
    said without regard to the prompt earns nothing. Source: Liu et al. 2025 (arXiv 2409.13156);
    reconstruction.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
    """

    name: str
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        plain = Recipe("bradley-terry", Raw(), SamePrompt(), BradleyTerry(), model="head")
        fields, values = plain.training_set(log, harness)
        chosen, rejected = fields["chosen"], fields["rejected"]
        rng = harness.rng("off prompt")
        off = [self._off_prompt(chosen, rng) for _ in range(2)]
        prompts = np.concatenate([chosen.prompts] * 3)
        first = np.concatenate([chosen.texts, chosen.texts, off[0]])
        second = np.concatenate([rejected.texts, off[0], off[1]])
        sure = np.ones(len(chosen))
        preference = np.concatenate([values.get("preference", sure), sure, np.full(len(chosen), 0.5)])
        model = yield Train(
            harness.reward_head(),
            {"chosen": Texts(prompts, first), "rejected": Texts(prompts, second)},
            {"preference": preference},
            BradleyTerry(),
        )
        return harness.fitted_head(model)

    @staticmethod
    def _off_prompt(texts: Texts, rng: np.random.Generator) -> np.ndarray:
        """A text written for another prompt, for each row (any text where there is one prompt)."""
        picked = rng.integers(len(texts), size=len(texts))
        for _ in range(8):
            same = texts.prompts[picked] == texts.prompts
            picked = np.where(same, rng.integers(len(texts), size=len(texts)), picked)
        return texts.texts[picked]


METHODS: tuple[Method, ...] = (
    Recipe(
        "odin",
        pairing=SamePrompt(),
        objective=ODIN(),
        model="head",
        pair_columns=of_pairs,
        head=(("outputs", 2),),
        tags=make_tags(
            "Of two reward heads, the one that is used is decorrelated from the covariates.",
            "Chen et al. 2024 (ODIN), covariates in place of length",
            "covariate",
        ),
    ),
    Recipe(
        "mmd-invariant",
        objective=OutcomeRegression(),
        penalties=(MaximumMeanDiscrepancy(BINS, strength=0.05),),
        model="head",
        columns=in_bins,
        tags=make_tags(
            "An outcome regression's rewards must be distributed alike in every bin of the covariates.",
            "Wang et al. 2025, arXiv 2501.09620",
            "covariate",
        ),
    ),
    Augmented(
        "rrm",
        make_tags(
            "Texts of other prompts join Bradley-Terry's pairs as losers and ties.",
            "Liu et al. 2025, arXiv 2409.13156 (reconstruction)",
            kinds=ALL_KINDS,
        ),
    ),
)
