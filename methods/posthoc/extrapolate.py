"""Extrapolation: go further along the line from the starting weights to the trained ones."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.contract import Fitted, Harness, Model
from benchmark.harness.training.model import blend


def extrapolate(trained: Model, start: Model, alpha: float) -> Model:
    """ExPO: ``theta + alpha (theta - theta_start)`` over all parameters.

    Amplifies whatever direction was learnt, bias included. Not XPO (exploratory PO) nor EXO
    (``exo_pair`` in TRL).

    Source: Zheng et al. 2025 (arXiv 2404.16792): alpha .3 to .5 for public models, larger for
    under-trained ones.

    Args:
        trained: theta.
        start: theta_start, of the same architecture.
        alpha: 0 changes nothing.
    """
    return blend([trained, start], [1.0 + alpha, -alpha])


@dataclass(frozen=True)
class ExPO:
    """Extrapolate the trained policy away from the reference it started from.

    Attributes:
        alpha: See ``extrapolate``.
    """

    alpha: float = 0.5

    def __call__(self, fitted: Fitted, model: Model, harness: Harness) -> Fitted:
        """The extrapolated policy."""
        return harness.fitted_policy(extrapolate(model, harness.policy(), self.alpha))
