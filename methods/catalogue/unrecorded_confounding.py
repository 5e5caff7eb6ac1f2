"""Reward regression where covariates do not suffice: instruments, proxies, selection, time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import Fitted, Harness, Log, Method, Tags
from methods.adjust.instrument import (
    InstrumentedConfounder,
    InstrumentedTexts,
    instrumented_residual_fit,
    instrumented_texts_fit,
)
from methods.adjust.partial import Joint
from methods.adjust.proximal import Proximal
from methods.adjust.scored import Adjust, Scored
from methods.adjust.selection import CompleteCase, ObservationWeights, ShadowWeights
from methods.linear import IntervalReward, LinearReward, regress
from methods.recipe import Recipe
from methods.rows import make_tags


@dataclass(frozen=True)
class TwoStageRegression:
    """A reward by two-stage least squares, with intervals from its robust covariance.

    Attributes:
        name: Name on the board.
        adjust: The two stages.
        unpenalised: Coefficients without a penalty and their covariance, from what the stages left.
        tags: What it takes and claims.
    """

    name: str
    adjust: Adjust
    unpenalised: Callable[[Scored], tuple[np.ndarray, np.ndarray]]
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Learn from a log."""
        scored = self.adjust(log, harness)
        linear = regress(scored)
        assert isinstance(linear, LinearReward)
        return IntervalReward(linear, *self.unpenalised(scored))


def _row(name: str, adjust: Adjust, paper: str, summary: str, *needs: str, **claims: Any) -> Recipe:
    return Recipe(name, adjust, tags=make_tags(summary, paper, *needs, calibrated=True, **claims))


METHODS: tuple[Method, ...] = (
    TwoStageRegression(
        "instrumented-texts",
        InstrumentedTexts(),
        instrumented_texts_fit,
        make_tags(
            "Two-stage least squares takes one text index an instrument.",
            "Angrist & Imbens 1995",
            "instrument",
            calibrated=True,
            intervals=True,
        ),
    ),
    TwoStageRegression(
        "residual-instrumented",
        InstrumentedConfounder(),
        instrumented_residual_fit,
        make_tags(
            "Two-stage least squares estimates g(C), which is subtracted before the reward is learnt.",
            "DeconfoundLM, arXiv 2506.00152 (reconstruction)",
            "instrument",
            "covariate",
            calibrated=True,
            intervals=True,
        ),
    ),
    _row(
        "proximal",
        Proximal(),
        "Tchetgen Tchetgen et al. 2020",
        "Of two proxies of the confounder, each instruments the other.",
        "proxy",
    ),
    _row(
        "proxy-as-covariate",
        Joint(roles=("covariate", "proxy")),
        "baseline",
        "Noisy proxies are adjusted for as if they were the confounder.",
        "proxy",
    ),
    _row(
        "time-regression",
        Joint(roles=("covariate", "time")),
        "baseline",
        "One regression explains the outcome by text, covariates and a smooth trend.",
        "time",
        intervals=True,
    ),
    _row(
        "slot-regression",
        Joint(roles=("covariate", "slot")),
        "baseline",
        "One regression explains the outcome by text, covariates and the slot that the text was shown in.",
        "slot",
        intervals=True,
    ),
    _row(
        "adjust-for-everything",
        Joint(roles=("covariate", "mediator", "proxy", "time", "slot")),
        "baseline (bad control)",
        "It adjusts for every column whatever its role, mediators and colliders included.",
        "mediator",
    ),
    _row(
        "complete-case",
        CompleteCase(),
        "baseline",
        "It adjusts rows with an outcome for covariates as if no outcome were missing.",
        "observed",
        adjusts=False,
    ),
    _row(
        "observation-weighted",
        ObservationWeights(),
        "CausalRM, 2026 (reconstruction); Horvitz & Thompson 1952",
        "One over the logged chance of an outcome being recorded weights the rows.",
        "observed",
        "observation_propensity",
    ),
    _row(
        "observation-weighted-estimated",
        ObservationWeights(logged=False),
        "CausalRM, 2026 (reconstruction)",
        "One over the chance of an outcome being recorded, fitted on texts and covariates, weights the rows.",
        "observed",
    ),
    _row(
        "observation-weighted-shadow",
        ShadowWeights(),
        "Miao & Tchetgen Tchetgen 2016",
        "A shadow variable identifies how recording depends on the outcome, and its chance weights the rows.",
        "observed",
        "shadow",
    ),
)
