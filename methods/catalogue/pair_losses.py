"""Every pair loss on same-prompt pairs, and DPO by the remaining pairing rules.

Losses differ in how far they follow the pairs; only the pairing or the value they are ordered by
removes confounding.
"""

from __future__ import annotations

from benchmark.contract import Method, Tags
from methods.adjust.partial import Joint
from methods.adjust.weights import EstimatedWeights, LoggedWeights
from methods.objectives.pairwise import DPO, IPO, ORPO, Hinge, RobustDPO, SimPO, SLiC
from methods.pairing.rules import Modelled, SamePrompt
from methods.posthoc.extrapolate import ExPO
from methods.recipe import Loss, Recipe

PREFERENCES = frozenset({"outcome", "pairs", "rankings"})
LOSSES: tuple[tuple[str, Loss, str, str], ...] = (
    ("ipo", IPO(), "Azar et al. 2023", "Squared loss on a bounded margin: damps what pairs say."),
    (
        "cdpo",
        DPO(label_smoothing=0.1),
        "Mitchell 2023",
        "Conservative (not Causal) DPO: smoothed labels, capped margin.",
    ),
    ("rdpo", RobustDPO(), "Chowdhury et al. 2024", "Unbiased for random flips; amplifies systematic ones."),
    ("hinge", Hinge(), "Liu et al. 2023 (RSO)", "Hinge on the log-ratio margin."),
    (
        "slic",
        SLiC(),
        "Zhao et al. 2023 (SLiC-HF)",
        "Hinge on likelihoods plus a likelihood term, no reference.",
    ),
    ("simpo", SimPO(), "Meng et al. 2024", "Per-token likelihoods with a target margin, no reference."),
    ("orpo", ORPO(), "Hong et al. 2024", "Likelihood of the chosen text plus an odds-ratio term."),
)


def _tags(summary: str, paper: str, *needs: str, **more: object) -> Tags:
    kinds = frozenset({"outcome"}) if needs else PREFERENCES
    settings: dict = {"adjusts": bool(needs), "policy": True, **more}
    return Tags(kinds=kinds, needs=frozenset(needs), paper=paper, summary=summary, **settings)


RAW = tuple(
    Recipe(name, pairing=SamePrompt(), objective=loss, tags=_tags(summary, paper))
    for name, loss, paper, summary in LOSSES
)
RESIDUAL = tuple(
    Recipe(
        f"{name}-residual",
        adjust=Joint(),
        pairing=SamePrompt(),
        objective=loss,
        tags=_tags(f"{name} on pairs ordered by the residual outcome.", paper, "covariate"),
    )
    for name, loss, paper, _ in LOSSES
)

METHODS: tuple[Method, ...] = (
    *RAW,
    *RESIDUAL,
    Recipe(
        "dpo-modelled",
        adjust=Joint(),
        pairing=Modelled(),
        objective=DPO(),
        tags=_tags(
            "DPO on pairs ordered by a covariate-adjusted reward.", "Rafailov et al. 2023", "covariate"
        ),
    ),
    Recipe(
        "dpo-weighted",
        adjust=EstimatedWeights(),
        pairing=SamePrompt(weighted=True),
        objective=DPO(),
        tags=_tags(
            "DPO on raw pairs weighted by estimated inverse propensities.",
            "Rafailov et al. 2023",
            "covariate",
        ),
    ),
    Recipe(
        "dpo-weighted-logged",
        adjust=LoggedWeights(),
        pairing=SamePrompt(weighted=True),
        objective=DPO(),
        tags=_tags(
            "DPO on raw pairs weighted by logged inverse propensities.",
            "Rafailov et al. 2023",
            "propensity",
            "target_propensity",
            track="propensity",
        ),
    ),
    Recipe(
        "expo",
        pairing=SamePrompt(),
        objective=DPO(),
        posthoc=(ExPO(),),
        tags=_tags("DPO on raw pairs, extrapolated: amplifies its direction.", "Zheng et al. 2025"),
    ),
    Recipe(
        "expo-residual",
        adjust=Joint(),
        pairing=SamePrompt(),
        objective=DPO(),
        posthoc=(ExPO(),),
        tags=_tags("DPO on residual pairs, extrapolated.", "Zheng et al. 2025", "covariate"),
    ),
)
