"""A randomised slice beside a large log: the slice alone, and shrunk towards the log.

Shrinking gains little where the log is as biased as it is long: one penalty decides both how noisy the slice
is and how wrong the log, so what repairs the bias lets the noise back in. ``data_enriched`` has two.
"""

from __future__ import annotations

from benchmark.contract import Method, Tags
from methods.adjust.slices import Slice
from methods.recipe import Recipe


def _tags(summary: str, paper: str, intervals: bool) -> Tags:
    return Tags(
        needs=frozenset({"randomised"}),
        track="slice",
        adjusts=True,
        calibrated=True,
        intervals=intervals,
        paper=paper,
        summary=summary,
    )


METHODS: tuple[Method, ...] = (
    Recipe(
        "slice-only",
        adjust=Slice(),
        tags=_tags("Regression on the randomised rows alone.", "randomised experiment", True),
    ),
    Recipe(
        "slice-anchored",
        adjust=Slice(anchored=True),
        tags=_tags(
            "The slice's regression, shrunk towards the whole log's as far as the slice allows.",
            "Kallus, Puli & Shalit 2018 (experimental grounding); reconstruction",
            False,
        ),
    ),
)
