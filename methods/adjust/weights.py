"""Adjustments that reweight rows: propensities logged, or a density ratio estimated.

Target weight ``w = P_int(x|p) / P(x|p,z)``: under it a text is independent of the covariates.
The estimated form is ``P(z|p) / P(z|x,p)``, the odds of a classifier that tells real rows
from rows whose covariates were permuted within the prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Harness, Log
from methods.adjust.features import base_columns, covariate_columns
from methods.adjust.logistic import fit_logistic
from methods.adjust.partial import cross_folds
from methods.adjust.ridge import fit_ridge
from methods.adjust.scored import Scored, partial_out, score_at_face_value


@dataclass(frozen=True)
class LoggedWeights:
    """Inverse probability weights from logged propensities, scaled to mean one (Hajek 1971).

    Attributes:
        clip: Largest weight relative to the mean, or None.
    """

    clip: float | None = None

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Weight rows by target over logging propensity."""
        scored = score_at_face_value(log, harness)
        return weigh(scored, clip_weights(logged_ratio(scored.log), self.clip))


@dataclass(frozen=True)
class EstimatedWeights:
    """Inverse probability weights from a permutation classifier.

    Attributes:
        clip: Largest weight relative to the mean.
        folds: Cross-fitting folds of the text summary and the classifier.
        permutations: Permuted copies of the log the classifier sees.
    """

    clip: float = 20.0
    folds: int = 5
    permutations: int = 4

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Weight rows by the estimated density ratio."""
        scored = score_at_face_value(log, harness)
        fold = cross_folds(scored.log, harness, self.folds)
        ratio = density_ratio(scored, fold, harness.rng("permutation"), self.permutations)
        return weigh(scored, clip_weights(ratio, self.clip))


def weigh(scored: Scored, weight: np.ndarray) -> Scored:
    """Weighted rows whose regression partials out prompts and contexts."""
    return partial_out(scored.with_weight(weight), base_columns(scored.log))


def logged_ratio(log: Log) -> np.ndarray:
    """``P_int(x|p) / P(x|p,z)`` as logged, shape (n,)."""
    return log.numbers("target_propensity") / log.numbers("propensity")


def clip_weights(weight: np.ndarray, clip: float | None) -> np.ndarray:
    """Weights scaled to mean one, then cut at ``clip``; shape (n,)."""
    scaled = weight / weight.mean()
    return scaled if clip is None else np.minimum(scaled, clip)


def density_ratio(
    scored: Scored, fold: np.ndarray, rng: np.random.Generator, permutations: int
) -> np.ndarray:
    """Out-of-fold estimate of ``P(z|p) / P(z|x,p)``, shape (n,).

    Texts are first summarised by their predictions of the covariates: where texts respond to
    covariates log-linearly, ``log P(x|z) = z'Mx + ...``, these few numbers hold all that texts
    say about covariates. The classifier then sees summary, covariates, and their products.
    """
    columns = covariate_columns(scored.log)
    if not columns.shape[1]:
        return np.ones(len(columns))
    within = _permute_within(scored.log.prompts, rng, permutations)
    ratio = np.ones(len(columns))
    for k in np.unique(fold):
        held = fold == k
        summary = _summarise(scored.texts, columns, ~held)
        train = np.flatnonzero(~held)
        real = _products(summary[train], columns[train])
        fake = np.concatenate([_products(summary[train], columns[rows[train]]) for rows in within])
        weight = np.r_[np.full(len(real), 1.0), np.full(len(fake), 1.0 / permutations)]
        label = np.r_[np.ones(len(real)), np.zeros(len(fake))]
        design = np.concatenate([real, fake])
        centre, scale = design.mean(axis=0), design.std(axis=0)
        scale[scale < 1e-12] = np.inf
        fit = fit_logistic(_standard(design, centre, scale), label, weight)
        held_design = _standard(_products(summary[held], columns[held]), centre, scale)
        ratio[held] = np.exp(-np.clip(fit.predict(held_design), -12.0, 12.0))
    return ratio


def _summarise(texts: np.ndarray, columns: np.ndarray, train: np.ndarray) -> np.ndarray:
    summary = fit_ridge(texts[train], columns[train]).predict(texts)
    scale = summary[train].std(axis=0)
    return (summary - summary[train].mean(axis=0)) / np.where(scale > 1e-12, scale, np.inf)


def _products(summary: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Summary, covariates, their products, and the squares on either side.

    The squares carry the two normalising terms of the ratio: ``log P(x|p)``, a log-sum of
    exponentials in the summary, and the log-partition of ``P(x|p,z)``, one in the covariates.
    """
    crossed = (summary[:, :, None] * columns[:, None, :]).reshape(len(summary), -1)
    return np.column_stack([summary, columns, crossed, _squares(summary), _squares(columns)])


def _squares(values: np.ndarray) -> np.ndarray:
    """Products of every pair of columns, shape (n, d (d + 1) / 2)."""
    first, second = np.triu_indices(values.shape[1])
    return values[:, first] * values[:, second]


def _standard(design: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.column_stack([(design - centre) / scale, np.ones(len(design))])


def _permute_within(prompts: np.ndarray, rng: np.random.Generator, permutations: int) -> list[np.ndarray]:
    """Row permutations that keep every prompt's rows together."""
    _, group = np.unique(prompts.astype(str), return_inverse=True)
    slots = np.argsort(group, kind="stable")
    made = []
    for _ in range(permutations):
        rows = np.empty(len(prompts), dtype=np.int64)
        rows[slots] = np.lexsort((rng.random(len(prompts)), group))
        made.append(rows)
    return made
