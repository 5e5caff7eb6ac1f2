"""IPS, SNIPS and POEM where no propensity is logged: weights estimated from covariates, and none cut.

A policy tuned on the log gives ``P(x|p)``; the permutation classifier's ratio
``P(x|p) / P(x|p,z)`` turns it into the logging law given what moved the text.
"""

from __future__ import annotations

from benchmark.contract import Method, Tags
from methods.adjust.weights import EstimatedWeights
from methods.catalogue.causal_preference_optimisation import LOGGED, PolicyValue
from methods.objectives.policy_value import CPO, POEM, SNIPS
from methods.recipe import Loss

CLIP = 10.0
RATIO = "Arbour, Dimmery & Sondhi 2021 (permutation weighting)"
ESTIMATED: tuple[tuple[str, Loss, str, str], ...] = (
    ("ips-estimated", CPO(CLIP), "Horvitz & Thompson 1952", "IPS with estimated weights."),
    ("snips-estimated", SNIPS(CLIP), "Swaminathan & Joachims 2015", "SNIPS with estimated weights."),
    ("poem-estimated", POEM(CLIP), "Swaminathan & Joachims 2015", "POEM with estimated weights."),
)

METHODS: tuple[Method, ...] = (
    *(
        PolicyValue(
            name,
            loss,
            Tags(
                needs=frozenset({"covariate"}),
                adjusts=True,
                policy=True,
                paper=f"{paper}; {RATIO}",
                summary=summary,
            ),
            outcome_model=EstimatedWeights(),
        )
        for name, loss, paper, summary in ESTIMATED
    ),
    PolicyValue(
        "ips-logged-unclipped",
        CPO(),
        Tags(
            needs=frozenset(LOGGED),
            track="propensity",
            adjusts=True,
            policy=True,
            paper="Horvitz & Thompson 1952",
            summary="IPS with logged propensities, no weight cut.",
        ),
        logged=True,
    ),
)
