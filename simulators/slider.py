"""A 0 to 100 slider: the index in tens of points around the middle, cut off at both ends.

``Y = clip(50 + 10 (index + noise e), 0, 100)`` with e standard normal (a Tobit with two limits),
so answers pile up at the ends as they do on survey sliders.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import ndtr, ndtri

from simulators.law.feedback import Feedback

MIDDLE, POINTS, TOP = 50.0, 10.0, 100.0


def slider(noise: float = 1.0) -> Feedback:
    """The measurement.

    Args:
        noise: Standard deviation of the noise on the index, in tens of points.
    """
    return Feedback(
        "rating", partial(_mean, noise=noise), partial(_draw, noise=noise), noise_variance=noise**2
    )


def _mean(index: np.ndarray, noise: float) -> np.ndarray:
    centre, spread = MIDDLE + POINTS * index, POINTS * noise
    low, high = -centre / spread, (TOP - centre) / spread
    inside = centre * (ndtr(high) - ndtr(low)) + spread * (_density(low) - _density(high))
    return TOP * ndtr(-high) + inside


def _draw(index: np.ndarray, uniforms: np.ndarray, noise: float) -> np.ndarray:
    answer = MIDDLE + POINTS * (index + noise * ndtri(np.clip(uniforms, 1e-300, None)))
    return np.clip(answer, 0.0, TOP)


def _density(z: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
