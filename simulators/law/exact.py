"""Exact expectations: what a text is worth, and what the log makes it look worth.

Quadrature over people, enumeration over attribute vectors. For links other than the
identity the expectation is a smooth function of the base index and is interpolated at
Chebyshev nodes, to far below any Monte-Carlo error.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulators.law.assignment import PromptLaw, TextLaw
from simulators.law.codes import all_attributes, encode
from simulators.law.feedback import Feedback
from simulators.law.outcome import Outcome
from simulators.law.selection import Selection
from simulators.law.tabulated import TabulatedLaw

Law = TextLaw | TabulatedLaw
CHEBYSHEV_NODES = 48


def reward_table(
    law: Law, prompt_law: PromptLaw, outcome: Outcome, feedback: Feedback, contexts: np.ndarray
) -> np.ndarray:
    """``r*(v, p, a) = E_Q[Y | do(a), p, v]``, shape (V, P, 2**K).

    Args:
        law: Supplies the quadrature over people.
        prompt_law: What a prompt tells of people.
        outcome: The structural equation.
        feedback: The link.
        contexts: Context of each quadrature node, shape (m,).
    """
    alone = np.zeros(outcome.base.shape[-1], dtype=int)
    total, told = law.weights.sum(axis=1), prompt_law.codes_of(law.people)
    table = np.empty_like(outcome.base)
    for v, base in enumerate(outcome.base):
        for code in np.unique(prompt_law.codes):
            weights = total * (contexts == v) * (told == code)
            posterior = (weights / weights.sum())[:, None]
            prompts = prompt_law.codes == code
            table[v, prompts] = _mean_outcomes(base[prompts], posterior, alone, law, outcome, feedback)
    return table


def naive_table(
    law: Law,
    prompt_law: PromptLaw,
    outcome: Outcome,
    feedback: Feedback,
    contexts: np.ndarray,
    selection: Selection | None = None,
) -> np.ndarray:
    """``E[Y | a, p]`` among recorded rows of the log, shape (V, P, 2**K), the same for every context.

    Attribute vectors the rule never shows are given the additive least-squares
    extrapolation of those it does, which is where a linear reward model ends up.
    """
    n_attributes = outcome.base.shape[-1].bit_length() - 1
    told = law.responds if selection is None else law.responds | selection.selects
    telling = np.flatnonzero(told)
    groups = all_attributes(n_attributes)[:, telling].astype(int) @ (1 << np.arange(len(telling)))
    recorded = 1.0 if selection is None else selection.by_vector(law.people, telling)
    table = np.zeros_like(outcome.base)
    for c in range(law.weights.shape[1]):
        prompts = np.flatnonzero(prompt_law.classes == c)
        joint = law.weights[:, [c]] * law.given(telling, c) * recorded
        mass = joint.sum(axis=0)
        seen = mass > 1e-14 * mass.sum()
        values = np.zeros((len(prompts), len(groups)))
        for v, base in enumerate(outcome.base):
            here = joint * (contexts == v)[:, None]
            share = here.sum(axis=0)
            posterior = here / np.where(share > 0, share, 1.0)
            means = _mean_outcomes(base[prompts], posterior, groups, law, outcome, feedback)
            values += (share / np.where(seen, mass, 1.0))[groups] * means
        table[:, prompts] = _extrapolate(values, mass, seen, groups, len(telling))
    return table


def posteriors(
    law: Law, prompt_law: PromptLaw, n_codes: int, selection: Selection | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """How people are distributed given the text among recorded rows of the log.

    Args:
        law: The logging rule over people.
        prompt_law: Who asks for what.
        n_codes: 2**K.
        selection: Whose outcomes are recorded; None for all.

    Returns:
        P(node | group), shape (m, G), and the group of each prompt and code, shape (P, 2**K).
    """
    telling = np.flatnonzero(law.responds if selection is None else law.responds | selection.selects)
    groups = encode(all_attributes(n_codes.bit_length() - 1)[:, telling])
    recorded = 1.0 if selection is None else selection.by_vector(law.people, telling)
    joint = np.concatenate(
        [law.weights[:, [c]] * law.given(telling, c) * recorded for c in range(law.weights.shape[1])], axis=1
    )
    return joint / joint.sum(axis=0), (prompt_law.classes[:, None] << len(telling)) + groups


def _mean_outcomes(
    base: np.ndarray,
    posterior: np.ndarray,
    groups: np.ndarray,
    law: Law,
    outcome: Outcome,
    feedback: Feedback,
) -> np.ndarray:
    """Mean outcome by (prompt, code), people distributed as the posterior of the code's group."""
    pushed, modifiers = outcome.confounding(law.people), outcome.modifiers(law.people)
    prognosis = outcome.prognoses(law.people)
    if feedback.linear:
        shift = (posterior.T @ (prognosis + outcome.delta * pushed))[groups]
        if modifiers is not None:
            by_attribute = (posterior.T @ modifiers)[groups]
            shift = shift + outcome.delta * (by_attribute * all_attributes(modifiers.shape[1])).sum(axis=1)
        return base + shift
    means = np.empty_like(base)
    offsets = prognosis + outcome.delta * pushed
    if modifiers is None:
        for group in range(posterior.shape[1]):
            codes = groups == group
            means[:, codes] = mean_response(base[:, codes], offsets, posterior[:, group], feedback.mean)
        return means
    for code, attributes in enumerate(all_attributes(modifiers.shape[1])):
        moved = offsets + outcome.delta * (modifiers @ attributes)
        means[:, code] = mean_response(base[:, code], moved, posterior[:, groups[code]], feedback.mean)
    return means


def _extrapolate(
    values: np.ndarray, mass: np.ndarray, seen: np.ndarray, groups: np.ndarray, n_responding: int
) -> np.ndarray:
    if seen.all():
        return values
    n_attributes = len(groups).bit_length() - 1
    design = np.column_stack([np.ones(len(groups)), all_attributes(n_attributes)])
    rows = seen[groups]
    root = np.sqrt(mass[groups] / 2 ** (n_attributes - n_responding))[:, None]
    fitted = np.linalg.lstsq(design[rows] * root[rows], values.T[rows] * root[rows], rcond=1e-10)[0]
    return np.where(rows, values, (design @ fitted).T)


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
