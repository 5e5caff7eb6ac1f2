"""How the texts of a log were chosen: how well covariates predict them, and what is left to compare.

The share of the phrases' variance that covariates predict, cross-fitted, is compared with what it is after
the covariates were permuted among rows. The effective share is that of inverse propensity weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from benchmark.advice.inspection.design import Design, predict_held_out
from benchmark.advice.inspection.estimate import Estimate, ratio_of_means
from benchmark.contract import make_rng

PERMUTATIONS = 99
PERMUTED_ROWS = 10_000
WEIGHTED_ROWS = 4_000
PERMUTED_COPIES = 4
LARGEST_WEIGHT = 20.0
STRETCHES = 10
STRETCH_ROWS = 200
NEAR_RANDOM = 0.1


@dataclass(frozen=True)
class Assignment:
    """How far covariates predict which text was shown.

    Attributes:
        predicted: Share of the phrases' variance that covariates predict on rows that were held out.
        null: The largest share that 95 % of permutations stay below.
        p_value: Share of permutations that predict at least as well.
        phrases: For each phrase its name and the share predicted of it, best first.
        effective_share: Rows that are left when texts are compared as if chosen at random, as a share; None
            where it cannot be estimated.
        stretches: Parts of the log in order of time, or by a category.
    """

    predicted: Estimate
    null: float
    p_value: float
    phrases: tuple[tuple[str, float], ...]
    effective_share: Estimate | None
    stretches: tuple[Stretch, ...]

    @property
    def is_predicted(self) -> bool:
        """Whether covariates predict texts better than chance allows."""
        return self.p_value <= 0.05 and self.predicted.low > 0


@dataclass(frozen=True)
class Stretch:
    """A part of the log.

    Attributes:
        name: What it is.
        rows: Its rows.
        predicted: Share of the phrases' variance that covariates predict there.
        near_random: Whether the whole interval is below a tenth of what is predicted in the whole log.
    """

    name: str
    rows: int
    predicted: Estimate
    near_random: bool


def describe_assignment(design: Design) -> Assignment | None:
    """How the texts were chosen, as far as covariates tell; None without covariates."""
    if not design.basis.shape[1]:
        return None
    rng = make_rng("advice", "assignment")
    texts, basis, fold = design.texts, design.basis, design.folds(rng)
    scale = texts.std(axis=0)
    standard = texts / np.where(scale > 1e-12, scale, np.inf)
    predicted = predict_held_out(standard, basis, fold)
    share = 1 - ((standard - predicted) ** 2).sum(axis=0) / np.maximum((standard**2).sum(axis=0), 1e-12)
    order = np.argsort(-share, kind="stable")
    null, p_value = _permute(design, standard, rng)
    whole = _share(standard, predicted, np.ones(len(design), bool), design.clusters)
    return Assignment(
        whole,
        null,
        p_value,
        tuple((design.phrases.names[k], float(share[k])) for k in order),
        effective_share(design),
        tuple(_find_stretches(design, standard, predicted, NEAR_RANDOM * whole.value)),
    )


def _share(
    standard: np.ndarray, predicted: np.ndarray, rows: np.ndarray, clusters: np.ndarray | None
) -> Estimate:
    total = (standard[rows] ** 2).sum(axis=1)
    error = ((standard[rows] - predicted[rows]) ** 2).sum(axis=1)
    group = None if clusters is None else np.unique(clusters[rows], return_inverse=True)[1]
    ratio, deviation = ratio_of_means(total - error, total, group)
    return Estimate.normal(ratio, deviation, most=1.0)


def _permute(design: Design, standard: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """The 95 % quantile of the null, and the p-value, on some of the rows.

    The statistic is the share explained within the sample: under permutation it is inflated exactly as the
    observed one is, so no rows need to be held out. Rows of a unit go together, so where units are recorded
    the covariates are shifted along rows in order of units instead of being permuted.
    """
    rows = np.sort(rng.permutation(len(design))[:PERMUTED_ROWS])
    units = None if design.clusters is None else np.argsort(design.clusters[rows], kind="stable")
    basis, texts = design.basis[rows], standard[rows]
    left, sizes, _ = np.linalg.svd(basis - basis.mean(axis=0), full_matrices=False)
    left = left[:, sizes > 1e-9 * sizes.max()].astype(np.float32)
    centred = (texts - texts.mean(axis=0)).astype(np.float32)
    total = float((centred**2).sum())

    def explained(order: np.ndarray) -> float:
        return float(((left[order].T @ centred) ** 2).sum()) / total

    def permute() -> np.ndarray:
        if units is None:
            return rng.permutation(len(rows))
        order = np.empty(len(rows), dtype=np.int64)
        order[units] = np.roll(units, int(rng.integers(1, len(rows))))
        return order

    observed = explained(np.arange(len(rows)))
    drawn = np.array([explained(permute()) for _ in range(PERMUTATIONS)])
    # the share expected of a permuted basis is taken off, so that the bound reads like a held-out share
    bound = float(np.quantile(drawn, 0.95) - drawn.mean())
    return bound, float((1 + (drawn >= observed).sum()) / (1 + PERMUTATIONS))


def effective_share(design: Design) -> Estimate | None:
    """Effective sample size of inverse propensity weights as a share of the rows.

    The weights are the odds of a classifier that tells rows from rows whose covariates were permuted (Arbour,
    Dimmery and Sondhi 2021), as in the method ``ipw-estimated``, on some of the rows; logged weights where
    both propensities are recorded. The interval is a bootstrap of the weights.
    """
    from methods.adjust.scored import Scored
    from methods.adjust.weights import clip_weights, density_ratio, logged_ratio

    rng, log = make_rng("advice", "weights"), design.log
    if log.has("propensity") and log.has("target_propensity"):
        weight = logged_ratio(log)
    else:
        rows = np.sort(rng.permutation(len(log))[:WEIGHTED_ROWS])
        log, held = log.take(rows), design.phrases.held[rows].astype(float)
        scored = Scored(log, cast(Any, None), held, log.outcomes, np.ones(len(log)))
        try:
            ratio = density_ratio(scored, design.folds(rng)[rows], rng, PERMUTED_COPIES)
        except np.linalg.LinAlgError:
            return None
        weight = clip_weights(ratio, LARGEST_WEIGHT)
    drawn = rng.choice(weight, (200, len(weight))) if len(weight) <= WEIGHTED_ROWS else weight[None]
    share = drawn.sum(axis=1) ** 2 / (drawn.shape[1] * (drawn**2).sum(axis=1))
    whole = float(weight.sum() ** 2 / (len(weight) * (weight**2).sum()))
    low, high = np.quantile(share, (0.025, 0.975))
    return Estimate(whole, min(float(low), whole), max(float(high), whole))


def _find_stretches(
    design: Design, standard: np.ndarray, predicted: np.ndarray, little: float
) -> list[Stretch]:
    """Parts of the log: tenths in order of time, and the levels of its categories."""
    parts: list[tuple[str, np.ndarray]] = []
    log = design.log
    if log.has("time"):
        time = log.numbers("time")
        tenth = np.argsort(np.argsort(time, kind="stable"), kind="stable") * STRETCHES // len(time)
        parts += [(f"time, part {k + 1} of {STRETCHES}", tenth == k) for k in range(STRETCHES)]
    for name in log.names("covariate"):
        values = log.numbers(f"covariate.{name}")
        levels = np.unique(values)
        if 2 <= len(levels) <= 12 and (levels == np.round(levels)).all():
            parts += [(f"{name} = {level:g}", values == level) for level in levels]
    found = []
    for name, rows in parts:
        if rows.sum() < STRETCH_ROWS:
            continue
        part = standard[rows] - standard[rows].mean(axis=0)
        around = predicted[rows] - predicted[rows].mean(axis=0)
        clusters = None if design.clusters is None else design.clusters[rows]
        share = _share(part, around, np.ones(len(part), bool), clusters)
        found.append(Stretch(name, int(rows.sum()), share, share.high < little))
    return found
