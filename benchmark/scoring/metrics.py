"""Metrics: pure functions of estimated and true rewards.

Nothing here knows a method, a file or a world; every function takes arrays. What each
number means stands in ``benchmark.contract.records.METRICS``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

TILT_KL = 1.0
NULL_SHARE = 0.25


def normalised_regret(estimated: np.ndarray, true: np.ndarray) -> float:
    """Regret of choosing by estimated differences, as a share of what there is to lose.

    ``rho = sum |dr*| 1[wrong] / sum |dr*|``; a tie costs half, ``dr* = 0`` is excluded.

    Args:
        estimated: Estimated reward differences of pairs, shape (m,), any scale.
        true: True reward differences, shape (m,).

    Returns:
        A number in [0, 1], .5 for a coin; NaN where every true difference is zero.
    """
    stakes = np.abs(true)
    total = stakes.sum()
    if not total > 0:
        return float("nan")
    return float((stakes * (1.0 - pair_credit(estimated, true))).sum() / total)


def pair_accuracy(estimated: np.ndarray, true: np.ndarray) -> float:
    """Share of pairs with a true difference that are ordered rightly; a tie counts half."""
    decided = true != 0
    return float(pair_credit(estimated, true)[decided].mean()) if decided.any() else float("nan")


def pair_credit(estimated: np.ndarray, true: np.ndarray) -> np.ndarray:
    """1 for a pair ordered rightly, 0 wrongly, .5 for an estimated tie; shape (m,)."""
    return (1.0 + np.sign(estimated) * np.sign(true)) / 2.0


def mean_kendall(estimated: np.ndarray, true: np.ndarray) -> float:
    """Kendall's tau-b within rows, averaged over rows.

    Args:
        estimated: Shape (prompts, m).
        true: Shape (prompts, m).

    Returns:
        A number in [-1, 1]: 0 for a row with constant estimates, NaN where no row's truth varies.
    """
    taus = []
    for guess, fact in zip(estimated, true, strict=True):
        if np.ptp(fact) == 0:
            continue
        taus.append(0.0 if np.ptp(guess) == 0 else float(stats.kendalltau(guess, fact).statistic))
    return float(np.mean(taus)) if taus else float("nan")


def mean_by_id(ids: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Mean of values for each id 0 .. count - 1, shape (count,) or (count, d); NaN without rows."""
    rows = np.bincount(ids, minlength=count)[:count].astype(np.float64)
    columns = values.reshape(len(values), math.prod(values.shape[1:]))
    sums = np.stack([np.bincount(ids, c, minlength=count)[:count] for c in columns.T], axis=1).astype(float)
    means = np.divide(sums, rows[:, None], out=np.full_like(sums, np.nan), where=rows[:, None] > 0)
    return means.reshape(count, *values.shape[1:])


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Cosine of two vectors; NaN where either is zero."""
    norm = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.clip(first @ second / norm, -1.0, 1.0)) if norm > 0 else float("nan")


def bias_left(errors: np.ndarray, bias: np.ndarray) -> float:
    """Share of the confounding bias that is left in the errors of effects: their projection on it.

    ``e'b / b'b``: 0 where errors have nothing to do with the bias, 1 at the confounded limit.

    Args:
        errors: Estimated minus true effects on the outcome's scale, shape (k,).
        bias: What the confounded limit adds to each effect, shape (k,).

    Returns:
        Any number; NaN where nothing is confounded.
    """
    size = float(bias @ bias)
    return float(errors @ bias) / size if size > 1e-12 else float("nan")


def win_rate(prompts: np.ndarray, rewards: np.ndarray, pool_prompts: np.ndarray, pool: np.ndarray) -> float:
    """Share of (sample, reference text of its prompt) pairs in which the sample is truly better, ties half.

    Args:
        prompts: Prompt of each sample, shape (n,).
        rewards: True reward of each sample, shape (n,).
        pool_prompts: Prompt of each pool, shape (m,).
        pool: True rewards of reference texts, shape (m, size).

    Returns:
        A number in [0, 1]; NaN where no sample's prompt has a pool.
    """
    won = []
    for prompt, texts in zip(pool_prompts, pool, strict=True):
        mine, ranked = rewards[prompts == prompt], np.sort(texts)
        beaten = np.searchsorted(ranked, mine, "left") + np.searchsorted(ranked, mine, "right")
        won.append(beaten / (2 * len(ranked)))
    found = np.concatenate(won) if won else np.zeros(0)
    return float(found.mean()) if len(found) else float("nan")


def sign_accuracy(estimated: np.ndarray, true: np.ndarray, null: np.ndarray) -> float:
    """Share of non-null effects whose sign is right; an estimate of zero counts half."""
    return float(pair_credit(estimated, true)[~null].mean()) if (~null).any() else float("nan")


def interval_score(intervals: np.ndarray, true: np.ndarray, level: float = 0.95) -> float:
    """Mean interval score of central intervals; lower is better.

    ``(u - l) + 2 / alpha * (l - x)+ + 2 / alpha * (x - u)+`` with ``alpha = 1 - level``. It is a proper
    rule: its expectation is least for the true quantiles, so neither endless nor needlessly narrow
    intervals gain. Source: Gneiting & Raftery 2007, equation 43.

    Args:
        intervals: Shape (k, 2), lower <= upper.
        true: What the intervals are for, shape (k,).
        level: Coverage that the intervals claim, in (0, 1).

    Example:
        >>> round(interval_score(np.array([[0.0, 1.0]]), np.array([1.1])), 6)
        5.0
    """
    low, high = intervals.T
    missed = np.maximum(low - true, 0.0) + np.maximum(true - high, 0.0)
    return float((high - low + 2 / (1 - level) * missed).mean())


def false_positive_rate(
    estimated: np.ndarray,
    null: np.ndarray,
    intervals: np.ndarray | None = None,
    scale: float | None = None,
) -> float:
    """Share of null attributes reported to have an effect.

    Where intervals are given: those that exclude zero. Without: estimates larger than a
    quarter of a scale, which is ``scale`` on the outcome's scale (calibrated methods) or
    else the largest estimate; the latter says nothing where every effect is null.

    Args:
        estimated: Shape (k,).
        null: Which effects are truly zero, shape (k,), bool.
        intervals: Shape (k, 2), or None.
        scale: What counts as a large effect on the estimates' scale, or None where unknown.
    """
    if not null.any():
        return float("nan")
    if intervals is not None:
        return float(((intervals[:, 0] > 0) | (intervals[:, 1] < 0))[null].mean())
    if scale is None:
        if null.all():
            return float("nan")
        scale = float(np.abs(estimated).max())
    return float((np.abs(estimated)[null] > NULL_SHARE * scale).mean()) if scale > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Tilt:
    """A reference distribution tilted by a reward.

    Attributes:
        weights: Probability of each pool text, shape (prompts, m); rows sum to 1.
        kl: Mean KL to the uniform reference, nats.
        inverse_temperature: The common factor on the rewards; infinite where the tilt ran out.
    """

    weights: np.ndarray
    kl: float
    inverse_temperature: float


def tilt_to_kl(rewards: np.ndarray, target: float = TILT_KL, tolerance: float = 1e-6) -> Tilt:
    """Tilt uniform pools by ``exp(b r)`` with the one ``b`` at which the mean KL is the target.

    KL grows with ``b`` (its derivative is ``b`` times the tilted variance), so a safeguarded
    Newton iteration finds it. The most that can be reached is the KL of the uniform
    distribution on each pool's best texts; where that is below the target, that
    distribution is returned, and a constant reward returns the reference itself.

    Args:
        rewards: Shape (prompts, m), any scale.
        target: Mean KL over prompts, nats.
        tolerance: Absolute error of the KL.
    """
    shifted = rewards - rewards.max(axis=1, keepdims=True)
    spread = float(-shifted.min())
    best = shifted == 0
    greedy = best / best.sum(axis=1, keepdims=True)
    reachable = float(np.log(shifted.shape[1] / best.sum(axis=1)).mean())
    if not spread > 0:
        return Tilt(np.full(rewards.shape, 1.0 / rewards.shape[1]), 0.0, 0.0)
    if reachable <= target:
        return Tilt(greedy, reachable, float("inf"))
    unit = shifted / float(shifted.std(axis=1).mean())
    low, high, factor = 0.0, float("inf"), float(np.sqrt(2 * target))
    weights, kl = greedy, reachable
    for _ in range(80):
        weights, kl, slope = _tilt(unit, factor)
        if abs(kl - target) < tolerance:
            break
        low, high = (factor, high) if kl < target else (low, factor)
        step = factor - (kl - target) / slope if slope > 0 else float("nan")
        middle = 2 * factor if np.isinf(high) else (low + high) / 2
        factor = step if low < step < min(high, 4 * factor) else middle
    return Tilt(weights, kl, factor / float(shifted.std(axis=1).mean()))


def _tilt(rewards: np.ndarray, factor: float) -> tuple[np.ndarray, float, float]:
    """Weights, mean KL to uniform, and the derivative of that KL with respect to the factor."""
    weights = np.exp(factor * rewards)
    total = weights.sum(axis=1, keepdims=True)
    weights /= total
    mean = np.einsum("pm,pm->p", weights, rewards)
    variance = np.einsum("pm,pm,pm->p", weights, rewards, rewards) - mean**2
    kl = factor * mean - np.log(total[:, 0] / rewards.shape[1])
    return weights, float(kl.mean()), float(factor * np.maximum(variance, 0).mean())
