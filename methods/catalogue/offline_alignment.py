"""FA, RWR and CA (Hu et al. 2023) beyond the raw outcome: inside strata, and on residuals times 1/e.

Likelihood methods imitate which texts were written as well as what came of them. A weight takes the
covariates out of the first, a residual takes them out of the second. DPO on cross pairs
does neither, for contrast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.contract import Method
from methods.adjust.combined import Combined
from methods.adjust.partial import Joint
from methods.adjust.scored import Scored
from methods.adjust.weights import EstimatedWeights
from methods.catalogue.invariance import confounder_index
from methods.catalogue.prompted import ConditionalSFT, bins_of
from methods.catalogue.unpaired import OFFLINE, exponential, filtered
from methods.objectives.pairwise import DPO
from methods.objectives.unpaired import SFT
from methods.objectives.weights import filter_top
from methods.pairing.rules import Cross
from methods.recipe import Recipe
from methods.rows import make_tags

STRATA = 5
RESIDUAL_WEIGHTED = Combined(Joint(), EstimatedWeights())


def filtered_inside_strata(scored: Scored, rng: np.random.Generator) -> dict[str, Any]:
    """FA inside fifths of the confounders' index: the top fifth of each."""
    strata = bins_of(confounder_index(scored), STRATA)
    return {"weight": scored.weight * filter_top(scored.value, strata=strata)}


METHODS: tuple[Method, ...] = (
    Recipe(
        "filtered-sft-stratified",
        objective=SFT(),
        columns=filtered_inside_strata,
        tags=make_tags(
            "SFT imitates the best fifth inside each stratum of the covariates.",
            OFFLINE,
            "covariate",
            policy=True,
        ),
    ),
    *(
        Recipe(
            f"{name}-residual-weighted",
            RESIDUAL_WEIGHTED,
            objective=SFT(),
            columns=columns,
            tags=make_tags(summary, OFFLINE, "covariate", policy=True),
        )
        for name, columns, summary in (
            ("filtered-sft", filtered, "FA takes the best residuals, and estimated 1/e weights the rows."),
            ("rwr", exponential, "RWR takes residuals, and estimated 1/e weights the rows."),
        )
    ),
    ConditionalSFT(
        "conditional-sft-residual-weighted",
        make_tags(
            "CA takes residuals, and estimated 1/e weights the rows.", OFFLINE, "covariate", policy=True
        ),
        RESIDUAL_WEIGHTED,
    ),
    Recipe(
        "dpo-cross",
        pairing=Cross(),
        objective=DPO(),
        tags=make_tags(
            "DPO learns from pairs of any two rows; across prompts its normalisers do not cancel.",
            "Rafailov et al. 2023",
            policy=True,
        ),
    ),
)
