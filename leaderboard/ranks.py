"""Ranks as sets: what can and what cannot be told apart, all pairs at once.

Simultaneous intervals on all pairwise differences come from the largest studentised error
over pairs (max-t). A rank is ``[1 + number certainly better, K - number certainly worse]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np

from leaderboard.intervals import CHUNK, DRAWS, LEVEL, TINY, Estimate, draw_errors


@dataclass(frozen=True, eq=False)
class Ranking:
    """Who is certainly better than whom.

    Attributes:
        better: ``better[i, j]``: i is certainly better than j, shape (K, K), bool.
        best: Best rank each could have, shape (K,), 1 is first.
        worst: Worst rank each could have, shape (K,).
        letters: Compact letters: two that share one cannot be told apart; length K.
        critical: Simultaneous critical value of the studentised differences.
        typical_error: Median standard error of a pairwise difference.
    """

    better: np.ndarray
    best: np.ndarray
    worst: np.ndarray
    letters: tuple[str, ...]
    critical: float
    typical_error: float


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
    if not len(first):
        return Ranking(np.zeros((count, count), bool), np.ones(count, int), np.ones(count, int), ("a",) * count, np.nan, np.nan)
    gap = estimates.mean[first] - estimates.mean[second]
    influence = estimates.influence[first] - estimates.influence[second]
    error = np.sqrt((influence**2).sum(axis=1))
    critical = critical_value(estimates, error, rng, level, draws)
    certain = np.abs(gap) > np.maximum(critical * error, TINY)
    better = np.zeros((count, count), dtype=bool)
    better[first[certain & (gap > 0)], second[certain & (gap > 0)]] = True
    better[second[certain & (gap < 0)], first[certain & (gap < 0)]] = True
    order = np.lexsort((np.arange(count), -estimates.mean))
    return Ranking(
        better,
        1 + better.sum(axis=0),
        count - better.sum(axis=1),
        letters(better | better.T, order),
        critical,
        float(np.median(error)),
    )


def critical_value(
    estimates: Estimate, error: np.ndarray, rng: np.random.Generator, level: float, draws: int
) -> float:
    """Quantile of the largest studentised error over all pairs.

    Each resample is divided by a common ``sqrt(chi^2 / freedom)``: with few seeds the standard
    errors are themselves uncertain, and a normal critical value would be too small.

    Args:
        estimates: The means.
        error: Standard errors of the pairwise differences in ``triu_indices`` order.
        rng: Source of the resampling.
        level: Simultaneous confidence.
        draws: Number of resamples.
    """
    if not np.isfinite(error).all():
        return float("inf")
    sizes = estimates.clusters.sizes
    freedom = float((sizes - 1).sum())
    errors = draw_errors(estimates.influence, estimates.clusters, rng, draws)
    scale = np.sqrt(rng.chisquare(freedom, draws) / freedom)
    first, second = np.triu_indices(len(estimates.mean), 1)
    kept = error > TINY
    if not kept.any():
        return 0.0
    first, second, error = first[kept], second[kept], error[kept]
    largest = np.concatenate(
        [
            np.abs((block[:, first] - block[:, second]) / error).max(axis=1)
            for block in np.split(errors, range(CHUNK, draws, CHUNK))
        ]
    )
    return float(np.quantile(largest / scale, level))


def letters(differ: np.ndarray, order: np.ndarray) -> tuple[str, ...]:
    """Compact letter display by insert and absorb (Piepho 2004, J. Comput. Graph. Stat. 13, 456-466).

    Args:
        differ: Whether two entrants are told apart, shape (K, K), symmetric.
        order: Entrants from best to worst; earlier groups get earlier letters.

    Returns:
        A string of letters for each entrant; two share a letter exactly when not told apart.
    """
    count = len(differ)
    groups = [frozenset(range(count))]
    for i in range(count):
        for j in range(i + 1, count):
            if not differ[i, j]:
                continue
            split: list[frozenset[int]] = []
            for group in groups:
                split += [group - {i}, group - {j}] if {i, j} <= group else [group]
            unique = list(dict.fromkeys(split))
            groups = [g for g in unique if not any(g < other for other in unique)]
    place = {int(entrant): position for position, entrant in enumerate(order)}
    groups.sort(key=lambda g: sorted(place[i] for i in g))
    names = [_letter(index) for index in range(len(groups))]
    return tuple("".join(n for n, g in zip(names, groups, strict=True) if i in g) for i in range(count))


def _letter(index: int) -> str:
    """a .. z, then a2 .. z2 and so on."""
    turn, place = divmod(index, len(ascii_lowercase))
    return ascii_lowercase[place] + (str(turn + 1) if turn else "")


def holm(p: np.ndarray) -> np.ndarray:
    """Holm-adjusted p values, shape (k,) (Holm 1979); controls the chance of any false finding."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = p[order] * (len(p) - np.arange(len(p)))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg q values, shape (k,) (1995); controls the share of false findings."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(-p, kind="stable")
    steps = p[order] * len(p) / (len(p) - np.arange(len(p)))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps), 1.0)
    return adjusted
