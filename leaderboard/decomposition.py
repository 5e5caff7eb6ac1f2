"""What a method's regret is made of: the experiment's own, what its budget costs, what confounding costs.

``rho = floor + learning cost + confounding cost`` over the same cells, with floor the ceiling's rho,
learning cost ``rho(own twin) - floor`` and confounding cost ``rho(log) - rho(own twin)``. Pairs of fits share
people, prompts and noise, and seeds are the clusters of every interval.

A cell counts for an entrant if the ceiling, the entrant's log and its own twin have a score there. A fit
that failed on the log counts as it does on the board. A fit that failed on the twin is never replaced by a
number, because a bad number there would look like confounding that was removed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from leaderboard.comparison_group import DIGITS, ComparisonGroup
from leaderboard.intervals import Estimate, Ratio, estimate, ratio_of
from leaderboard.tables import Span, make_span


@dataclass(frozen=True)
class Parts:
    """The parts of an entrant's mean regret.

    Attributes:
        rho: Regret on the log, the sum of the three parts to the last digit shown.
        floor: Regret of the ceiling.
        learning: Regret that the own twin adds to the floor.
        confounding: Regret that the log adds to the own twin.
        removed: Share of naive's confounding cost that the method does not have, with its Fieller set;
            None where naive has no own twin.
        cells: Cells that count.
    """

    rho: Span
    floor: Span
    learning: Span
    confounding: Span
    removed: Span | None
    cells: int


def decompose(group: ComparisonGroup, entrant: str) -> Parts | None:
    """The parts of an entrant's regret; None where no cell counts.

    Args:
        group: Its comparison group, on the cells of interest.
        entrant: One of ``group.names``.
    """
    index = group.names.index(entrant)
    return decompose_scores(group, group.filled[index], group.twin[index])


def decompose_role(group: ComparisonGroup, role: str) -> Parts | None:
    """As ``decompose``, for ``"naive"`` or ``"ceiling"``, which are columns of the cells."""
    scores = group.cells[role].to_numpy()
    twin = group.cells["naive_twin" if role == "naive" else "ceiling"].to_numpy()
    parts = decompose_scores(group, scores, twin)
    return parts if parts is None or role == "naive" else replace(parts, removed=None)


def decompose_scores(group: ComparisonGroup, scores: np.ndarray, twin: np.ndarray) -> Parts | None:
    """The parts of some scores.

    Args:
        group: The comparison group.
        scores: Regret on the log in each cell, shape (cells,); NaN where there is none.
        twin: Regret on the own twin, shape (cells,).
    """
    ceiling = group.cells["ceiling"].to_numpy()
    kept = np.isfinite(scores) & np.isfinite(twin) & np.isfinite(ceiling)
    if not kept.any():
        return None
    part = group if kept.all() else group.where(kept)
    floor, learning = ceiling[kept], (twin - ceiling)[kept]
    costs = estimate(np.vstack([floor, learning, (scores - twin)[kept], scores[kept]]), part.clusters)
    low, high = costs.interval()
    values = [round(float(mean), DIGITS) + 0.0 for mean in costs.mean[:3]]
    values.append(sum(values))
    floor_span, learning_span, confounding_span, rho_span = (
        make_span(value, low[i], high[i]) for i, value in enumerate(values)
    )
    naive_cost = (part.cells["naive"] - part.cells["naive_twin"]).to_numpy()
    removed = None
    if np.isfinite(naive_cost).all():
        both = estimate(np.vstack([(scores - twin)[kept], naive_cost]), part.clusters)
        removed = share_removed(both)
    return Parts(rho_span, floor_span, learning_span, confounding_span, removed, int(kept.sum()))


def share_removed(costs: Estimate) -> Span:
    """``1 - cost(method) / cost(naive)`` with its Fieller set.

    Args:
        costs: Mean confounding cost of the method and of naive, over the same cells.
    """
    ratio: Ratio = ratio_of(costs, 0, 1)
    outside = ratio.shape == "complement"
    return make_span(1 - ratio.value, 1 - ratio.high, 1 - ratio.low, outside=outside)
