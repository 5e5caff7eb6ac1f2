"""Preference learning on pairs made from a log: Bradley-Terry heads, SFT, and DPO by pairing rule."""

from __future__ import annotations

from dataclasses import replace

from benchmark.contract import Method
from methods.objectives.pairwise import DPO, BradleyTerry
from methods.objectives.unpaired import SFT
from methods.pairing.rules import Matched, SamePrompt
from methods.recipe import Recipe
from methods.rows import ALL_KINDS, make_tags, on_residuals

DPO_PAPER = "Rafailov et al. 2023"
RAW = Recipe(
    "dpo-raw",
    pairing=SamePrompt(),
    objective=DPO(),
    tags=make_tags(
        "DPO learns from same-prompt pairs ordered by the raw outcome.",
        DPO_PAPER,
        kinds=ALL_KINDS,
        policy=True,
    ),
)

# A reference, no entrant: a plan fits it on labels that the truth gives.
TRUE_LABELS = replace(
    RAW,
    name="dpo-true-labels",
    tags=replace(
        RAW.tags,
        canary=True,
        summary="DPO learns from pairs in true order and loses what a budget costs.",
    ),
)

METHODS: tuple[Method, ...] = (
    Recipe(
        "bradley-terry",
        pairing=SamePrompt(),
        objective=BradleyTerry(),
        model="head",
        tags=make_tags(
            "A reward head learns from same-prompt pairs ordered by outcome.",
            "Bradley & Terry 1952",
            kinds=ALL_KINDS,
        ),
    ),
    Recipe(
        "sft",
        objective=SFT(),
        tags=make_tags(
            "SFT imitates the logged texts, whatever came of them.", "supervised fine-tuning", policy=True
        ),
    ),
    RAW,
    Recipe(
        "dpo-matched",
        pairing=Matched(),
        objective=DPO(),
        tags=make_tags(
            "DPO learns from same-prompt pairs of rows with near covariates.",
            DPO_PAPER,
            "covariate",
            policy=True,
        ),
    ),
    on_residuals(
        replace(RAW, name="dpo"),
        "DPO learns from same-prompt pairs ordered by the outcome less the covariates' joint effect.",
        DPO_PAPER + "; DeconfoundLM, arXiv 2506.00152 (reconstruction)",
    ),
)
