"""FA, RWR and CA (Hu et al. 2023) beyond the raw outcome: inside strata, and on residuals times 1/e.

Likelihood methods imitate which texts were written as well as what came of them: the residual
mends the second, the weight the first. DPO on cross pairs, which mends neither, is the contrast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.contract import Method, Tags
from methods.adjust.combined import Combined
from methods.adjust.partial import Joint
from methods.adjust.scored import Scored
from methods.adjust.weights import EstimatedWeights
from methods.catalogue.invariance import confounder_index
from methods.catalogue.prompted import Conditioned, bins_of
from methods.catalogue.unpaired import OFFLINE, exponential, filtered
from methods.objectives.pairwise import DPO
from methods.objectives.unpaired import SFT
from methods.objectives.weights import filter_top
from methods.pairing.rules import Cross
from methods.recipe import Recipe

STRATA = 5
RESIDUAL_WEIGHTED = Combined(Joint(), EstimatedWeights())


def filtered_inside_strata(scored: Scored, rng: np.random.Generator) -> dict[str, Any]:
    """FA inside fifths of the confounders' index: the top fifth of each."""
    strata = bins_of(confounder_index(scored), STRATA)
    return {"weight": scored.weight * filter_top(scored.value, strata=strata)}


def _tags(summary: str, paper: str = OFFLINE, *needs: str) -> Tags:
    return Tags(needs=frozenset(needs), adjusts=bool(needs), policy=True, paper=paper, summary=summary)


METHODS: tuple[Method, ...] = (
    Recipe(
        "filtered-sft-stratified",
        objective=SFT(),
        columns=filtered_inside_strata,
        tags=_tags("Likelihood of the best fifth inside strata of the covariates.", OFFLINE, "covariate"),
    ),
    Recipe(
        "filtered-sft-residual-weighted",
        adjust=RESIDUAL_WEIGHTED,
        objective=SFT(),
        columns=filtered,
        tags=_tags("FA on residuals, rows weighted by estimated 1/e.", OFFLINE, "covariate"),
    ),
    Recipe(
        "rwr-residual-weighted",
        adjust=RESIDUAL_WEIGHTED,
        objective=SFT(),
        columns=exponential,
        tags=_tags("RWR on residuals, rows weighted by estimated 1/e.", OFFLINE, "covariate"),
    ),
    Conditioned(
        "conditional-sft-residual-weighted",
        _tags("CA on residuals, rows weighted by estimated 1/e.", OFFLINE, "covariate"),
        RESIDUAL_WEIGHTED,
    ),
    Recipe(
        "dpo-cross",
        pairing=Cross(),
        objective=DPO(),
        tags=_tags(
            "DPO on pairs of any two rows; across prompts its normalisers do not cancel.",
            "Rafailov et al. 2023",
        ),
    ),
)
