"""Several references at once: MRPO's virtual reference, its clipping and its weights.

Arrays of reference log-probabilities have shape (n, R) or (K, B, R); index 0 on the last axis is
the primary reference, the policy's starting point. Which references are trustworthy is not known
here: ARWC favours whichever separates the (possibly confounded) labels most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from methods.objectives.pairwise import logistic
from methods.objectives.terms import Batch, Scores, value_margin


def virtual_reference(log_probabilities: Tensor, weights: Tensor) -> Tensor:
    """``log pi~ = -logsumexp_k(log a_k - l_k)``: the weighted harmonic mean of the references.

    By Jensen, ``sum_k a_k KL(pi || pi_k) <= KL(pi || pi~)``. Its normaliser cancels in a pair.

    Source: Le et al. 2025 (arXiv 2405.16388). Their public trainer for two references exchanges
    the weights; the formula is what is implemented.

    Args:
        log_probabilities: l_k, shape (..., R).
        weights: a_k, sum to 1, shape (..., R).

    Returns:
        Shape (...).
    """
    return -torch.logsumexp(torch.log(weights) - log_probabilities, dim=-1)


@dataclass(frozen=True)
class MRPO:
    """DPO against a virtual reference made of several.

    ``-log s(beta [lp(chosen) - l~(chosen) - lp(rejected) + l~(rejected)])``. Columns of shape
    (K, B, R): ``chosen_references``, ``rejected_references`` (log-probabilities, clipped with
    ``clip_references``), ``reference_weights`` (``separation_weights`` or constants).

    Source: Le et al. 2025; beta .1.

    Attributes:
        beta: As in DPO.
    """

    beta: float = 0.1

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        weights = batch["reference_weights"]
        chosen = virtual_reference(batch["chosen_references"], weights)
        rejected = virtual_reference(batch["rejected_references"], weights)
        return logistic(self.beta * (value_margin(scores) - chosen + rejected), batch)


def clip_references(
    chosen: np.ndarray, rejected: np.ndarray, epsilon: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """CTRO: every further reference held within a band around the primary one.

    The band of a side is ``[(1 + e) l_1, (1 - e) l_1]`` (log-probabilities are negative); the total
    epsilon is split by the size of each side's mean log-probability,
    ``e_chosen = epsilon |b+| / (|b+| + |b-|)``.

    Source: Le et al. 2025, as coded (a negative epsilon there means a fixed clip: not implemented).

    Args:
        chosen: Reference log-probabilities of chosen texts, shape (n, R).
        rejected: Of rejected texts, shape (n, R).
        epsilon: In (0, 1).

    Returns:
        Both arrays, clipped.
    """
    sizes = np.abs(chosen.mean(1)), np.abs(rejected.mean(1))
    share = sizes[0] / np.maximum(sizes[0] + sizes[1], 1e-12)
    return _clip_side(chosen, epsilon * share), _clip_side(rejected, epsilon * (1.0 - share))


def _clip_side(log_probabilities: np.ndarray, epsilon: np.ndarray) -> np.ndarray:
    primary = log_probabilities[:, :1]
    return np.clip(log_probabilities, (1.0 + epsilon)[:, None] * primary, (1.0 - epsilon)[:, None] * primary)


def separation_weights(chosen: np.ndarray, rejected: np.ndarray) -> np.ndarray:
    """ARWC: a pair's weights, proportional to ``|l_k(chosen) - l_k(rejected)|``, shape (n, R).

    Equal weights where no reference separates the pair. Source: Le et al. 2025, as coded; a
    follow-up (arXiv 2512.10040) calls it leakage, since weight and loss use the same label.

    Args:
        chosen: Shape (n, R).
        rejected: Shape (n, R).
    """
    gaps = np.abs(chosen - rejected)
    total = gaps.sum(1, keepdims=True)
    return np.where(total > 0, gaps / np.where(total > 0, total, 1.0), 1.0 / gaps.shape[1])
