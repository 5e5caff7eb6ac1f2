"""Outcomes from an automatic judge: taken raw, debiased for style, calibrated on people."""

from __future__ import annotations

from benchmark.contract import Method, Tags
from methods.adjust.judge import CalibratedJudge, RawJudge
from methods.recipe import Recipe


def _tags(summary: str, paper: str, *needs: str, adjusts: bool) -> Tags:
    return Tags(needs=frozenset(needs), adjusts=adjusts, calibrated=True, paper=paper, summary=summary)


METHODS: tuple[Method, ...] = (
    Recipe(
        "judge-raw",
        adjust=RawJudge(),
        tags=_tags("The judge's score taken for the outcome.", "baseline", "judge", adjusts=False),
    ),
    Recipe(
        "judge-debiased",
        adjust=RawJudge(debiased=True),
        tags=_tags(
            "The judge's score with logged style attributes partialled out.",
            "Dubois et al. 2024 (length-controlled AlpacaEval), any style",
            "judge",
            "attribute",
            adjusts=True,
        ),
    ),
    Recipe(
        "judge-calibrated",
        adjust=CalibratedJudge(),
        tags=_tags(
            "The judge's reward corrected on the rows that people scored.",
            "Angelopoulos et al. 2023; CJE, arXiv 2512.11150 (reconstruction)",
            "judge",
            "observed",
            adjusts=True,
        ),
    ),
)
