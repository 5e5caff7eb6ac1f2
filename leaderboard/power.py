"""How many seeds a paired comparison needs, from the error that was measured with the seeds there are.

Sees estimates alone. A seed is a cluster of cells, so errors shrink with the root of their number.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import nctdtr, stdtrit

from leaderboard.intervals import TINY, Estimate

MOST_SEEDS = 1000


def count_needed_seeds(
    rise: Estimate, loss: float, alpha: float = 0.05, tests: int = 1, power: float = 0.8
) -> int | None:
    """Seeds with which a one-sided t test finds a loss of a given size.

    The least ``m`` at which a noncentral t with noncentrality ``loss / (SE sqrt(m0 / m))`` exceeds the
    critical value with the wanted probability. ``m0`` is the number of seeds behind the standard error
    ``SE``, and t has the degrees of freedom that ``m`` seeds give.

    Args:
        rise: One mean, measured with some seeds.
        loss: The true rise to be found, above 0.
        alpha: Level of the test, in (0, 1).
        tests: Number of tests that Holm's procedure corrects for in its first step.
        power: Probability of finding it, in (0, 1).

    Returns:
        At least 2 and at most 1000; None where the error is unknown, because a family has a single seed.

    Source: Chow, Shao & Wang 2008, section 3.1 (one-sample t test), with a measured error.
    """
    seeds, error = int(rise.clusters.sizes.max(initial=0)), float(rise.error[0])
    if not math.isfinite(error) or seeds < 2:
        return None
    if error <= TINY:
        return 2
    counts = np.arange(2, MOST_SEEDS + 1)
    freedom = float(rise.freedom[0]) * (counts - 1) / (seeds - 1)
    shift = loss / (error * np.sqrt(seeds / counts))
    enough = 1 - nctdtr(freedom, shift, stdtrit(freedom, 1 - alpha / tests)) >= power
    return int(counts[np.argmax(enough)]) if enough.any() else MOST_SEEDS
