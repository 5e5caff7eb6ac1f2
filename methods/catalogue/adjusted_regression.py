"""Reward regression after a covariate adjustment: the standard causal set, in closed form."""

from __future__ import annotations

from benchmark.contract import Method, Tags
from methods.adjust.doubly_robust import DoublyRobust, OutcomeModel
from methods.adjust.partial import Joint, PartialOut
from methods.adjust.weights import EstimatedWeights, LoggedWeights
from methods.recipe import Recipe


def _tags(summary: str, paper: str, *needs: str, track: str = "log", intervals: bool = True) -> Tags:
    return Tags(
        needs=frozenset(needs),
        track=track,
        adjusts=True,
        intervals=intervals,
        calibrated=True,
        paper=paper,
        summary=summary,
    )


PROPENSITIES = ("propensity", "target_propensity")

METHODS: tuple[Method, ...] = (
    Recipe(
        "covariate-regression",
        adjust=Joint(),
        tags=_tags("Joint linear regression on text and covariates.", "Frisch & Waugh 1933", "covariate"),
    ),
    Recipe(
        "covariate-regression-boosted",
        adjust=PartialOut(boosted=True),
        tags=_tags(
            "Cross-fitted partial-out with a gradient-boosted outcome mean.",
            "Robinson 1988; Chernozhukov et al. 2018",
            "covariate",
        ),
    ),
    Recipe(
        "outcome-model-averaged",
        adjust=OutcomeModel(),
        tags=_tags(
            "Outcome model with text-by-covariate interactions, averaged over people.",
            "Robins 1986 (g-formula)",
            "covariate",
        ),
    ),
    Recipe(
        "ipw-logged",
        adjust=LoggedWeights(),
        tags=_tags(
            "Regression weighted by logged inverse propensities, self-normalised.",
            "Horvitz & Thompson 1952; Hajek 1971",
            *PROPENSITIES,
            track="propensity",
        ),
    ),
    Recipe(
        "ipw-logged-clipped",
        adjust=LoggedWeights(clip=5.0),
        tags=_tags(
            "Logged inverse propensity weights, cut at five times their mean.",
            "Ionides 2008",
            *PROPENSITIES,
            track="propensity",
        ),
    ),
    Recipe(
        "ipw-estimated",
        adjust=EstimatedWeights(),
        tags=_tags(
            "Regression weighted by a permutation classifier's density ratio.",
            "Arbour, Dimmery & Sondhi 2021 (permutation weighting)",
            "covariate",
        ),
    ),
    Recipe(
        "doubly-robust",
        adjust=DoublyRobust(),
        tags=_tags(
            "Cross-fitted pseudo-outcome of outcome model and estimated weights.",
            "Robins, Rotnitzky & Zhao 1994; Kennedy 2023",
            "covariate",
        ),
    ),
    Recipe(
        "doubly-robust-logged",
        adjust=DoublyRobust(logged=True),
        tags=_tags(
            "Cross-fitted outcome model, corrected with logged propensities.",
            "Robins, Rotnitzky & Zhao 1994",
            "covariate",
            *PROPENSITIES,
            track="propensity",
        ),
    ),
)
