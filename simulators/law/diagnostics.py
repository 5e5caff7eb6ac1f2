"""Diagnostics: how much of what is measured is due to confounding, and how far majorities mislead."""

from __future__ import annotations

import numpy as np

from simulators.law.codes import all_attributes
from simulators.law.exact import Law
from simulators.law.feedback import Feedback
from simulators.law.outcome import Outcome


def measure_confounding(
    law: Law, outcome: Outcome, feedback: Feedback, text_law: np.ndarray, context_weights: np.ndarray
) -> float:
    """Share of the index's variance that is due to confounding, when texts are randomised.

    Prognostic columns are standardised and independent; measurement noise counts with the
    variance of its latent scale.

    Args:
        law: The logging rule over people.
        outcome: The structural equation.
        feedback: How the outcome is measured.
        text_law: P_int(code | p), shape (P, 2**K).
        context_weights: Share of each context, shape (V,).
    """
    weights = law.weights.sum(axis=1)
    pushed, modifiers = outcome.confounding(law.people), outcome.modifiers(law.people)
    by_code = text_law.mean(axis=0)
    if modifiers is None:
        confounded = weights @ (pushed - weights @ pushed) ** 2
    else:
        total = pushed[:, None] + modifiers @ all_attributes(modifiers.shape[1]).T
        confounded = float((weights @ total**2) @ by_code - ((weights @ total) @ by_code) ** 2)
    confounded *= outcome.delta**2
    shares = text_law[None] * context_weights[:, None, None]
    shares = shares / shares.sum()
    mean = (shares * outcome.base).sum()
    textual = (shares * (outcome.base - mean) ** 2).sum()
    rest = float(outcome.prognosis @ outcome.prognosis) + feedback.noise_variance
    return float(confounded / (confounded + textual + rest))


def regress_additively(table: np.ndarray, law: np.ndarray) -> np.ndarray:
    """Where an additive regression on attributes and prompts ends up, shape (K,).

    Args:
        table: E[Y | p, a] in the log, shape (P, 2**K).
        law: P(code | p) in the log, shape (P, 2**K); prompts count alike.
    """
    attributes = all_attributes(table.shape[1].bit_length() - 1)
    means = law @ attributes
    second = np.einsum("c,ck,cl->kl", law.sum(axis=0), attributes, attributes) - means.T @ means
    values = (law * table).T.sum(axis=1) @ attributes - (law * table).sum(axis=1) @ means
    return np.asarray(np.linalg.lstsq(second, values, rcond=1e-10)[0])
