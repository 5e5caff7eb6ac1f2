"""Reward regression after a covariate adjustment: the standard causal set, in closed form."""

from __future__ import annotations

from benchmark.contract import Method
from methods.adjust.doubly_robust import Corrected, DoublyRobust
from methods.adjust.lasso import DoubleSelection, LassoPartialOut
from methods.adjust.outcome_model import OutcomeModel
from methods.adjust.partial import Joint, PartialOut
from methods.adjust.scored import Adjust
from methods.adjust.weights import EstimatedWeights, LoggedWeights
from methods.recipe import Recipe
from methods.rows import LOGGED, make_tags


def _row(name: str, adjust: Adjust, paper: str, summary: str, *needs: str) -> Recipe:
    return Recipe(name, adjust, tags=make_tags(summary, paper, *needs, intervals=True, calibrated=True))


METHODS: tuple[Method, ...] = (
    _row(
        "covariate-regression",
        Joint(),
        "Frisch & Waugh 1933",
        "One linear regression explains the outcome by text and covariates.",
        "covariate",
    ),
    _row(
        "covariate-regression-boosted",
        PartialOut(boosted=True),
        "Robinson 1988; Chernozhukov et al. 2018",
        "Boosted trees partial covariates out of outcome and text, cross-fitted.",
        "covariate",
    ),
    _row(
        "outcome-model-averaged",
        OutcomeModel(),
        "Robins 1986 (g-formula)",
        "An outcome model with text-by-covariate interactions is averaged over people.",
        "covariate",
    ),
    _row(
        "ipw-logged",
        LoggedWeights(),
        "Horvitz & Thompson 1952; Hajek 1971",
        "Logged inverse propensities, self-normalised, weight a regression.",
        *LOGGED,
    ),
    _row(
        "ipw-logged-clipped",
        LoggedWeights(clip=5.0),
        "Ionides 2008",
        "Logged inverse propensities, cut at five times their mean, weight a regression.",
        *LOGGED,
    ),
    _row(
        "ipw-estimated",
        EstimatedWeights(),
        "Arbour, Dimmery & Sondhi 2021 (permutation weighting)",
        "The density ratio of a permutation classifier weights a regression.",
        "covariate",
    ),
    _row(
        "doubly-robust",
        DoublyRobust(),
        "Robins, Rotnitzky & Zhao 1994; Kennedy 2023",
        "Estimated weights correct a cross-fitted outcome model.",
        "covariate",
    ),
    _row(
        "doubly-robust-logged",
        DoublyRobust(logged=True),
        "Robins, Rotnitzky & Zhao 1994",
        "Logged propensities correct a cross-fitted outcome model.",
        "covariate",
        *LOGGED,
    ),
    _row(
        "doubly-robust-corrected",
        Corrected(),
        "Kennedy 2023; Su, Dimakopoulou, Krishnamurthy & Dudik 2020",
        "Estimated weights, cut by estimated error, correct an outcome model; nothing shrinks the result "
        "towards it.",
        "covariate",
    ),
    _row(
        "doubly-robust-corrected-logged",
        Corrected(logged=True),
        "Kennedy 2023; Su, Dimakopoulou, Krishnamurthy & Dudik 2020",
        "Logged propensities, cut by estimated error, correct an outcome model; nothing shrinks the result "
        "towards it.",
        "covariate",
        *LOGGED,
    ),
    _row(
        "doubly-robust-linear",
        Corrected(flexible=False),
        "Robins, Rotnitzky & Zhao 1994; Kang & Schafer 2007",
        "Estimated weights, cut by estimated error, correct a model that is linear in text and covariates.",
        "covariate",
    ),
    _row(
        "double-lasso",
        DoubleSelection(),
        "Belloni, Chernozhukov & Hansen 2014",
        "A regression adjusts for the covariates that a lasso of the outcome or of the texts selects.",
        "covariate",
    ),
    _row(
        "lasso-partial-out",
        LassoPartialOut(),
        "Chernozhukov et al. 2018; Belloni, Chernozhukov & Hansen 2014",
        "Lassos partial covariates out of outcome and text, cross-fitted.",
        "covariate",
    ),
)
