"""DeconfoundLM (Loghmani 2025): subtract the confounder's contribution, then learn from what is left.

Rows differ in how the contribution ``g(z)`` is estimated (``residual-instrumented`` itself is in
``unrecorded_confounding``) and in what learns from the residual: a reward regression, DPO or a policy
gradient. The policy gradient on the log itself, ``A = y - m(z)`` times 1/e, stands beside
them. The paper's full text was not available: every row is a reconstruction from its abstracts and the
author's follow-up.
"""

from __future__ import annotations

from benchmark.contract import Method
from methods.adjust.combined import Combined
from methods.adjust.instrument import InstrumentedConfounder
from methods.adjust.partial import Joint, Marginal, PartialOut
from methods.adjust.scored import Adjust
from methods.adjust.weights import EstimatedWeights
from methods.catalogue.reward_optimisation import PolicyGradient
from methods.objectives.pairwise import DPO
from methods.objectives.policy_value import CPO
from methods.pairing.rules import SamePrompt
from methods.recipe import Recipe
from methods.rows import make_tags

PAPER = "DeconfoundLM, arXiv 2506.00152 (reconstruction)"
REINFORCE = "Williams 1992"
# The gradient of ``w A`` is REINFORCE's times w: texts the policy has left no longer push it, as plain
# ``-A log pi`` on logged texts would, without end.
WEIGHTED = CPO(clip=10.0)

RESIDUALS: tuple[tuple[str, Adjust, str, tuple[str, ...]], ...] = (
    ("residual-partial-out", PartialOut(), "cross-fitted residual on residual", ("covariate",)),
    ("residual-marginal", Marginal(), "Y less its regression on covariates alone", ("covariate",)),
    (
        "residual-instrumented",
        InstrumentedConfounder(),
        "Y less g(C) by two-stage least squares",
        ("instrument", "covariate"),
    ),
)


METHODS: tuple[Method, ...] = (
    Recipe(
        "residual-marginal",
        Marginal(),
        tags=make_tags(
            "g(z) from a regression of Y on z alone is subtracted, too much where texts go with z.",
            PAPER,
            "covariate",
            calibrated=True,
            intervals=True,
        ),
    ),
    Recipe(
        "residual-partial-out",
        PartialOut(),
        tags=make_tags(
            "Covariates are partialled out of both outcome and text, cross-fitted.",
            PAPER,
            "covariate",
            calibrated=True,
            intervals=True,
        ),
    ),
    *(
        Recipe(
            f"dpo-{name}",
            adjust,
            SamePrompt(),
            DPO(),
            tags=make_tags(
                f"DPO learns from same-prompt pairs ordered by {what}.", PAPER, *needs, policy=True
            ),
        )
        for name, adjust, what, needs in RESIDUALS
    ),
    *(
        PolicyGradient(
            f"rloo-{name}",
            make_tags(f"RLOO maximises a reward of {what}.", PAPER, *needs, policy=True),
            adjust,
        )
        for name, adjust, what, needs in RESIDUALS
    ),
    Recipe(
        "reinforce",
        objective=WEIGHTED,
        tags=make_tags(
            "An importance-weighted policy gradient on logged texts takes the outcome for its advantage.",
            REINFORCE,
            policy=True,
        ),
    ),
    Recipe(
        "reinforce-residual-weighted",
        Combined(Joint(), EstimatedWeights()),
        objective=WEIGHTED,
        tags=make_tags(
            "A policy gradient on logged texts takes the residual for its advantage, weighted by 1/e.",
            REINFORCE,
            "covariate",
            policy=True,
        ),
    ),
)
