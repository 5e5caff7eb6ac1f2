"""A number with its interval, as every part of an inspection reports it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
NORMAL = float(stats.norm.ppf(0.5 + LEVEL / 2))


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval.

    Attributes:
        value: The estimate.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    @classmethod
    def normal(cls, value: float, error: float, least: float = -np.inf, most: float = np.inf) -> Estimate:
        """A normal interval, cut to the values that are possible."""
        half = NORMAL * error
        return cls(*(float(np.clip(number, least, most)) for number in (value, value - half, value + half)))

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def cluster_sum(values: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """Sums over the rows of each cluster, shape (clusters, ...); the values themselves without clusters."""
    if clusters is None:
        return values
    columns = values.reshape(len(values), -1)
    count = int(clusters.max()) + 1
    sums = np.stack([np.bincount(clusters, column, minlength=count) for column in columns.T], axis=1)
    return sums.reshape(count, *values.shape[1:])


def ratio_of_means(
    top: np.ndarray, bottom: np.ndarray, clusters: np.ndarray | None = None
) -> tuple[float, float]:
    """The ratio of two means and its standard error by the delta method.

    Args:
        top: Shape (n,).
        bottom: Shape (n,), with a mean that is not 0.
        clusters: Cluster of each row, or None for independent rows.
    """
    total = bottom.sum()
    ratio = float(top.sum() / total)
    parts = cluster_sum(top - ratio * bottom, clusters)
    count = len(parts)
    return ratio, float(np.sqrt((parts**2).sum() * count / max(count - 1, 1)) / abs(total))
