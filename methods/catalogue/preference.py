"""Preference learning on pairs made from a log: Bradley-Terry heads, SFT, and DPO by pairing rule."""

from __future__ import annotations

from benchmark.contract import Method, Tags
from methods.adjust.partial import Joint
from methods.objectives.pairwise import DPO, BradleyTerry
from methods.objectives.unpaired import SFT
from methods.pairing.rules import Matched, SamePrompt
from methods.recipe import Recipe

PREFERENCES = frozenset({"outcome", "pairs", "rankings"})
OUTCOME = frozenset({"outcome"})
COVARIATE = frozenset({"covariate"})
DPO_PAPER = "Rafailov et al. 2023"

METHODS: tuple[Method, ...] = (
    Recipe(
        "bradley-terry",
        pairing=SamePrompt(),
        objective=BradleyTerry(),
        model="head",
        tags=Tags(
            kinds=PREFERENCES,
            paper="Bradley & Terry 1952",
            summary="Reward head on same-prompt pairs ordered by outcome.",
        ),
    ),
    Recipe(
        "sft",
        objective=SFT(),
        tags=Tags(
            kinds=OUTCOME,
            policy=True,
            paper="supervised fine-tuning",
            summary="Likelihood of the logged texts: copies what was written, whatever came of it.",
        ),
    ),
    Recipe(
        "dpo-raw",
        pairing=SamePrompt(),
        objective=DPO(),
        tags=Tags(
            kinds=PREFERENCES,
            policy=True,
            paper=DPO_PAPER,
            summary="DPO on same-prompt pairs ordered by raw outcome.",
        ),
    ),
    Recipe(
        "dpo-matched",
        pairing=Matched(),
        objective=DPO(),
        tags=Tags(
            kinds=OUTCOME,
            needs=COVARIATE,
            adjusts=True,
            policy=True,
            paper=DPO_PAPER,
            summary="DPO on same-prompt pairs of rows with near covariates.",
        ),
    ),
    Recipe(
        "dpo-residual",
        adjust=Joint(),
        pairing=SamePrompt(),
        objective=DPO(),
        tags=Tags(
            kinds=OUTCOME,
            needs=COVARIATE,
            adjusts=True,
            policy=True,
            paper=DPO_PAPER + "; DeconfoundLM, arXiv 2506.00152 (reconstruction)",
            summary="DPO on same-prompt pairs ordered by the outcome less the covariates' joint effect.",
        ),
    ),
)
