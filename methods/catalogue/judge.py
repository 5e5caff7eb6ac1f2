"""Outcomes from an automatic judge: taken raw, debiased for style, calibrated on people."""

from __future__ import annotations

from benchmark.contract import Method
from methods.adjust.judge import CalibratedJudge, RawJudge
from methods.recipe import Recipe
from methods.rows import make_tags

METHODS: tuple[Method, ...] = (
    Recipe(
        "judge-raw",
        RawJudge(),
        tags=make_tags(
            "The judge's score is taken for the outcome.", "baseline", "judge", adjusts=False, calibrated=True
        ),
    ),
    Recipe(
        "judge-debiased",
        RawJudge(debiased=True),
        tags=make_tags(
            "Logged style attributes are partialled out of the judge's score.",
            "Dubois et al. 2024 (length-controlled AlpacaEval), any style",
            "judge",
            "attribute",
            calibrated=True,
        ),
    ),
    Recipe(
        "judge-calibrated",
        CalibratedJudge(),
        tags=make_tags(
            "Rows that people scored correct the judge's reward.",
            "Angelopoulos et al. 2023; CJE, arXiv 2512.11150 (reconstruction)",
            "judge",
            "observed",
            calibrated=True,
        ),
    ),
)
