"""Comparisons: what pairs make texts look worth when people disagree, exactly.

Of two texts a and b, a person of kind g prefers a with probability ``sigmoid(u_g(a) - u_g(b))``. A reward
learnt from everybody's pairs is the Bradley-Terry projection of the mixture,

    min over r of  E_(g, a, b) [ -log P_r(preferred) ],   P_r(a over b) = sigmoid(r(a) - r(b)),

not the mean utility. Where the two texts of a pair are drawn independently, its order is that of the
Borda count ``P(a preferred to a random text)``, because ``E_b sigmoid(r(a) - r(b))`` grows with r(a).
Additive differences between people cancel within a pair.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from simulators.law.assignment import PromptLaw
from simulators.law.codes import all_attributes
from simulators.law.exact import Law
from simulators.law.feedback import Feedback
from simulators.law.outcome import Outcome


def utilities_of_kinds(
    law: Law, outcome: Outcome, contexts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kinds of people, alike in what they want and in the texts they are shown.

    Args:
        law: The logging rule over people.
        outcome: The structural equation.
        contexts: Context of each quadrature node, shape (m,).

    Returns:
        Utilities of each kind, shape (G, P, 2**K); a quadrature node of each, shape (G,); and the shares
        of kinds with each class of prompts, shape (G, classes), which sum to 1.
    """
    modifiers = outcome.modifiers(law.people)
    wanted = np.zeros((len(contexts), 0)) if modifiers is None else outcome.delta * modifiers
    marks = np.column_stack([contexts, wanted, law.probabilities]).round(12)
    _, nodes, kinds = np.unique(marks, axis=0, return_index=True, return_inverse=True)
    shares = np.zeros((len(nodes), law.weights.shape[1]))
    np.add.at(shares, kinds.ravel(), law.weights)
    utilities = outcome.base[contexts[nodes]]
    if modifiers is not None:
        utilities = utilities + (wanted[nodes] @ all_attributes(wanted.shape[1]).T)[:, None]
    return utilities, nodes, shares


def disagree(law: Law, outcome: Outcome, contexts: np.ndarray, feedback: Feedback) -> bool:
    """Whether pairs mislead about utilities: people want different things, or misreport what they want."""
    return feedback.misreports or len(utilities_of_kinds(law, outcome, contexts)[1]) > 1


def preference_table(
    law: Law, prompt_law: PromptLaw, outcome: Outcome, contexts: np.ndarray, feedback: Feedback
) -> np.ndarray:
    """The Bradley-Terry projection of the log's pairs, shape (V, P, 2**K), the same for every context.

    Rewards of a prompt are known up to a constant, which is set to give them the mean of the utilities.
    """
    utilities, nodes, shares = utilities_of_kinds(law, outcome, contexts)
    if len(nodes) == 1 and not feedback.misreports:
        return np.broadcast_to(utilities[0], outcome.base.shape).copy()
    _, n_prompts, n_codes = outcome.base.shape
    table = np.empty((n_prompts, n_codes))
    everything = np.arange(n_codes.bit_length() - 1)
    for c in range(shares.shape[1]):
        texts = law.given(everything, c)[nodes]
        share = shares[:, c] / shares[:, c].sum()
        prompts = np.flatnonzero(prompt_law.classes == c)
        # an intercept of the prompt cancels, so most prompts of a class share one problem
        centred = (utilities - utilities[..., :1])[:, prompts].round(12)
        flat = np.moveaxis(centred, 1, 0).reshape(len(prompts), -1)
        distinct, which = np.unique(flat, axis=0, return_inverse=True)
        shapes = [project_pairs(u.reshape(len(nodes), -1), texts, share, feedback.prefers) for u in distinct]
        for p, problem in zip(prompts, which.ravel(), strict=True):
            shown = share @ texts
            level = share @ (utilities[:, p] * texts).sum(axis=1)
            table[p] = shapes[problem] + level - shown @ shapes[problem]
    return np.broadcast_to(table, outcome.base.shape).copy()


def project_pairs(
    utilities: np.ndarray,
    texts: np.ndarray,
    shares: np.ndarray,
    prefers: Callable[[np.ndarray], np.ndarray] = expit,
) -> np.ndarray:
    """Bradley-Terry rewards of a mixture of people, by Newton's method.

    Args:
        utilities: By kind and text, shape (G, M).
        texts: Law of the texts each kind is shown, shape (G, M); the two of a pair are independent.
        shares: Shares of the kinds, shape (G,).
        prefers: Difference in utility to the chance that the first is written down as preferred.

    Returns:
        Rewards, shape (M,), with mean 0. A text that nobody is shown gets the mean utility.
    """
    mean = shares @ utilities
    seen = np.flatnonzero(shares @ texts > 0)
    u, p = utilities[:, seen], texts[:, seen]
    # texts that every kind values alike, up to a constant of the kind, are one alternative
    alike = np.unique((u - u[:, :1]).round(12), axis=1, return_inverse=True)[1].ravel()
    first = np.unique(alike, return_index=True)[1]
    n = len(first)
    p = np.stack([np.bincount(alike, row, n) for row in p])
    u = u[:, first]
    met, won = np.zeros((n, n)), np.zeros(n)
    for share, law, utility in zip(shares, p, u, strict=True):
        together = share * np.outer(law, law)
        met += together
        won += (together * prefers(utility[:, None] - utility)).sum(axis=1)
    reward = mean[seen][first] - mean[seen][first].mean()
    for _ in range(50):
        chance = expit(reward[:, None] - reward)
        gap = won - (met * chance).sum(axis=1)
        bend = met * chance * (1 - chance)
        curvature = np.diag(bend.sum(axis=1)) - bend + bend.sum() / n**2
        step = np.linalg.solve(curvature, gap)
        # no further than a unit a step: far out the logistic is flat and Newton overshoots
        reward = reward + step / max(1.0, np.abs(step).max())
        if np.abs(step).max() < 1e-10:
            break
    found = mean.copy()
    found[seen] = reward[alike]
    return found - found.mean()


def measure_borda_regret(law: Law, prompt_law: PromptLaw, outcome: Outcome, contexts: np.ndarray) -> float:
    """Normalised regret of the Borda count as a guide to mean utility, both over the target population.

    0 where the two order texts alike, over pairs from P_int; 0.5 is a coin.
    """
    utilities, nodes, shares = utilities_of_kinds(law, outcome, contexts)
    if len(nodes) == 1:
        return 0.0
    total, lost, at_stake = shares.sum(axis=1), 0.0, 0.0
    for c, text_law in enumerate(law.by_code):
        prompt = int(np.flatnonzero(prompt_law.classes == c)[0])
        u = utilities[:, prompt]
        counts = sum(share * (expit(v[:, None] - v) @ text_law) for share, v in zip(total, u, strict=True))
        mean = total @ u
        better, ahead = mean[:, None] - mean, np.asarray(counts)[:, None] - counts
        weight = np.outer(text_law, text_law) * np.abs(better)
        lost += float((weight * np.where(np.abs(ahead) < 1e-12, 0.5, better * ahead < 0)).sum())
        at_stake += float(weight.sum())
    return lost / at_stake if at_stake else 0.0
