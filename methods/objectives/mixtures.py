"""Latent annotator types: EM responsibilities, and the mixture with the least worst-type regret.

The numbers behind EM-DPO and MMRA; training each type's policy is a weighted DPO elsewhere. Types
say who differs, not what causes: with pairs across units, EM can take confounding for types.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.special import logsumexp


def sum_by_unit(log_likelihood: np.ndarray, units: np.ndarray, n_units: int) -> np.ndarray:
    """Log-likelihoods of pairs added up within units.

    Args:
        log_likelihood: ``log s(beta d_k)`` of each pair under each type, shape (types, n).
        units: Unit number of each pair, in [0, n_units), shape (n,).
        n_units: Number of units.

    Returns:
        Shape (types, n_units).
    """
    return np.stack([np.bincount(units, weights=row, minlength=n_units) for row in log_likelihood])


def update_responsibilities(unit_likelihood: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One E-step: who belongs to which type, and how common each type is.

    ``gamma[k, u] = softmax_k(log eta_k + unit_likelihood[k, u])``, then ``eta_k = mean_u gamma``.
    Symmetric starts are a saddle point: start from clusters or a skewed Dirichlet.

    Source: Chidambaram et al. 2024 (arXiv 2405.15065), as coded. Binary pairs do not identify
    types, rankings of three do (arXiv 2510.15716).

    Args:
        unit_likelihood: Log-likelihoods, shape (types, units).
        shares: eta, shape (types,), sums to 1.

    Returns:
        gamma, shape (types, units), and the new shares, shape (types,).
    """
    with np.errstate(divide="ignore"):  # a share of zero is a type nobody belongs to
        joint = np.log(shares)[:, None] + unit_likelihood
    gamma = np.exp(joint - logsumexp(joint, axis=0, keepdims=True))
    return gamma, gamma.mean(1)


def regret_matrix(log_ratios: np.ndarray, importance: np.ndarray | None = None) -> np.ndarray:
    """``R[i, j] = c_i (L[i, i] - L[i, j])``: type i's regret when policy j is served.

    Args:
        log_ratios: ``L[i, j]``, mean of ``log pi_i - log pi_ref`` over texts of policy j, shape
            (types, types).
        importance: c_i of the types, shape (types,); 1 if left out.
    """
    regret = np.diag(log_ratios)[:, None] - log_ratios
    return regret if importance is None else importance[:, None] * regret


def minimax_mixture(regret: np.ndarray) -> np.ndarray:
    """MMRA: weights of policies that minimise the largest regret over types, shape (policies,).

    ``min_w max(0, max_i (R w)_i)`` with w a distribution; the zero is the adversary's right to
    abstain. A linear programme; the paper's optimistic Hedge converges to the same weights where
    they are unique.

    Source: Chidambaram et al. 2024 (max-min regret aggregation).

    Args:
        regret: Shape (types, policies).
    """
    types, policies = regret.shape
    answer = linprog(
        c=np.append(np.zeros(policies), 1.0),
        A_ub=np.column_stack([regret, -np.ones(types)]),
        b_ub=np.zeros(types),
        A_eq=np.append(np.ones(policies), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0.0, None)] * (policies + 1),
        method="highs",
    )
    weights = np.clip(answer.x[:-1], 0.0, None)
    return weights / weights.sum()
