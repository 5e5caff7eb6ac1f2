"""The scorer: the one place where predictions meet the truth.

``score`` is pure and can be re-run from stored predictions. What depends on the truth
alone (the answer key) is computed once for all methods that answer the same queries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from benchmark.contract import Predictions, Queries
from benchmark.contract.records import METRICS, VALUE_CURVE
from benchmark.scoring.metrics import (
    TILT_KL,
    bias_left,
    cosine,
    false_positive_rate,
    interval_score,
    mean_by_id,
    mean_kendall,
    normalised_regret,
    pair_accuracy,
    sign_accuracy,
    tilt_to_kl,
    win_rate,
)

KENDALL_TEXTS = 256
GREETING = "greeting"


@dataclass(frozen=True, eq=False)
class AnswerKey:
    """What the truth says about some queries; never leaves the scorer's process.

    Attributes:
        queries: The queries.
        truth: The world's truth.
        reward: True reward of each item, shape (n,).
        pair_true: True reward differences of the pairs, shape (m,).
        pair_naive: Differences of the confounded limit, shape (m,).
        group_true: True differences within each group of people or context, shape (G, m); zero where
            a pair does not concern the group, empty where effects do not vary.
        effects: True mean difference of each contrast over its own texts, shape (k,).
        bias: What the confounded limit adds to each effect, shape (k,).
        null: Which contrasts have no effect in the target population, shape (k,), bool.
        pool_reward: True rewards of the pools, shape (prompts, size).
        pool_marker: Whether pool texts carry the marker, shape (prompts, size), bool.
        pool_prompts: Prompt of each pool, shape (prompts,).
        rates: Share of pool texts that have each attribute, shape (K,).
        marker: Index of the most flattering decoy among the attributes, or None.
        naive_rho: Exact rho of the confounded limit on the pairs.
        most: What an optimal policy gains over the reference.
        effect_scale: Largest absolute effect in the target population.
        bias_scale: Largest absolute bias of the confounded limit.
    """

    queries: Queries
    truth: Any
    reward: np.ndarray
    pair_true: np.ndarray
    pair_naive: np.ndarray
    group_true: np.ndarray
    effects: np.ndarray
    bias: np.ndarray
    null: np.ndarray
    pool_reward: np.ndarray
    pool_marker: np.ndarray
    pool_prompts: np.ndarray
    rates: np.ndarray
    marker: int | None
    naive_rho: float
    most: float
    effect_scale: float
    bias_scale: float


def make_key(queries: Queries, truth: Any) -> AnswerKey:
    """Everything about some queries that no prediction changes.

    Args:
        queries: What was asked.
        truth: A ``simulators.Truth``.
    """
    context = queries.context or None
    reward = np.asarray(truth.reward(queries.prompts, queries.texts, context), dtype=np.float64)
    naive = np.asarray(truth.naive_reward(queries.prompts, queries.texts, context), dtype=np.float64)
    attributes = np.asarray(truth.detect(queries.texts).attributes)
    ids, on, off = queries.contrasts.T
    moved = mean_by_id(ids, (attributes[on] - attributes[off]).astype(np.float64), queries.n_contrasts)
    named = np.argmax(moved, axis=1)
    effects = mean_by_id(ids, reward[on] - reward[off], queries.n_contrasts)
    limit = mean_by_id(ids, naive[on] - naive[off], queries.n_contrasts)
    tau = np.asarray(truth.effects, dtype=np.float64)
    flat = np.abs(tau) <= np.maximum(4 * np.asarray(truth.effects_mcse, dtype=np.float64), 1e-9)
    marker = find_marker(flat, np.asarray(truth.naive_effects, dtype=np.float64) - tau)
    pairs = queries.pairs
    pair_true = reward[pairs[:, 0]] - reward[pairs[:, 1]]
    pair_naive = naive[pairs[:, 0]] - naive[pairs[:, 1]]
    pool_marker = attributes[queries.pools, marker] if marker is not None else np.zeros(queries.pools.shape)
    return AnswerKey(
        queries=queries,
        truth=truth,
        reward=reward,
        pair_true=zero_rounding_noise(pair_true, reward),
        pair_naive=zero_rounding_noise(pair_naive, naive),
        group_true=group_differences(queries, truth, pair_true),
        effects=effects,
        bias=limit - effects,
        null=flat[named],
        pool_reward=reward[queries.pools],
        pool_marker=pool_marker.astype(bool),
        pool_prompts=queries.prompts[queries.pools[:, 0]] if queries.pools.size else queries.prompts[:0],
        rates=attributes[queries.pools.ravel()].mean(axis=0) if queries.pools.size else np.zeros(0),
        marker=marker,
        naive_rho=normalised_regret(
            zero_rounding_noise(pair_naive, naive), zero_rounding_noise(pair_true, reward)
        ),
        most=float(truth.value_optimal) - float(truth.value_reference),
        effect_scale=float(np.abs(tau).max(initial=0.0)),
        bias_scale=float(np.abs(limit - effects).max(initial=0.0)),
    )


def score(
    predictions: Predictions, queries: Queries, truth: Any, calibrated: bool = False
) -> dict[str, float]:
    """Score a method's answers.

    Args:
        predictions: Validated answers to ``queries``.
        queries: What was asked.
        truth: The world's truth.
        calibrated: Whether rewards claim to be on the outcome's scale.

    Returns:
        A number for each of ``METRICS``; NaN where it is undefined.
    """
    return score_with_key(predictions, make_key(queries, truth), calibrated)


def score_with_key(predictions: Predictions, key: AnswerKey, calibrated: bool = False) -> dict[str, float]:
    """Score a method's answers against a key made once; see ``score``."""
    scores = {metric.name: float("nan") for metric in METRICS}
    scores |= _score_pairs(predictions, key)
    scores |= _score_effects(predictions, key, calibrated)
    scores |= _score_pools(predictions.reward, key)
    if predictions.samples is not None:
        scores |= _score_samples(predictions.samples, key)
        scores["samples_kl"] = float(predictions.diagnostics.get("kl", np.nan))
    return scores


def _score_pairs(predictions: Predictions, key: AnswerKey) -> dict[str, float]:
    pairs, reward = key.queries.pairs, predictions.reward
    abstains = predictions.abstains if predictions.abstains is not None else np.zeros(len(pairs), dtype=bool)
    guess = reward[pairs[:, 0]] - reward[pairs[:, 1]]
    agreement = np.sign(key.pair_naive) * np.sign(key.pair_true)
    scores = {
        "rho": normalised_regret(guess, key.pair_true),
        "rho_conflict": normalised_regret(guess[agreement < 0], key.pair_true[agreement < 0]),
        "rho_aligned": normalised_regret(guess[agreement > 0], key.pair_true[agreement > 0]),
        "rho_answered": normalised_regret(guess[~abstains], key.pair_true[~abstains]),
        "rho_cautious": normalised_regret(np.where(abstains, 0.0, guess), key.pair_true),
        "accuracy": pair_accuracy(guess, key.pair_true),
    }
    if len(pairs):
        scores["abstention"] = float(abstains.mean())
    by_group = [normalised_regret(guess, true) for true in key.group_true]
    if np.isfinite(by_group).any():
        scores["worst_group"] = float(np.nanmax(by_group))
    return scores


def _score_effects(predictions: Predictions, key: AnswerKey, calibrated: bool) -> dict[str, float]:
    ids, on, off = key.queries.contrasts.T
    if not len(ids):
        return {}
    reward, intervals = predictions.reward, predictions.intervals
    estimated = mean_by_id(ids, reward[on] - reward[off], key.queries.n_contrasts)
    scale = (key.effect_scale or key.bias_scale) if calibrated else None
    scores = {
        "effect_cosine": cosine(estimated, key.effects),
        "bias_cosine": cosine(estimated, key.bias),
        "sign_accuracy": sign_accuracy(estimated, key.effects, key.null),
        "false_positive_rate": false_positive_rate(estimated, key.null, intervals, scale),
    }
    if calibrated:
        error = estimated - key.effects
        scores["effect_bias"] = float(error.mean())
        scores["effect_rmse"] = float(np.sqrt((error**2).mean()))
        scores["bias_left"] = bias_left(error, key.bias)
    if intervals is not None:
        held = (intervals[:, 0] <= key.effects) & (key.effects <= intervals[:, 1])
        scores["coverage"] = float(held.mean())
        scores["width"] = float((intervals[:, 1] - intervals[:, 0]).mean())
        scores["interval_score"] = interval_score(intervals, key.effects)
    return scores


def _score_pools(reward: np.ndarray, key: AnswerKey) -> dict[str, float]:
    pools = key.queries.pools
    if not pools.size:
        return {}
    few = slice(None, KENDALL_TEXTS)
    scores = {
        "kendall": mean_kendall(reward[pools[:, few]], key.pool_reward[:, few]),
        "gain": find_gain(special.softmax(reward[pools], axis=1), key),
    }
    for name, kl in VALUE_CURVE.items():
        tilt = tilt_to_kl(reward[pools], kl)
        scores[name] = normalise_gain(find_gain(tilt.weights, key), key.most)
        if kl == TILT_KL and key.marker is not None:
            scores["tilted_marker_rate"] = float((tilt.weights * key.pool_marker).sum(axis=1).mean())
    scores["reachable_kl"] = tilt.kl
    if key.marker is not None:
        scores["reference_marker_rate"] = float(key.pool_marker.mean())
    return scores


def _score_samples(samples: np.ndarray, key: AnswerKey) -> dict[str, float]:
    texts = samples.ravel()
    prompts = np.repeat(key.queries.generate, samples.shape[1])
    detected = key.truth.detect(texts)
    attributes, names = np.asarray(detected.attributes), list(key.truth.attributes)
    reward = np.asarray(key.truth.reward(prompts, texts), dtype=np.float64)
    gain = float(np.mean(reward)) - float(key.truth.value_reference)
    scores = {
        "value_samples": normalise_gain(gain, key.most),
        "off_grammar_rate": 1.0 - float(np.mean(detected.on_grammar)),
    }
    if len(key.rates):
        shifts = np.sort(np.abs(attributes.mean(axis=0) - key.rates))
        scores["largest_shift"], scores["other_shift"] = float(shifts[-1]), float(shifts[:-1].mean())
        if not key.queries.context:
            scores["win_rate"] = win_rate(prompts, reward, key.pool_prompts, key.pool_reward)
    if key.marker is not None:
        scores["marker_rate"] = float(attributes[:, key.marker].mean())
    if GREETING in names:
        scores["greeting_rate"] = float(attributes[:, names.index(GREETING)].mean())
    return scores


def find_gain(weights: np.ndarray, key: AnswerKey) -> float:
    """What reweighted pools gain over the reference, outcome scale.

    The pool mean is subtracted as a control variate: equal weights are worth the reference exactly.

    Args:
        weights: Probability of each pool text, shape (prompts, size); rows sum to 1.
        key: The answer key.
    """
    return float(((weights - 1.0 / weights.shape[1]) * key.pool_reward).sum(axis=1).mean())


def normalise_gain(gain: float, most: float) -> float:
    """A gain over the reference as a share of the most that can be gained; NaN where that is zero."""
    return gain / most if most > 1e-12 else float("nan")


def find_marker(null: np.ndarray, bias: np.ndarray) -> int | None:
    """The null attribute that confounding flatters most, or None if it flatters none.

    Args:
        null: Which attributes have no effect, shape (K,), bool.
        bias: Confounded minus true effects, shape (K,).
    """
    flattery = np.where(null, bias, -np.inf)
    best = int(np.argmax(flattery)) if len(flattery) else 0
    return best if len(flattery) and flattery[best] > 1e-9 else None


def zero_rounding_noise(differences: np.ndarray, rewards: np.ndarray) -> np.ndarray:
    """Differences with rounding noise set to zero, so that a true tie is a tie."""
    noise = 1e-12 * max(1.0, float(np.abs(rewards).max(initial=0.0)))
    return np.where(np.abs(differences) <= noise, 0.0, differences)


def group_differences(queries: Queries, truth: Any, pair_true: np.ndarray) -> np.ndarray:
    """True differences within groups, shape (G, m); G is 0 where effects do not vary.

    Groups are the latent groups of people where the world has them, else the settings of the
    context; a pair outside a context's setting counts as no difference, which rho leaves out.
    """
    first, second = queries.pairs.T
    if getattr(truth, "groups", None) is not None:
        rewards = truth.group_rewards(queries.prompts, queries.texts)
        return np.stack([zero_rounding_noise(row[first] - row[second], row) for row in rewards])
    context: Mapping[str, np.ndarray] = queries.context
    if not context or not len(first):
        return np.zeros((0, len(first)))
    columns = np.column_stack([np.asarray(values)[first] for values in context.values()])
    settings, member = np.unique(columns, axis=0, return_inverse=True)
    return np.stack([np.where(member.reshape(-1) == group, pair_true, 0.0) for group in range(len(settings))])
