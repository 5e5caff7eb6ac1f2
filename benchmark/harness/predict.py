"""Asking a fitted method what the queries ask."""

from __future__ import annotations

import numpy as np

from benchmark.contract import ContractError, Contrasts, Fitted, PairTexts, Predictions, Queries

LEVEL = 0.95


def predict(fitted: Fitted, queries: Queries) -> Predictions:
    """A fitted method's answers, validated.

    Rewards are asked of every item. Texts are asked of a result that has ``sample``, the KL to the
    reference (the diagnostic ``kl``) of one that samples and has ``divergence``, effect intervals at
    level .95 of one that has ``effect_interval``, and of which pairs it abstains of one that has
    ``abstains``.

    Raises:
        ContractError: If answers are missing, misshapen, NaN or infinite.
    """
    context = dict(queries.context) if queries.context else None
    reward = fitted.reward(queries.prompts, queries.texts, context)
    samples = intervals = flags = None
    diagnostics = read_diagnostics(fitted)
    sample = getattr(fitted, "sample", None)
    if callable(sample) and queries.n_samples and len(queries.generate):
        samples = sample(queries.generate, queries.n_samples)
        divergence = getattr(fitted, "divergence", None)
        if callable(divergence):
            diagnostics["kl"] = float(np.mean(divergence(queries.generate, samples)))
    effect_interval = getattr(fitted, "effect_interval", None)
    if callable(effect_interval) and queries.n_contrasts:
        intervals = effect_interval(Contrasts.of(queries), LEVEL)
    abstains = getattr(fitted, "abstains", None)
    if callable(abstains) and len(queries.pairs):
        pairs = PairTexts.of(queries)
        flags = abstains(pairs.prompts, pairs.first, pairs.second, dict(pairs.context) or None)
    return Predictions(reward, samples, intervals, flags, diagnostics).validate(queries)


def read_diagnostics(fitted: Fitted) -> dict[str, float]:
    """The numbers that a fitted method reports by name.

    Raises:
        ContractError: If they are not named numbers.
    """
    try:
        return {str(k): float(v) for k, v in dict(getattr(fitted, "diagnostics", None) or {}).items()}
    except (TypeError, ValueError, OverflowError) as error:
        raise ContractError("diagnostics must be named numbers", found=error) from error
