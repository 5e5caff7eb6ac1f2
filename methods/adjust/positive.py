"""Positive-unlabelled feedback: a positive is seen if the text pleases and its reader acts.

``P(positive | x, z) = s(f(x)) s(g(z))``, the preference f a function of the text and the inclination to act g
of the covariates alone. A missing positive is then no sign of dislike, because it may mean that the reader
did not act. The model is identified where either factor varies with the other fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit


@dataclass(frozen=True, eq=False)
class PositiveUnlabelled:
    """A fitted product of two logistic factors.

    Attributes:
        preference: Coefficients of the text features, shape (d,).
        inclination: Coefficients of the actor's columns, shape (q,).
        log_likelihood: Mean over rows, at the optimum.
    """

    preference: np.ndarray
    inclination: np.ndarray
    log_likelihood: float


def fit_positive_unlabelled(
    texts: np.ndarray, people: np.ndarray, positive: np.ndarray, penalty: float, iterations: int = 200
) -> PositiveUnlabelled:
    """Maximise the penalised likelihood of the product model.

    Source: the four latent strata (pleased or not, acting or not) of ImplicitRM (2026, arXiv 2603.23184)
    with independent factors; a reconstruction. The form is that of Elkan & Noto 2008 and Bekker,
    Robberechts & Davis 2019, where labelling depends on covariates.

    Args:
        texts: Shape (n, d), an intercept among them.
        people: Shape (n, q), an intercept among them.
        positive: 1 where something positive was seen, shape (n,).
        penalty: Ridge penalty of the preference (of ``penalty / 2 * |coefficient|^2``).
        iterations: Most quasi-Newton steps.
    """
    d = texts.shape[1]

    def loss(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
        f, g = texts @ coefficients[:d], people @ coefficients[d:]
        log_chance = log_expit(f) + log_expit(g)
        # The floor keeps log(1 - P) finite where both factors are near one.
        log_rest = np.log(np.maximum(-np.expm1(log_chance), 1e-12))
        value = -(positive @ log_chance + (1 - positive) @ log_rest)
        # d/dP log-likelihood times P: 1 for a positive, -P/(1-P) otherwise.
        pull = np.where(positive == 1, 1.0, -np.exp(log_chance - log_rest))
        slope = np.r_[-texts.T @ (pull * expit(-f)), -people.T @ (pull * expit(-g))]
        shrink = np.r_[penalty * coefficients[:d], 1e-3 * coefficients[d:]]
        return value + 0.5 * float(shrink @ coefficients), slope + shrink

    found = minimize(loss, np.zeros(d + people.shape[1]), jac=True, method="L-BFGS-B",
                     options={"maxiter": iterations})  # fmt: skip
    return PositiveUnlabelled(found.x[:d], found.x[d:], -float(found.fun) / len(positive))
