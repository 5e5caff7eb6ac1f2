"""Attribute vectors as integer codes, and averages over all of them.

Bit k of a code is attribute k. Every table of a world has one column a code, so
enumeration is indexing. Pure arithmetic: knows no world.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np


@lru_cache(maxsize=16)
def all_attributes(n_attributes: int) -> np.ndarray:
    """Every attribute vector, shape (2**K, K), float64, read-only; row c is code c."""
    codes = np.arange(2**n_attributes)
    table = ((codes[:, None] >> np.arange(n_attributes)) & 1).astype(np.float64)
    table.flags.writeable = False
    return table


def encode(attributes: np.ndarray) -> np.ndarray:
    """Codes of attribute vectors, shape (..., K) to (...), int64."""
    attributes = np.asarray(attributes)
    return attributes.astype(np.int64) @ (1 << np.arange(attributes.shape[-1]))


def product_law(probabilities: np.ndarray) -> np.ndarray:
    """P(code) for independent attributes.

    Args:
        probabilities: P(a_k = 1), shape (..., K).

    Returns:
        Shape (..., 2**K).
    """
    law = np.ones((*probabilities.shape[:-1], 1))
    for k in range(probabilities.shape[-1]):
        p = probabilities[..., k, None]
        law = np.concatenate([law * (1 - p), law * p], axis=-1)
    return law


def mean_contrasts(table: np.ndarray, marginals: np.ndarray) -> np.ndarray:
    """Attribute contrasts averaged over the other attributes.

    ``tau_k = sum over a_-k of P_int(a_-k) [T(a_k = 1, a_-k) - T(a_k = 0, a_-k)]``.

    Args:
        table: Values by code, shape (..., 2**K).
        marginals: P_int(a_k = 1), shape (..., K), broadcast against the leading axes.

    Returns:
        Shape (..., K).
    """
    n_attributes = marginals.shape[-1]
    columns = []
    for k in range(n_attributes):
        others = np.delete(np.arange(n_attributes), k)
        off = encode(np.insert(all_attributes(n_attributes - 1), k, 0, axis=1))
        law = product_law(marginals[..., others])
        columns.append(((table[..., off + (1 << k)] - table[..., off]) * law).sum(axis=-1))
    return np.stack(columns, axis=-1)


def toggled_contrasts(table: np.ndarray, law: np.ndarray) -> np.ndarray:
    """Attribute contrasts where attributes are not independent and some vectors do not exist.

    ``tau_k`` averages ``T(a_k = 1, a_-k) - T(a_k = 0, a_-k)`` over the prompts and the others'
    ``a_-k ~ P_int(a_-k | p)``, given that both vectors exist: draw a text from P_int, toggle the
    attribute, keep the pair if the toggled text can be written too. For independent attributes
    this is ``mean_contrasts`` averaged over prompts.

    Args:
        table: Values by prompt and code, shape (..., P, 2**K).
        law: P_int(code | prompt), shape (P, 2**K); a vector exists where it is above 0.

    Returns:
        Shape (..., K); NaN for an attribute that can never be toggled.
    """
    columns = []
    for on, off, weight in map(partial(toggles, law), range(law.shape[-1].bit_length() - 1)):
        total = weight.sum()
        moved = ((table[..., on] - table[..., off]) * weight).sum(axis=(-2, -1))
        columns.append(moved / total if total > 0 else np.full(np.shape(moved), np.nan))
    return np.stack(columns, axis=-1)


def toggles(law: np.ndarray, attribute: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes that differ in one attribute alone, and how much each such pair counts.

    Args:
        law: P_int(code | prompt), shape (P, 2**K).
        attribute: k.

    Returns:
        Codes with the attribute and without it, shape (2**(K - 1),), and the probability of the
        other attributes where both vectors exist, else 0, shape (P, 2**(K - 1)).
    """
    codes = np.arange(law.shape[-1])
    off = codes[(codes >> attribute) & 1 == 0]
    on = off + (1 << attribute)
    both = (law[:, on] > 0) & (law[:, off] > 0)
    return on, off, np.where(both, law[:, on] + law[:, off], 0.0)
