"""IPS, SNIPS and POEM where no propensity is logged: weights estimated from covariates, and none cut.

A policy tuned on the log gives ``P(x|p)``; the permutation classifier's ratio
``P(x|p) / P(x|p,z)`` turns it into the logging law given what moved the text.
"""

from __future__ import annotations

from benchmark.contract import Method
from methods.adjust.weights import EstimatedWeights
from methods.catalogue.causal_preference_optimisation import PolicyValue
from methods.objectives.policy_value import CPO, POEM, SNIPS
from methods.recipe import Loss
from methods.rows import LOGGED, make_tags

CLIP = 10.0
RATIO = "Arbour, Dimmery & Sondhi 2021 (permutation weighting)"
ESTIMATED: tuple[tuple[str, Loss, str], ...] = (
    ("ips", CPO(CLIP), "Horvitz & Thompson 1952"),
    ("snips", SNIPS(CLIP), "Swaminathan & Joachims 2015"),
    ("poem", POEM(CLIP), "Swaminathan & Joachims 2015"),
)

METHODS: tuple[Method, ...] = (
    *(
        PolicyValue(
            f"{name}-estimated",
            loss,
            make_tags(
                f"{name.upper()} weights outcomes by propensities estimated from covariates.",
                f"{paper}; {RATIO}",
                "covariate",
                policy=True,
            ),
            outcome_model=EstimatedWeights(),
        )
        for name, loss, paper in ESTIMATED
    ),
    PolicyValue(
        "ips-logged-unclipped",
        CPO(),
        make_tags(
            "IPS weights outcomes by logged propensities and cuts no weight.",
            "Horvitz & Thompson 1952",
            *LOGGED,
            policy=True,
        ),
        logged=True,
    ),
)
