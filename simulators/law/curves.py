"""Curves: smooth functions of a number as Chebyshev series on one range. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NODES = 48


@dataclass(frozen=True, eq=False)
class Curves:
    """Polynomials on one range.

    Attributes:
        series: Chebyshev coefficients, shape (G, N).
        span: The range.
    """

    series: np.ndarray
    span: tuple[float, float]

    @classmethod
    def through(cls, values: np.ndarray, span: tuple[float, float]) -> Curves:
        """The polynomials with given values at ``place_nodes``, values of shape (G, N)."""
        return cls(values @ _cosines(values.shape[-1]).T, span)

    def at(self, which: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Values of chosen curves at chosen points; arguments of one shape, which is returned."""
        scaled = _scale(x, self.span)
        after, latest = np.zeros_like(scaled), np.zeros_like(scaled)
        for column in self.series.T[:0:-1]:  # Clenshaw's recurrence, a column of coefficients at a time
            latest, after = column[which] + 2 * scaled * latest - after, latest
        return np.asarray(self.series[:, 0][which] + scaled * latest - after)


def place_nodes(n_nodes: int, span: tuple[float, float]) -> np.ndarray:
    """Chebyshev nodes of a range, shape (n_nodes,)."""
    return 0.5 * (span[0] + span[1]) + 0.5 * (span[1] - span[0]) * np.cos(_angles(n_nodes))


def interpolation_matrix(n_nodes: int, span: tuple[float, float], points: np.ndarray) -> np.ndarray:
    """What takes values at ``place_nodes`` to values of their interpolating polynomial at points.

    Args:
        n_nodes: How many nodes.
        span: Their range; a range of no width has one value.
        points: Shape (m,).

    Returns:
        Shape (m, n_nodes), rows summing to 1.
    """
    return np.asarray(
        np.polynomial.chebyshev.chebvander(_scale(points, span), n_nodes - 1) @ _cosines(n_nodes)
    )


def _angles(n_nodes: int) -> np.ndarray:
    return (np.arange(n_nodes) + 0.5) * np.pi / n_nodes


def _cosines(n_nodes: int) -> np.ndarray:
    """Values at the nodes to Chebyshev coefficients, by discrete orthogonality of cosines."""
    table = np.cos(np.outer(np.arange(n_nodes), _angles(n_nodes))) * 2 / n_nodes
    table[0] /= 2
    return table


def _scale(points: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    half = 0.5 * (span[1] - span[0])
    return (points - 0.5 * (span[0] + span[1])) / half if half > 0 else np.zeros_like(points)
