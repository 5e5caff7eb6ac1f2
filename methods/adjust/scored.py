"""What an adjustment hands on: a value and a weight for each row, and how to regress them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from benchmark.contract import Harness, Incompatible, Log
from methods.adjust.features import TextFeatures, base_columns
from methods.adjust.ridge import Gram, RidgeFit, project

PER_ROW = ("text_mean", "value_mean")


@dataclass(frozen=True, eq=False)
class Scored:
    """The rows of a log after an adjustment.

    Attributes:
        log: The rows kept (those with an outcome), n of them.
        features: Encodes texts, of the log and of queries alike.
        texts: The rows' text features, shape (n, d).
        value: Outcome with confounding removed, as far as the adjustment can; shape (n,).
        weight: Importance of each row, mean one, shape (n,).
        nuisances: Arrays a regression on text features takes into account:
            ``text_mean`` (n, d) and ``value_mean`` (n,) are conditional means given what was
            adjusted for, subtracted from both sides (Robinson 1988); ``anchor`` (d,) is a
            coefficient the fit is shrunk towards; ``spent`` () degrees of freedom used.
        diagnostics: Named numbers to report.
    """

    log: Log
    features: TextFeatures
    texts: np.ndarray
    value: np.ndarray
    weight: np.ndarray
    nuisances: Mapping[str, np.ndarray] = field(default_factory=dict)
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    def with_nuisances(self, **nuisances: np.ndarray) -> Scored:
        """A copy with some nuisances replaced."""
        return replace(self, nuisances={**self.nuisances, **nuisances})

    def with_diagnostics(self, **diagnostics: float) -> Scored:
        """A copy that reports more."""
        return replace(self, diagnostics={**self.diagnostics, **diagnostics})

    def take(self, rows: np.ndarray) -> Scored:
        """Some rows, by index; their weights keep their scale."""
        nuisances = {n: a[rows] if n in PER_ROW else a for n, a in self.nuisances.items()}
        return replace(
            self,
            log=self.log.take(rows),
            texts=self.texts[rows],
            value=self.value[rows],
            weight=self.weight[rows],
            nuisances=nuisances,
        )

    def with_weight(self, weight: np.ndarray) -> Scored:
        """A copy with weights scaled to mean one, reporting their effective sample size."""
        scaled = replace(self, weight=weight / weight.mean())
        return scaled.with_diagnostics(effective_share=effective_share(weight))


class Adjust(Protocol):
    """``Log -> Scored``: what removes confounding, or does not."""

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score the rows of an outcome log."""
        ...


def score_at_face_value(log: Log, harness: Harness) -> Scored:
    """The rows with an outcome, at face value and equal weight.

    Raises:
        Incompatible: If no row has an outcome.
    """
    if log.has("observed"):
        rows = np.flatnonzero(log.numbers("observed") == 1)
        if not len(rows):
            raise Incompatible("no row of this log has an outcome")
        log = log.take(rows)
    features = TextFeatures.learn(log, harness)
    return Scored(log, features, features.of_log(log), log.outcomes, np.ones(len(log)))


def score_by_judge(log: Log, harness: Harness) -> Scored:
    """Every row, valued by the judge."""
    features = TextFeatures.learn(log, harness)
    return Scored(log, features, features.of_log(log), log.numbers("judge"), np.ones(len(log)))


def partial_out(scored: Scored, columns: np.ndarray) -> Scored:
    """Let the regression partial out some columns exactly (intercept among them), (n, q)."""
    both = np.column_stack([scored.texts, scored.value])
    means, rank = project(columns, both, scored.weight)
    return scored.with_nuisances(
        text_mean=means[:, :-1], value_mean=means[:, -1], spent=np.array(float(rank))
    )


def solve(scored: Scored) -> tuple[Gram, RidgeFit, np.ndarray]:
    """Regress the value on text features, by ridge.

    Returns:
        The Gram matrix, the fit, and the coefficients including any anchor, shape (d,).
    """
    nuisances = scored.nuisances
    left = scored.value - nuisances.get("value_mean", 0.0)
    right = scored.texts - nuisances.get("text_mean", 0.0)
    anchor = nuisances.get("anchor", np.zeros(right.shape[1]))
    gram = Gram(right, scored.weight)
    fit = gram.solve(left - right @ anchor, float(nuisances.get("spent", 1.0)))
    return gram, fit, fit.coefficient + anchor


def subtract_rest(scored: Scored) -> Scored:
    """Move the covariates' own effect, ``E[Y|z] - E[x|z]'b``, out of the value.

    The regression's two sides are unchanged; pairs built from the value gain by it. What
    prompts and contexts explain stays in the value.
    """
    _, _, coefficient = solve(scored)
    own = scored.nuisances["value_mean"] - scored.nuisances["text_mean"] @ coefficient
    level, _ = project(base_columns(scored.log), own)
    moved = replace(scored, value=scored.value - (own - level))
    return moved.with_nuisances(value_mean=scored.nuisances["value_mean"] - (own - level))


def effective_share(weight: np.ndarray) -> float:
    """Effective sample size of weights as a share of the rows, in (0, 1]."""
    return float(weight.sum() ** 2 / (len(weight) * (weight**2).sum()))


def split_folds(log: Log, rng: np.random.Generator, folds: int) -> np.ndarray:
    """Balanced fold numbers that depend on the rows' contents, not on their order; shape (n,)."""
    _, texts = np.unique(log.texts.astype(str), return_inverse=True)
    _, prompts = np.unique(log.prompts.astype(str), return_inverse=True)
    order = np.lexsort((*log.covariates.T, log.outcomes, prompts, texts))
    assigned = np.empty(len(log), dtype=np.int64)
    assigned[order] = rng.permutation(np.arange(len(log)) % max(min(folds, len(log)), 1))
    return assigned
