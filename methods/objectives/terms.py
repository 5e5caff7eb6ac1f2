"""Terms that losses share: log ratios, pair margins, per-example weights.

A loss is called as ``loss(scores, batch)`` and returns one number an example, shape (K, B): K
models trained side by side, B examples. It may know nothing but what it is handed: the scores of
the current models (and of the reference) and the columns of the training set. Losses are frozen
dataclasses, so that equal losses compare equal and their trainings can be stacked.
"""

from __future__ import annotations

from torch import Tensor

from benchmark.harness.training.model import Batch, FieldScores, Scores

__all__ = ["Batch", "FieldScores", "Scores", "log_ratio", "log_ratio_margin", "value_margin", "weigh"]


def log_ratio(score: FieldScores) -> Tensor:
    """``h = log pi - log pi_ref``, shape (K, B)."""
    return score.value - score.reference


def log_ratio_margin(scores: Scores, per_token: bool = False) -> Tensor:
    """``d = h(chosen) - h(rejected)``, shape (K, B); each ``h`` divided by its length if asked."""
    chosen, rejected = scores["chosen"], scores["rejected"]
    if per_token:
        return log_ratio(chosen) / chosen.length - log_ratio(rejected) / rejected.length
    return log_ratio(chosen) - log_ratio(rejected)


def value_margin(scores: Scores, per_token: bool = False) -> Tensor:
    """Chosen value minus rejected value with no reference, shape (K, B)."""
    chosen, rejected = scores["chosen"], scores["rejected"]
    if per_token:
        return chosen.value / chosen.length - rejected.value / rejected.length
    return chosen.value - rejected.value


def weigh(losses: Tensor, batch: Batch) -> Tensor:
    """Losses times the ``weight`` column (1 where there is none), shape (K, B).

    A weight of 2 counts an example twice in the sum over examples; nothing is renormalised here.
    """
    return losses * batch["weight"] if "weight" in batch else losses
