"""Likelihood and binary methods on rows: FA, RWR, KTO, BCO, raw and on adjusted outcomes.

Hu et al. 2023 give no threshold and no temperature; the values here are a reconstruction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.contract import Method, Tags, Texts
from methods.adjust.features import covariate_columns
from methods.adjust.logistic import fit_logistic
from methods.adjust.partial import Joint, Raw
from methods.adjust.scored import Adjust, Scored
from methods.objectives.unpaired import BCO, KTO, SFT
from methods.objectives.weights import density_ratio, exponential_weights, filter_top, standardise
from methods.recipe import Loss, Recipe

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


def _recipe(
    name: str,
    loss: Loss,
    columns: Any,
    paper: str,
    summary: str,
    adjust: Adjust | None = None,
    needs: tuple[str, ...] = (),
) -> Recipe:
    tags = Tags(needs=frozenset(needs), adjusts=bool(needs), policy=True, paper=paper, summary=summary)
    return Recipe(name, adjust or Raw(), objective=loss, columns=columns, tags=tags)


COVARIATE = ("covariate",)

METHODS: tuple[Method, ...] = (
    _recipe("filtered-sft", SFT(), filtered, OFFLINE, "Likelihood of the fifth with the best outcomes."),
    _recipe(
        "filtered-sft-residual",
        SFT(),
        filtered,
        OFFLINE,
        "Likelihood of the fifth with the best residuals.",
        Joint(),
        COVARIATE,
    ),
    _recipe("rwr", SFT(), exponential, OFFLINE, "Likelihood weighted by the exponential outcome."),
    _recipe(
        "rwr-residual",
        SFT(),
        exponential,
        OFFLINE,
        "Likelihood weighted by the exponential residual.",
        Joint(),
        COVARIATE,
    ),
    _recipe("kto", KTO(), desirable, "Ethayarajh et al. 2024", "Rows above the median are desirable."),
    _recipe(
        "kto-residual",
        KTO(),
        desirable,
        "Ethayarajh et al. 2024",
        "Residuals above the median are desirable.",
        Joint(),
        COVARIATE,
    ),
    _recipe("bco", BCO(), desirable, "Jung et al. 2024", "Binary classifier on rows above the median."),
    _recipe(
        "bco-balanced",
        BCO(),
        balanced,
        "Jung et al. 2024",
        "BCO whose density ratio sees the covariates.",
        None,
        COVARIATE,
    ),
)
