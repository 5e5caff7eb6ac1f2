"""Intervals for means over cells in which seeds, not cells, are the independent units.

All cells of one seed within a family share people, prompts and noise, across methods and
strengths, so they are one cluster; families are strata. Everything is a sum in a fixed
order and no matrix product is used, so results do not depend on a linear-algebra library.

A mean over cells is linearised: cluster ``g`` of stratum ``f`` (``m_f`` clusters) moves it by
``u_g = sum_{c in g} (x_c - mean) / C``, centred within the stratum and inflated by
``sqrt(m_f / (m_f - 1))``. Then ``SE^2 = sum_g u_g^2`` is what resampling whole seeds and
inflating converges to (Davison & Hinkley 1997, section 2.3, on the small-sample shrinkage
of the bootstrap variance), with Welch-Satterthwaite degrees of freedom across strata.

Which cells count is random too: a rule on a cell's exact regret may leave a cluster without a cell.
Such a cluster stays one of the ``m_f`` and has influence 0 before centring, as in the estimation of a
mean over a random domain (Cochran 1977, section 5A.14); without it the interval is too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

LEVEL = 0.95
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which cells belong together.

    Attributes:
        of_cell: Cluster of each cell, shape (C,), int.
        stratum: Stratum (family) of each cluster, shape (G,), int; a cluster may have no cell.
    """

    of_cell: np.ndarray
    stratum: np.ndarray

    @classmethod
    def of(cls, families: np.ndarray, seeds: np.ndarray, kept: np.ndarray | None = None) -> Clusters:
        """One cluster for each (family, seed), one stratum for each family.

        Args:
            families: Family of every planned cell, shape (P,).
            seeds: Seed of every planned cell, shape (P,).
            kept: Which planned cells count, shape (P,), bool; the clusters of the others stay. None for all.
        """
        _, family = np.unique(np.asarray(families, dtype=str), return_inverse=True)
        values, seed = np.unique(np.asarray(seeds), return_inverse=True)
        codes, of_cell = np.unique(family * max(len(values), 1) + seed, return_inverse=True)
        return cls(of_cell if kept is None else of_cell[kept], codes // max(len(values), 1))

    @property
    def sizes(self) -> np.ndarray:
        """Number of clusters in each stratum, shape (F,)."""
        return np.bincount(self.stratum)

    @property
    def freedom(self) -> np.ndarray:
        """Degrees of freedom of each stratum's variance, shape (F,).

        ``m_f - 1``, or the number of clusters with cells where that is smaller: an empty cluster adds a
        zero and no knowledge of the spread.
        """
        filled = np.bincount(self.stratum, self.has_cells)
        return np.clip(np.minimum(filled, self.sizes - 1), 1, None)

    @property
    def has_cells(self) -> np.ndarray:
        """Whether a cluster has a cell, shape (G,), bool."""
        return np.bincount(self.of_cell, minlength=len(self.stratum)) > 0


@dataclass(frozen=True, eq=False)
class Estimate:
    """Means over the same cells, with what each cluster contributes to their error.

    Attributes:
        mean: Shape (M,).
        influence: Centred and inflated cluster influences, shape (M, G); NaN in a stratum of one cluster.
        clusters: The clusters.
    """

    mean: np.ndarray
    influence: np.ndarray
    clusters: Clusters

    @property
    def error(self) -> np.ndarray:
        """Standard errors, shape (M,); NaN where a family has one seed."""
        return np.sqrt((self.influence**2).sum(axis=1))

    @property
    def freedom(self) -> np.ndarray:
        """Welch-Satterthwaite degrees of freedom, shape (M,)."""
        return satterthwaite(self.influence, self.clusters)

    def contrast(self, first: int, second: int) -> Estimate:
        """The difference of two of the means."""
        return Estimate(
            self.mean[[first]] - self.mean[[second]],
            self.influence[[first]] - self.influence[[second]],
            self.clusters,
        )

    def interval(self, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Pointwise t intervals: lower and upper limits, each of shape (M,)."""
        half = stdtrit(self.freedom, 0.5 + level / 2) * self.error
        return self.mean - half, self.mean + half

    def p_value(self, value: float = 0.0, side: str = "two") -> np.ndarray:
        """P values of the hypothesis that a mean equals ``value``, shape (M,).

        Args:
            value: The hypothesised mean.
            side: ``"two"``, or ``"greater"`` for the alternative that the mean is larger.
        """
        gap, error = self.mean - value, self.error
        exact = error <= TINY
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(exact, np.sign(np.where(np.abs(gap) <= TINY, 0, gap)) * np.inf, gap / error)
        t = np.where(exact & (np.abs(gap) <= TINY), 0.0, t)
        if side == "greater":
            return stdtr(self.freedom, -t)
        return 2 * stdtr(self.freedom, -np.abs(t))


def estimate(values: np.ndarray, clusters: Clusters) -> Estimate:
    """Means over cells and their cluster influences.

    Args:
        values: Shape (M, C) or (C,), finite.
        clusters: Which cells belong together.
    """
    values = np.atleast_2d(np.asarray(values, dtype=np.float64))
    mean = values.sum(axis=1) / max(values.shape[1], 1)
    count = len(clusters.stratum)
    centred = values - mean[:, None]
    influence = np.zeros((len(values), count))
    for row, cells in enumerate(centred):
        influence[row] = np.bincount(clusters.of_cell, cells, minlength=count) / max(values.shape[1], 1)
    alone = clusters.has_cells.sum() < 2
    for stratum, size in enumerate(clusters.sizes):
        inside = clusters.stratum == stratum
        part = influence[:, inside]
        if size < 2 or alone:
            # One cluster with cells says nothing of the error; one without cells moves nothing.
            influence[:, inside & clusters.has_cells] = np.nan
            continue
        part = part - part.sum(axis=1, keepdims=True) / size
        # Rounding noise of equal clusters is no variance.
        part = np.where(np.abs(part) < TINY, 0.0, part)
        influence[:, inside] = part * math.sqrt(size / (size - 1))
    return Estimate(mean, influence, clusters)


def satterthwaite(influence: np.ndarray, clusters: Clusters) -> np.ndarray:
    """Degrees of freedom of sums of independent strata, shape (M,).

    ``(sum_f v_f)^2 / sum_f (v_f^2 / nu_f)`` with ``v_f`` a stratum's share of the variance and ``nu_f`` its
    own degrees of freedom.
    """
    sizes = clusters.sizes
    shares = np.stack([(influence[:, clusters.stratum == f] ** 2).sum(axis=1) for f in range(len(sizes))])
    total = shares.sum(axis=0)
    below = (shares**2 / clusters.freedom[:, None]).sum(axis=0)
    pooled = float(np.maximum(sizes - 1, 0).sum())
    return np.where(below > 0, total**2 / np.where(below > 0, below, 1.0), max(pooled, 1.0))


@dataclass(frozen=True)
class Ratio:
    """A ratio with its Fieller set.

    Attributes:
        value: Point estimate; NaN where the denominator is zero.
        low: Lower limit, ``-inf`` where there is none.
        high: Upper limit, ``inf`` where there is none.
        shape: ``"bounded"``; ``"complement"`` where the set is everything outside (low, high);
            ``"unbounded"`` where every ratio is compatible; ``"unknown"`` without an error estimate.
    """

    value: float
    low: float
    high: float
    shape: str


def fieller(
    top: float, bottom: float, var_top: float, var_bottom: float, covariance: float, critical: float
) -> Ratio:
    """Fieller's confidence set for ``top / bottom``.

    The ratios ``q`` with ``(top - q bottom)^2 <= t^2 (var_top - 2 q cov + q^2 var_bottom)``: a
    quadratic in ``q`` with leading coefficient ``a = bottom^2 - t^2 var_bottom``. For ``a > 0`` the
    denominator differs from zero and the set is an interval; otherwise it is the complement
    of an interval or the whole line (Fieller 1954; von Luxburg & Franz 2009).

    Args:
        top: Estimated numerator.
        bottom: Estimated denominator.
        var_top: Variance of the numerator.
        var_bottom: Variance of the denominator.
        covariance: Their covariance.
        critical: The t quantile, such as 1.96.
    """
    value = top / bottom if abs(bottom) > TINY else math.nan
    squared = critical * critical
    a = bottom**2 - squared * var_bottom
    b = top * bottom - squared * covariance
    c = top**2 - squared * var_top
    if not all(map(math.isfinite, (a, b, c))):
        return Ratio(value, math.nan, math.nan, "unknown")
    inside = max(b * b - a * c, 0.0) if abs(b * b - a * c) < TINY**1.5 else b * b - a * c
    if abs(a) <= TINY:
        if abs(b) <= TINY:
            return Ratio(value, -math.inf, math.inf, "unbounded")
        # One root has gone to infinity: a half line remains.
        edge = c / (2 * b)
        return Ratio(value, edge, math.inf, "bounded") if b > 0 else Ratio(value, -math.inf, edge, "bounded")
    if inside < 0:
        return Ratio(value, -math.inf, math.inf, "unbounded")
    root = math.sqrt(inside)
    low, high = sorted(((b - root) / a, (b + root) / a))
    return Ratio(value, low, high, "bounded" if a > 0 else "complement")


def ratio_of(estimates: Estimate, top: int, bottom: int, level: float = LEVEL) -> Ratio:
    """Fieller set of the ratio of two means over the same cells.

    The degrees of freedom are those of the numerator minus the ratio times the denominator,
    the quantity whose error the set inverts.
    """
    over, under = estimates.mean[top], estimates.mean[bottom]
    first, second = estimates.influence[top], estimates.influence[bottom]
    guess = over / under if abs(under) > TINY else 0.0
    freedom = satterthwaite((first - guess * second)[None, :], estimates.clusters)[0]
    return fieller(
        float(over),
        float(under),
        float((first**2).sum()),
        float((second**2).sum()),
        float((first * second).sum()),
        float(stdtrit(freedom, 0.5 + level / 2)),
    )
