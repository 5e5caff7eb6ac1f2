"""Ranks as sets: which methods can be told apart and which cannot, for all pairs at once.

The smallest p value over all pairs of entrants is compared with its own resampling
distribution (max-t, studentised), so that all intervals hold together. A rank is then
``[1 + number certainly better, K - number certainly worse]``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit
from scipy.stats import false_discovery_control

from leaderboard.intervals import LEVEL, TINY, Estimate, satterthwaite

DRAWS = 2000
CHUNK_NUMBERS = 400_000


@dataclass(frozen=True, eq=False)
class Ranking:
    """Who is certainly better than whom.

    Attributes:
        better: ``better[i, j]``: i is certainly better than j, shape (K, K), bool.
        best: Best rank each could have, shape (K,), 1 is first.
        worst: Worst rank each could have, shape (K,).
        tiers: Tier of each, from 1; see ``find_tiers``; shape (K,).
        pair_level: Two-sided level at which each pair is tested so that all hold together.
        resolvable: Difference of a typical pair found with 80 % power at that level; NaN if unknown.
    """

    better: np.ndarray
    best: np.ndarray
    worst: np.ndarray
    tiers: np.ndarray
    pair_level: float
    resolvable: float


def rank(estimates: Estimate, rng: np.random.Generator, level: float = LEVEL, draws: int = DRAWS) -> Ranking:
    """Rank means, larger is better.

    Args:
        estimates: Means of K entrants over the same cells.
        rng: Source of the resampling.
        level: Simultaneous confidence.
        draws: Number of resamples.

    Returns:
        Sets that contain all true ranks together with probability ``level``; everything is
        tied where a family has a single seed, because then nothing is known of the error.
    """
    count = len(estimates.mean)
    first, second = np.triu_indices(count, 1)
    better = np.zeros((count, count), dtype=bool)
    pair_level, resolvable = math.nan, math.nan
    if len(first) and np.isfinite(estimates.influence).all():
        gap = estimates.mean[first] - estimates.mean[second]
        influence = estimates.influence[first] - estimates.influence[second]
        error, freedom = np.sqrt((influence**2).sum(axis=1)), satterthwaite(influence, estimates.clusters)
        pair_level = simultaneous_level(estimates, rng, level, draws)
        critical = stdtrit(freedom, 1 - pair_level / 2)
        certain = np.abs(gap) > np.maximum(critical * error, TINY)
        for sign in (1, -1):
            found = certain & (np.sign(gap) == sign)
            winner, loser = (first, second)[::sign]
            better[winner[found], loser[found]] = True
        resolvable = float(np.median((critical + stdtrit(freedom, 0.8)) * error))
    best, worst = 1 + better.sum(axis=0), count - better.sum(axis=1)
    return Ranking(better, best, worst, find_tiers(better), pair_level, resolvable)


def simultaneous_level(
    estimates: Estimate, rng: np.random.Generator, level: float = LEVEL, draws: int = DRAWS
) -> float:
    """The level of each pairwise test at which all of them hold together.

    Seeds are resampled whole within families, and each resample is studentised with its own
    standard errors and degrees of freedom: with few seeds those are uncertain themselves.
    Few seeds also span few directions, so that methods look more alike than they are; a share
    ``K / (K + nu)`` of each resample's variance (``nu`` = seeds minus families) is therefore
    independent normal noise of the same size (a smoothed bootstrap).

    Args:
        estimates: Means of K entrants.
        rng: Source of the resampling.
        level: Simultaneous confidence.
        draws: Number of resamples.

    Returns:
        A level in (0, 1 - level], rounded to three digits.
    """
    count, clusters = len(estimates.mean), estimates.clusters
    smoothing = count / (count + float((clusters.sizes - 1).sum()))
    chunk = max(1, CHUNK_NUMBERS // (count * count))
    smallest = [
        _smallest_p(estimates, rng, min(chunk, draws - start), smoothing) for start in range(0, draws, chunk)
    ]
    value = float(np.quantile(np.concatenate(smallest), 1 - level))
    return min(float(f"{value:.3g}"), 1 - level)


def _smallest_p(estimates: Estimate, rng: np.random.Generator, draws: int, smoothing: float) -> np.ndarray:
    """Smallest p value over pairs in each of some resamples under no difference, shape (draws,)."""
    clusters, count = estimates.clusters, len(estimates.mean)
    first, second = np.triu_indices(count, 1)
    total, below = np.zeros((draws, len(first))), np.zeros((draws, len(first)))
    gap = np.zeros((draws, count))
    for stratum, (size, own) in enumerate(zip(clusters.sizes, clusters.freedom, strict=True)):
        observed = estimates.influence[:, clusters.stratum == stratum]
        spread = np.sqrt((observed**2).sum(axis=1) / size)
        resampled = observed.T[rng.integers(0, size, (draws, size))]
        noise = spread * rng.standard_normal((draws, size, count))
        moved = math.sqrt(1 - smoothing) * resampled + math.sqrt(smoothing) * noise
        centre = np.zeros((draws, count))
        for cluster in range(size):
            centre += moved[:, cluster]
        gap += centre
        share = np.zeros_like(total)
        for cluster in range(size):
            part = moved[:, cluster] - centre / size
            share += (part[:, first] - part[:, second]) ** 2
        share *= size / (size - 1)
        total += share
        below += share**2 / own
    known = total > TINY**2
    freedom = np.where(known, total**2 / np.where(known, below, 1.0), 1.0)
    difference = np.abs(gap[:, first] - gap[:, second])
    t = np.where(known, difference / np.sqrt(np.where(known, total, 1.0)), 0.0)
    return _least_p(t, freedom)


def _least_p(t: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """The least two-sided p value of each row, shape (draws,).

    A p value falls with t and with the degrees of freedom. So only a t that would be beyond the p value
    of the row's largest t at the row's most degrees of freedom can have a smaller one.

    Args:
        t: Statistics, shape (draws, pairs), not negative.
        freedom: Their degrees of freedom, same shape.
    """
    rows = np.arange(len(t))
    largest = t.argmax(axis=1)
    bound = stdtr(freedom[rows, largest], -t[rows, largest])
    least = -stdtrit(freedom.max(axis=1), bound)
    # A relative margin far above the error of the quantile keeps the row's largest t itself.
    row, pair = np.nonzero(t >= least[:, None] * (1 - 1e-9))
    found = 2 * bound
    np.minimum.at(found, row, 2 * stdtr(freedom[row, pair], -t[row, pair]))
    return found


def find_tiers(better: np.ndarray) -> np.ndarray:
    """Tiers of a partial order, shape (K,), from 1.

    Nobody is certainly better than a method of tier 1. A method of tier t is certainly worse than one of
    tier t - 1, and no chain of certainly better methods above it is longer.

    Args:
        better: ``better[i, j]``: i is certainly better than j, shape (K, K), bool, without circles.

    Example:
        >>> find_tiers(np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]], dtype=bool)).tolist()
        [1, 1, 2]
    """
    tiers = np.ones(len(better), dtype=np.int64)
    for _ in range(len(better)):
        deeper = np.where(better, tiers[:, None] + 1, 1).max(axis=0, initial=1)
        if (deeper == tiers).all():
            break
        tiers = deeper
    return tiers


def adjust_p_values(p: np.ndarray, method: str) -> np.ndarray:
    """P values adjusted for their number, shape (k,); NaN stays NaN and does not count.

    Args:
        p: Unadjusted p values, shape (k,).
        method: ``"holm"`` (Holm 1979) bounds the chance of any false finding, ``"fdr_bh"`` (Benjamini &
            Hochberg 1995) the share of false findings.

    Example:
        >>> adjust_p_values(np.array([0.01, np.nan, 0.04]), "holm").tolist()
        [0.02, nan, 0.04]
    """
    known = np.isfinite(p)
    adjusted = np.full(len(p), np.nan)
    if method == "fdr_bh":
        adjusted[known] = false_discovery_control(p[known])
        return adjusted
    order = np.argsort(p[known], kind="stable")
    # Holm steps down: the smallest of k times k, the next times k - 1, and none below the one before.
    stepped = np.maximum.accumulate(p[known][order] * np.arange(len(order), 0, -1))
    adjusted[np.flatnonzero(known)[order]] = np.minimum(stepped, 1.0)
    return adjusted
