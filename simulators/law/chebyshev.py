"""Averages of a smooth function over shifts, interpolated at Chebyshev nodes. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

CHEBYSHEV_NODES = 48


def mean_response(
    base: np.ndarray, offsets: np.ndarray, weights: np.ndarray, mean: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """``sum_i weights_i mean(base + offsets_i)``, elementwise in base.

    Args:
        base: Any shape.
        offsets: Shape (m,).
        weights: Shape (m,), summing to 1.
        mean: The link's mean function.
    """
    low, high = float(base.min()), float(base.max())
    if high - low < 1e-12:
        return np.full(base.shape, float(mean(low + offsets) @ weights))
    if base.size <= CHEBYSHEV_NODES:
        return mean(base[..., None] + offsets) @ weights
    angles = (np.arange(CHEBYSHEV_NODES) + 0.5) * np.pi / CHEBYSHEV_NODES
    nodes = 0.5 * (low + high) + 0.5 * (high - low) * np.cos(angles)
    values = mean(nodes[:, None] + offsets) @ weights
    fitted = np.polynomial.chebyshev.chebfit(np.cos(angles), values, CHEBYSHEV_NODES - 1)
    return np.polynomial.chebyshev.chebval((2 * base - low - high) / (high - low), fitted)
