"""Values of reusable texts (arms), and a softmax policy over them.

Three estimates of an arm's value, prompt by prompt: inverse propensity scores (IPS), their
self-normalised form, and kernel smoothing over similar texts (DSO). The policy is linear in
text features, so that it has probabilities for arms that were never logged too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from benchmark.contract import Log
from methods.adjust.scored import Scored


@dataclass(frozen=True, eq=False)
class Arms:
    """The distinct arms of a log.

    Attributes:
        row: A row of the log for each arm, shape (m,).
        of_row: Arm of each row, shape (n,).
        prompt: Prompt number of each arm, shape (m,).
        rows_a_prompt: Rows of each arm's prompt, shape (m,).
    """

    row: np.ndarray
    of_row: np.ndarray
    prompt: np.ndarray
    rows_a_prompt: np.ndarray

    @classmethod
    def of(cls, log: Log) -> Arms:
        """The arms of a log, told apart by id and prompt."""
        _, prompt = np.unique(log.prompts.astype(str), return_inverse=True)
        keys = np.column_stack([prompt, log.numbers("arm")])
        _, row, of_row = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        return cls(row, of_row.ravel(), prompt[row], np.bincount(prompt)[prompt[row]])


@dataclass(frozen=True, eq=False)
class ArmValues:
    """What is known of arms.

    Attributes:
        base: Share of each arm under the uniform policy over all arms, logged or not, up to a factor a
            prompt; shape (m,).
        value: Estimated values, shape (m,).
    """

    base: np.ndarray
    value: np.ndarray


Valuation = Callable[[Scored, Arms], ArmValues]


def inverse_propensity_values(scored: Scored, arms: Arms) -> ArmValues:
    """``q(a) = sum_i 1[arm i = a] y_i / e_i / rows of the prompt``: unbiased, 0 for what was not logged."""
    total = _sum_by_arm(scored.value / scored.log.numbers("propensity"), arms)
    return ArmValues(np.ones(len(total)), total / arms.rows_a_prompt)


def self_normalised_values(scored: Scored, arms: Arms) -> ArmValues:
    """Arm means, each arm standing for ``sum_i 1[arm i = a] / e_i`` arms of the stock.

    With ``pi(a) = base(a) exp(theta'x) / sum`` the policy's value is ``sum_i w_i y_i / sum_i w_i`` with
    ``w_i = exp(theta'x_i) / e_i``: SNIPS (Swaminathan & Joachims 2015).
    """
    inverse = 1.0 / scored.log.numbers("propensity")
    base = _sum_by_arm(inverse, arms)
    return ArmValues(base, _sum_by_arm(inverse * scored.value, arms) / base)


def _sum_by_arm(values: np.ndarray, arms: Arms) -> np.ndarray:
    return np.bincount(arms.of_row, weights=values, minlength=len(arms.row))


@dataclass(frozen=True)
class KernelValues:
    """``sum_j K(a, x_j) y_j / e_K(j)`` over the same sum without y, by prompt: DSO.

    ``e_K(j) = E[K(x_j, x)]`` under the logging law given the row's slot is the smoothed logging density,
    estimated by the mean over rows of the same prompt and slot: no logged propensity is needed.

    Source: Kiyohara et al. 2025 (arXiv 2504.02646), Gaussian kernel; there the density is fitted by least
    squares and the sum is not normalised (reconstruction).

    Attributes:
        width: Kernel width as a multiple of the root mean square distance of logged texts.
        clip: Largest weight ``1 / e_K`` relative to the mean.
    """

    width: float = 0.2
    clip: float = 20.0

    def __call__(self, scored: Scored, arms: Arms) -> ArmValues:
        """Smoothed values, each arm standing for ``1 / e_K`` texts."""
        prompt = arms.prompt[arms.of_row]
        slots, slot = np.unique(scored.log.numbers("slot"), return_inverse=True)
        values, weights = np.empty(len(arms.row)), np.empty(len(slot))
        for p in np.unique(prompt):
            rows, asked = np.flatnonzero(prompt == p), np.flatnonzero(arms.prompt == p)
            arm = np.searchsorted(asked, arms.of_row[rows])
            spread = float(2.0 * scored.texts[rows].var(axis=0).sum())
            # Rows of one text share its distances, so the kernel is one of texts and counts stand for rows.
            distances = _squared_distances(scored.texts[arms.row[asked]])
            kernel = np.exp(-distances / (2.0 * self.width**2 * max(spread, 1e-12)))
            counts = np.zeros((len(asked), len(slots)))
            np.add.at(counts, (arm, slot[rows]), 1.0)
            # A text is no evidence of its own density: the row's own kernel, which is 1, is taken off.
            others = np.maximum(counts.sum(axis=0) - 1.0, 1.0)[slot[rows]]
            density = ((kernel @ counts)[arm, slot[rows]] - 1.0) / others
            weight = 1.0 / np.maximum(density, 1e-12)
            weight = weights[rows] = np.minimum(weight, self.clip * weight.mean())
            total = np.bincount(arm, weight * scored.value[rows], minlength=len(asked))
            values[asked] = (kernel @ total) / (kernel @ np.bincount(arm, weight, minlength=len(asked)))
        return ArmValues(_sum_by_arm(weights, arms), values)


def _squared_distances(texts: np.ndarray) -> np.ndarray:
    size = (texts**2).sum(axis=1)
    squared = np.maximum(size[:, None] + size - 2.0 * texts @ texts.T, 0.0)
    np.fill_diagonal(squared, 0.0)
    return squared


def fit_arm_policy(
    texts: np.ndarray, prompt: np.ndarray, known: ArmValues, price: float, ridge: float = 1e-2
) -> np.ndarray:
    """Coefficients theta of ``pi(a | p) = base(a) exp(theta'x_a) / sum over the prompt's arms``, shape (d,).

    Maximises ``mean over prompts of sum_a pi(a) q(a) - price KL(pi || base)`` less a small ridge, by
    quasi-Newton steps on the exact gradient.

    Args:
        texts: Features of the arms, shape (m, d).
        prompt: Prompt number of each arm, shape (m,).
        known: base and q of each arm.
        price: Price of a nat of divergence, in units of the values.
        ridge: Of ``ridge / 2 * |theta|^2``.
    """
    prompts, group = np.unique(prompt, return_inverse=True)
    groups = [np.flatnonzero(group == k) for k in range(len(prompts))]
    centred = np.concatenate([texts[rows] - texts[rows].mean(axis=0) for rows in groups])
    order = np.concatenate(groups)
    sizes = np.array([len(rows) for rows in groups])
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    base = known.base[order] / np.repeat(np.add.reduceat(known.base[order], starts), sizes)
    value = known.value[order]

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        logits = centred @ theta + np.log(base)
        normaliser = [logsumexp(part) for part in np.split(logits, starts[1:])]
        log_pi = logits - np.repeat(normaliser, sizes)
        pi = np.exp(log_pi)
        gain = value - price * (log_pi - np.log(base))
        mean = np.repeat(np.add.reduceat(pi * gain, starts), sizes)
        slope = centred.T @ (pi * (gain - mean)) / len(sizes)
        return 0.5 * ridge * float(theta @ theta) - float(pi @ gain) / len(sizes), ridge * theta - slope

    found = minimize(loss, np.zeros(texts.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return found.x
