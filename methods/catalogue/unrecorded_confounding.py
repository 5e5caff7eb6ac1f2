"""Reward regression where covariates do not suffice: instruments, proxies, selection, time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


def _tags(
    summary: str,
    paper: str,
    *needs: str,
    track: str = "log",
    adjusts: bool = True,
    intervals: bool = False,
) -> Tags:
    return Tags(
        needs=frozenset(needs),
        track=track,
        adjusts=adjusts,
        calibrated=True,
        intervals=intervals,
        paper=paper,
        summary=summary,
    )


METHODS: tuple[Method, ...] = (
    TwoStageRegression(
        "instrumented-texts",
        InstrumentedTexts(),
        instrumented_texts_fit,
        _tags(
            "Two-stage least squares on one text index an instrument.",
            "Angrist & Imbens 1995",
            "instrument",
            intervals=True,
        ),
    ),
    TwoStageRegression(
        "residual-instrumented",
        InstrumentedConfounder(),
        instrumented_residual_fit,
        _tags(
            "Subtract g(C) estimated by two-stage least squares, then learn the reward.",
            "DeconfoundLM, arXiv 2506.00152 (reconstruction)",
            "instrument",
            "covariate",
            intervals=True,
        ),
    ),
    Recipe(
        "proximal",
        adjust=Proximal(),
        tags=_tags(
            "Two proxies of the confounder, each instrumenting the other.",
            "Tchetgen Tchetgen et al. 2020",
            "proxy",
        ),
    ),
    Recipe(
        "proxy-as-covariate",
        adjust=Joint(roles=("covariate", "proxy")),
        tags=_tags("Noisy proxies adjusted for as if they were the confounder.", "baseline", "proxy"),
    ),
    Recipe(
        "time-regression",
        adjust=Joint(roles=("covariate", "time")),
        tags=_tags(
            "Joint regression on text, covariates and a smooth trend.", "baseline", "time", intervals=True
        ),
    ),
    Recipe(
        "slot-regression",
        adjust=Joint(roles=("covariate", "slot")),
        tags=_tags(
            "Joint regression on text, covariates and the slot shown in.", "baseline", "slot", intervals=True
        ),
    ),
    Recipe(
        "adjust-for-everything",
        adjust=Joint(roles=("covariate", "mediator", "proxy", "time", "slot")),
        tags=_tags(
            "Adjusts for every column whatever its role, mediators and colliders included.",
            "baseline (bad control)",
            "mediator",
        ),
    ),
    Recipe(
        "complete-case",
        adjust=CompleteCase(),
        tags=_tags(
            "Rows with an outcome as if nothing were missing, covariates adjusted for.",
            "baseline",
            "observed",
            adjusts=False,
        ),
    ),
    Recipe(
        "observation-weighted",
        adjust=ObservationWeights(),
        tags=_tags(
            "Rows weighted by one over the logged chance of an outcome being recorded.",
            "CausalRM, 2026 (reconstruction); Horvitz & Thompson 1952",
            "observed",
            "observation_propensity",
            track="propensity",
        ),
    ),
    Recipe(
        "observation-weighted-estimated",
        adjust=ObservationWeights(logged=False),
        tags=_tags(
            "As observation-weighted, the chance fitted on texts and covariates.",
            "CausalRM, 2026 (reconstruction)",
            "observed",
        ),
    ),
    Recipe(
        "observation-weighted-shadow",
        adjust=ShadowWeights(),
        tags=_tags(
            "Recording depends on the outcome; a shadow variable identifies how.",
            "Miao & Tchetgen Tchetgen 2016",
            "observed",
            "shadow",
        ),
    ),
)
