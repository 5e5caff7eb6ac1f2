"""Every pair loss on same-prompt pairs, and DPO by the remaining pairing rules.

Losses differ in how far they follow the pairs; only the pairing or the value they are ordered by
removes confounding.
"""

from __future__ import annotations

from benchmark.contract import Method
from methods.adjust.partial import Joint
from methods.adjust.weights import EstimatedWeights, LoggedWeights
from methods.objectives.pairwise import DPO, IPO, ORPO, Hinge, RobustDPO, SimPO, SLiC
from methods.pairing.rules import Modelled, SamePrompt
from methods.posthoc.extrapolate import ExPO
from methods.recipe import Loss, Recipe
from methods.rows import ALL_KINDS, LOGGED, make_tags, on_residuals

LOSSES: tuple[tuple[str, Loss, str, str], ...] = (
    ("ipo", IPO(), "Azar et al. 2023", "IPO's squared loss holds a policy to a bounded margin."),
    (
        "cdpo",
        DPO(label_smoothing=0.1),
        "Mitchell 2023",
        "Conservative (not causal) DPO smooths labels, which caps the margin.",
    ),
    (
        "rdpo",
        RobustDPO(),
        "Chowdhury et al. 2024",
        "Robust DPO is unbiased for labels flipped at random and amplifies systematic flips.",
    ),
    ("hinge", Hinge(), "Liu et al. 2023 (RSO)", "A hinge acts on the log-ratio margin."),
    (
        "slic",
        SLiC(),
        "Zhao et al. 2023 (SLiC-HF)",
        "SLiC adds a likelihood term to a hinge on likelihoods and needs no reference.",
    ),
    (
        "simpo",
        SimPO(),
        "Meng et al. 2024",
        "SimPO compares likelihoods a token with a target margin and needs no reference.",
    ),
    ("orpo", ORPO(), "Hong et al. 2024", "ORPO adds an odds-ratio term to the chosen text's likelihood."),
)
DPO_PAPER = "Rafailov et al. 2023"

RAW = tuple(
    Recipe(
        name,
        pairing=SamePrompt(),
        objective=loss,
        tags=make_tags(summary, paper, kinds=ALL_KINDS, policy=True),
    )
    for name, loss, paper, summary in LOSSES
)
EXPO = Recipe(
    "expo",
    pairing=SamePrompt(),
    objective=DPO(),
    posthoc=(ExPO(),),
    tags=make_tags(
        "ExPO extrapolates DPO on raw pairs and amplifies its direction.",
        "Zheng et al. 2025",
        kinds=ALL_KINDS,
        policy=True,
    ),
)

METHODS: tuple[Method, ...] = (
    *RAW,
    *(on_residuals(row, f"{row.name} orders pairs by the residual outcome.") for row in RAW),
    Recipe(
        "dpo-modelled",
        Joint(),
        Modelled(),
        DPO(),
        tags=make_tags(
            "DPO learns from pairs ordered by a covariate-adjusted reward.",
            DPO_PAPER,
            "covariate",
            policy=True,
        ),
    ),
    Recipe(
        "dpo-weighted",
        EstimatedWeights(),
        SamePrompt(weighted=True),
        DPO(),
        tags=make_tags(
            "Estimated inverse propensities weight DPO's raw pairs.", DPO_PAPER, "covariate", policy=True
        ),
    ),
    Recipe(
        "dpo-weighted-logged",
        LoggedWeights(),
        SamePrompt(weighted=True),
        DPO(),
        tags=make_tags(
            "Logged inverse propensities weight DPO's raw pairs.", DPO_PAPER, *LOGGED, policy=True
        ),
    ),
    EXPO,
    on_residuals(EXPO, "ExPO extrapolates DPO on residual pairs."),
)
