"""DeconfoundLM's second half: DPO and policy gradients on the residual reward.

Rows differ in how the confounder's contribution is estimated (``deconfoundlm`` has the reward
models themselves). The policy gradient on the log itself, ``A = y - m(z)`` times 1/e, stands beside
them. Reconstructions: the paper's full text was not available.
"""

from __future__ import annotations

from benchmark.contract import Method, Tags
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


def _tags(summary: str, paper: str, needs: tuple[str, ...]) -> Tags:
    return Tags(needs=frozenset(needs), adjusts=bool(needs), policy=True, paper=paper, summary=summary)


METHODS: tuple[Method, ...] = (
    *(
        Recipe(
            f"dpo-{name}",
            adjust=adjust,
            pairing=SamePrompt(),
            objective=DPO(),
            tags=_tags(f"DPO on same-prompt pairs ordered by {what}.", PAPER, needs),
        )
        for name, adjust, what, needs in RESIDUALS
    ),
    *(
        PolicyGradient(f"rloo-{name}", _tags(f"RLOO against a reward of {what}.", PAPER, needs), adjust)
        for name, adjust, what, needs in RESIDUALS
    ),
    Recipe(
        "reinforce",
        objective=WEIGHTED,
        tags=_tags(
            "Importance-weighted policy gradient on logged texts, the outcome as advantage.", REINFORCE, ()
        ),
    ),
    Recipe(
        "reinforce-residual-weighted",
        adjust=Combined(Joint(), EstimatedWeights()),
        objective=WEIGHTED,
        tags=_tags(
            "Policy gradient on logged texts, the residual as advantage, weighted by 1/e.",
            REINFORCE,
            ("covariate",),
        ),
    ),
)
