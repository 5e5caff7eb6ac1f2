"""Pairs of texts whose wording counts: what they make texts look worth when people disagree, exactly.

As in ``simulators.law.comparison``, a reward learnt from everybody's pairs is the Bradley-Terry
projection of the mixture. Here a text is an attribute vector and a shift W of its utility, alike for
everybody, and everybody is shown texts from one law. Its reward r solves, for every text x,

    E_y sigmoid(r(x) - r(y)) = E_g E_y P(a person of kind g prefers x to y),

with y from the log's law. Both sides are smooth functions of one number, kept as Chebyshev series.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from simulators.law.curves import interpolation_matrix, place_nodes

Function = Callable[[np.ndarray], np.ndarray]
NODES, ROUNDS, PRECISION = 64, 200, 1e-11


def project_worded_pairs(
    utilities: np.ndarray,
    shares: np.ndarray,
    law: np.ndarray,
    shifts: np.ndarray,
    prefers: Function = expit,
) -> np.ndarray:
    """Bradley-Terry rewards of a mixture of people.

    Args:
        utilities: By kind of people and code, shape (G, C).
        shares: Shares of the kinds, shape (G,).
        law: Weight of each code and shift in the log, shape (C, m), summing to 1; the weights over shifts
            may be those of a quadrature.
        shifts: W, shape (m,).
        prefers: Difference in utility to the chance that the first is written down as preferred.

    Returns:
        Rewards by code and shift, shape (C, m), whose mean over the log is that of the utilities.
    """
    felt = utilities[:, :, None] + shifts
    chances = law.ravel()
    won = sum(
        share * _average(own.ravel(), chances, prefers)[0] for share, own in zip(shares, felt, strict=True)
    )
    mean = np.tensordot(shares, felt, axes=1).ravel()
    reward = mean
    for _ in range(ROUNDS):
        expected, slope = _average(reward, chances, expit, _slope)
        step = (won - expected) / slope
        reward = reward + step / max(1.0, np.abs(step).max())
        reward = reward + chances @ (mean - reward)
        if np.abs(step).max() < PRECISION:
            break
    return np.asarray(reward.reshape(law.shape))


def _slope(gap: np.ndarray) -> np.ndarray:
    chance = expit(gap)
    return np.asarray(chance * (1 - chance))


def _average(values: np.ndarray, law: np.ndarray, *functions: Function) -> list[np.ndarray]:
    """``sum_y law_y f(values_x - values_y)`` of each function, each of the shape of ``values``."""
    span = float(values.min()), float(values.max())
    nodes, held = place_nodes(NODES, span), interpolation_matrix(NODES, span, values)
    gaps, weights = nodes[:, None] - nodes, law @ held
    return [held @ (function(gaps) @ weights) for function in functions]
