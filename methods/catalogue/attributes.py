"""Attribute-level effects, where attributes of the text are logged as columns."""

from __future__ import annotations

from benchmark.contract import Method, Tags
from methods.adjust.attributes import AttributeEffects
from methods.recipe import Recipe

METHODS: tuple[Method, ...] = (
    Recipe(
        "attribute-dml",
        adjust=AttributeEffects(),
        tags=Tags(
            needs=frozenset({"attribute", "covariate"}),
            adjusts=True,
            calibrated=True,
            paper="Chernozhukov et al. 2018 (partially linear model)",
            summary="Debiased effects of logged attributes, read back from the words.",
        ),
    ),
    Recipe(
        "attribute-correlation",
        adjust=AttributeEffects(adjusted=False),
        tags=Tags(
            needs=frozenset({"attribute"}),
            calibrated=True,
            paper="baseline",
            summary="Regression of the outcome on logged attributes, covariates ignored.",
        ),
    ),
)
