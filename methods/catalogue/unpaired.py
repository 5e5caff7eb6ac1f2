"""Likelihood and binary methods on rows: FA, RWR, KTO, BCO, raw and on adjusted outcomes.

Hu et al. 2023 give no threshold and no temperature; the values here are a reconstruction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.contract import Method, Texts
from methods.adjust.features import covariate_columns
from methods.adjust.logistic import fit_logistic
from methods.adjust.scored import Scored
from methods.objectives.unpaired import BCO, KTO, SFT
from methods.objectives.weights import density_ratio, exponential_weights, filter_top, standardise
from methods.recipe import Loss, Recipe
from methods.rows import make_tags, on_residuals

OFFLINE = "Hu et al. 2023, arXiv 2308.12050 (reconstruction)"


def filtered(scored: Scored, rng: np.random.Generator) -> dict[str, Any]:
    """FA: weight 1 on the top fifth, 0 elsewhere."""
    return {"weight": scored.weight * filter_top(scored.value)}


def exponential(scored: Scored, rng: np.random.Generator) -> dict[str, Any]:
    """RWR: weights exponential in the standardised value."""
    return {"weight": scored.weight * exponential_weights(standardise(scored.value))}


def desirable(scored: Scored, rng: np.random.Generator) -> dict[str, Any]:
    """KTO, BCO: rows above the median are desirable; mismatched texts come from other rows."""
    log = scored.log
    mismatched = Texts(log.prompts, log.texts[rng.permutation(len(log))])
    return {"desirable": _above_median(scored), "mismatched": mismatched}


def balanced(scored: Scored, rng: np.random.Generator) -> dict[str, Any]:
    """BCO with the density ratio of covariates on undesirable rows."""
    label = _above_median(scored)
    design = np.column_stack([covariate_columns(scored.log), np.ones(len(label))])
    linear = np.clip(fit_logistic(design, label).predict(design), -6.0, 6.0)
    ratio = density_ratio(1.0 / (1.0 + np.exp(-linear)))
    return {**desirable(scored, rng), "weight": scored.weight * np.where(label == 1, 1.0, ratio)}


def _above_median(scored: Scored) -> np.ndarray:
    return (scored.value > np.median(scored.value)).astype(np.float64)


def _row(name: str, loss: Loss, columns: Any, paper: str, summary: str, *needs: str) -> Recipe:
    return Recipe(name, objective=loss, columns=columns, tags=make_tags(summary, paper, *needs, policy=True))


FILTERED = _row("filtered-sft", SFT(), filtered, OFFLINE, "SFT imitates the fifth with the best outcomes.")
WEIGHTED = _row("rwr", SFT(), exponential, OFFLINE, "The exponential outcome weights the likelihood.")
DESIRED = _row("kto", KTO(), desirable, "Ethayarajh et al. 2024", "KTO takes rows above the median for good.")

METHODS: tuple[Method, ...] = (
    FILTERED,
    on_residuals(FILTERED, "SFT imitates the fifth with the best residuals."),
    WEIGHTED,
    on_residuals(WEIGHTED, "The exponential residual weights the likelihood."),
    DESIRED,
    on_residuals(DESIRED, "KTO takes rows with residuals above the median for good."),
    _row("bco", BCO(), desirable, "Jung et al. 2024", "BCO classifies rows as above or below the median."),
    _row(
        "bco-balanced",
        BCO(),
        balanced,
        "Jung et al. 2024",
        "BCO weights rows by a density ratio that sees the covariates.",
        "covariate",
    ),
)
