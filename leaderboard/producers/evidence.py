"""What every producer starts from, and the few helpers they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from benchmark.contract.seeding import make_rng
from leaderboard.comparison_group import ComparisonGroup, make_comparison_groups, round_means
from leaderboard.frame import Frame
from leaderboard.intervals import Clusters, Estimate, Ratio, estimate
from leaderboard.ranks import Ranking
from leaderboard.tables import Span, make_span

REFERENCES = ("naive", "ceiling", "canary")


@dataclass(frozen=True, eq=False)
class Evidence:
    """A frame and the comparison groups in it.

    Attributes:
        frame: Checked records.
        rankings: Rankings that were made already, by comparison group and table.
    """

    frame: Frame
    rankings: dict[tuple[object, ...], Ranking] = field(default_factory=dict)

    @cached_property
    def groups(self) -> tuple[ComparisonGroup, ...]:
        """Every group, made once."""
        return tuple(make_comparison_groups(self.frame))

    def rng(self, *path: object) -> np.random.Generator:
        """The generator for one resampling; the same store always gives the same numbers."""
        return make_rng("leaderboard", self.frame.suite, self.frame.version, *path)

    def table_suffix(self, group: ComparisonGroup) -> str:
        """A suffix for table names; empty where there is one group."""
        return f"-{group.name}" if len(self.groups) > 1 else ""

    def title_suffix(self, group: ComparisonGroup) -> str:
        """A suffix for headings, such as ``: logs of outcomes, ...``; empty where there is one group."""
        if len(self.groups) == 1:
            return ""
        several = len({group.backbone for group in self.groups}) > 1
        return f": {group.description}" + (f", backbone {group.backbone}" if several else "")


def span_at(estimates: Estimate, index: int) -> Span:
    """One mean with its pointwise interval, rounded."""
    low, high = estimates.interval()
    return make_span(estimates.mean[index], low[index], high[index])


def span_of(values: pd.Series | np.ndarray, families: Sequence, seeds: Sequence) -> Span | None:
    """The mean of the finite values with an interval clustered by seed; None where there are none.

    A seed without a finite value stays a cluster.
    """
    array = np.asarray(values, dtype=np.float64)
    kept = np.isfinite(array)
    if not kept.any():
        return None
    clusters = Clusters.of(np.asarray(families), np.asarray(seeds), kept)
    return span_at(round_means(estimate(array[kept], clusters)), 0)


def span_of_cells(group: ComparisonGroup, values: pd.Series | np.ndarray) -> Span | None:
    """The mean of the finite values over a group's cells, shape (cells,); None where there are none."""
    array = np.asarray(values, dtype=np.float64)
    kept = np.isfinite(array)
    if not kept.any():
        return None
    return span_at(round_means(estimate(array[kept], group.clusters_of(kept))), 0)


def span_of_ratio(ratio: Ratio) -> Span:
    """A ratio as a span, rounded."""
    return make_span(ratio.value, ratio.low, ratio.high, outside=ratio.shape == "complement")


def clip_span(span: Span | None, bounds: tuple[float, float]) -> Span | None:
    """A span whose interval stays within what is possible."""
    if span is None or not span.is_known:
        return span
    return Span(span.value, max(span.low, bounds[0]), min(span.high, bounds[1]), span.outside)


def emphasis_of(role: str) -> str:
    """Class of an entrant's row: references have one of their own, methods have none."""
    return role if role in REFERENCES else ""


def strengths_text(group: ComparisonGroup) -> str:
    """Strengths in a group as text."""
    values = sorted(set(group.cells["strength"].dropna()))
    return ", ".join(f"{value:g}" for value in values)
