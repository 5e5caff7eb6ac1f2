"""Reward regression where what the prompt says confounds: its text is adjusted for.

The papers estimate the effect of one binary treatment. Here every text feature is one, so their estimators
become regressions; what follows a paper otherwise is its choice of representation and of nuisances. All are
reconstructions from the papers' formulas.
"""

from __future__ import annotations

from benchmark.contract import Method
from methods.adjust.prompt_text import (
    PartialOutPrompts,
    PromptOutcomeModel,
    read_features,
    read_latent,
    read_states,
)
from methods.adjust.scored import Adjust
from methods.recipe import Recipe
from methods.rows import make_tags


def _row(name: str, adjust: Adjust, paper: str, summary: str) -> Recipe:
    return Recipe(name, adjust, tags=make_tags(summary, paper, "prompt", intervals=True, calibrated=True))


METHODS: tuple[Method, ...] = (
    _row(
        "prompt-partial-out",
        PartialOutPrompts(),
        "Robinson 1988; Chernozhukov et al. 2018",
        "Ridge regressions partial the prompt's features out of outcome and text, cross-fitted.",
    ),
    _row(
        "causal-embedding",
        PartialOutPrompts(read_features, curved=True),
        "Veitch, Sridhar & Blei 2020 (reconstruction)",
        "The prompt's features and the outcome that they predict are partialled out of outcome and text.",
    ),
    _row(
        "causal-embedding-latent",
        PartialOutPrompts(read_latent, curved=True),
        "Veitch, Sridhar & Blei 2020 (reconstruction); Deerwester et al. 1990",
        "The prompt's latent dimensions and the outcome they predict are partialled out of outcome and text.",
    ),
    _row(
        "text-cause",
        PromptOutcomeModel(),
        "Pryzant et al. 2021 (reconstruction)",
        "An outcome model of text and prompt is averaged over prompts; what moves texts is not modelled.",
    ),
    _row(
        "generative-representation",
        PartialOutPrompts(read_states, curved=True),
        "Imai & Nakamura 2024 (reconstruction)",
        "The decoder's states on the prompt and the outcome that they predict are partialled out.",
    ),
)
