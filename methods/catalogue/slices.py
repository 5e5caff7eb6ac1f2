"""A randomised slice beside a large log: the slice alone, and shrunk towards the log.

Shrinking gains little where the log is as biased as it is long: one penalty decides both how noisy the slice
is and how wrong the log, so what repairs the bias lets the noise back in. ``data_enriched`` has two.
"""

from __future__ import annotations

from benchmark.contract import Method
from methods.adjust.slices import Slice
from methods.recipe import Recipe
from methods.rows import make_tags

METHODS: tuple[Method, ...] = (
    Recipe(
        "slice-only",
        Slice(),
        tags=make_tags(
            "A regression reads the randomised rows alone.",
            "randomised experiment",
            "randomised",
            calibrated=True,
            intervals=True,
        ),
    ),
    Recipe(
        "slice-anchored",
        Slice(anchored=True),
        tags=make_tags(
            "The slice's regression is shrunk towards the whole log's as far as the slice allows.",
            "Kallus, Puli & Shalit 2018 (experimental grounding); reconstruction",
            "randomised",
            calibrated=True,
        ),
    ),
)
