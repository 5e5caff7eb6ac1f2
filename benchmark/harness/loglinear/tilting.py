"""Tilting pools by a reward, exactly: the optimum of expected reward under a KL penalty, and its KL.

``pi_b(x|p)`` proportional to ``pi_ref(x|p) exp(b r(x, p))`` maximises ``E r - KL(pi || pi_ref) / b``
(Rafailov et al. 2023, equation 4). All functions take pools side by side, in rows that may end in texts
of no weight (minus infinity).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

LARGEST = 1e8


def tilt(log_reference: np.ndarray, rewards: np.ndarray, factor: float) -> np.ndarray:
    """log pi_b of the texts of each pool, shape (pools, t).

    Args:
        log_reference: log pi_ref, shape (pools, t); rows sum to 1.
        rewards: Shape (pools, t), any scale.
        factor: b, one over the strength of the KL penalty.
    """
    logits = log_reference + factor * (rewards - rewards.max(axis=1, keepdims=True))
    return np.asarray(logits - logsumexp(logits, axis=1, keepdims=True))


def divergence(log_pi: np.ndarray, log_reference: np.ndarray) -> np.ndarray:
    """KL(pi || pi_ref) of each pool in nats, shape (pools,)."""
    inside = np.isfinite(log_pi)
    gap = np.where(inside, log_pi, 0.0) - np.where(inside, log_reference, 0.0)
    return np.asarray((np.exp(log_pi) * gap).sum(axis=1))


def tilt_to_divergence(log_reference: np.ndarray, rewards: np.ndarray, target: float) -> np.ndarray:
    """log pi_b with the one b at which the mean KL over pools is the target, shape (pools, t).

    Where no tilt gets that far, the one that comes nearest: the reference on each pool's best texts.

    Args:
        log_reference: log pi_ref, shape (pools, t).
        rewards: Shape (pools, t); a constant reward leaves the reference as it is.
        target: Mean KL in nats, at least 0.
    """
    inside = np.isfinite(log_reference)
    kept = np.where(inside, rewards, np.nan)
    spread = float(np.nanstd(kept, axis=1).mean())
    if not spread > 0 or target <= 0:
        return log_reference
    unit = np.where(inside, kept - np.nanmax(kept, axis=1, keepdims=True), 0.0) / spread

    def excess(factor: float) -> float:
        return float(divergence(tilt(log_reference, unit, factor), log_reference).mean()) - target

    if excess(LARGEST) <= 0:
        return tilt(log_reference, unit, LARGEST)
    high = 1.0
    while excess(high) < 0:
        high *= 2
    return tilt(log_reference, unit, float(brentq(excess, 0.0, high, xtol=1e-12)))
