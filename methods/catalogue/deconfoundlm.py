"""DeconfoundLM (Loghmani 2025): subtract the confounder's contribution, then learn the reward.

The paper's full text was not available; every row is a reconstruction from its abstracts and
the author's follow-up, differing in how the contribution ``g(z)`` is estimated.
"""

from __future__ import annotations

from benchmark.contract import Method, Tags
from methods.adjust.partial import Marginal, PartialOut
from methods.recipe import Recipe

PAPER = "DeconfoundLM, arXiv 2506.00152 (reconstruction)"


def _tags(summary: str, needs: frozenset[str] = frozenset({"covariate"}), intervals: bool = True) -> Tags:
    return Tags(needs=needs, adjusts=True, calibrated=True, intervals=intervals, paper=PAPER, summary=summary)


METHODS: tuple[Method, ...] = (
    Recipe(
        "residual-marginal",
        adjust=Marginal(),
        tags=_tags("Subtract g(z) from a regression of Y on z alone; over-subtracts under correlation."),
    ),
    Recipe(
        "residual-partial-out",
        adjust=PartialOut(),
        tags=_tags("Cross-fitted residual on residual: both outcome and text partialled out."),
    ),
)
