"""Adjustment for what the prompt says: its text is the confounder, and nothing else need be recorded.

A prompt is a vector of features (word counts, latent dimensions of them, or the states of a decoder that read
it), which is reduced to the few directions that tell about texts and outcomes. Nothing here sees covariates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract import Harness, Incompatible, Log, UsageError
from methods.adjust.features import base_columns, flexible_columns
from methods.adjust.partial import boost, cross_folds
from methods.adjust.ridge import fit_ridge, project
from methods.adjust.scored import Scored, partial_out, score_at_face_value, subtract_rest

VARIES = 1e-9
LATENT = 32

Source = Callable[[Log, Harness], np.ndarray]


def read_features(log: Log, harness: Harness) -> np.ndarray:
    """Features of the prompts under the harness's encoder (word counts by default), shape (n, q).

    Of features that are equal in every prompt, such as the words of one phrase, one is kept.
    """
    return _standard(np.unique(harness.encode_prompts(log.prompts), axis=1))


def read_latent(log: Log, harness: Harness) -> np.ndarray:
    """The leading principal components of the prompts' features, shape (n, at most 32).

    Source: Deerwester et al. 1990, latent semantic analysis.
    """
    features = read_features(log, harness)
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    kept = singular[:LATENT] > VARIES * max(singular.max(initial=0.0), VARIES)
    return _standard((left[:, :LATENT] * singular[:LATENT])[:, kept])


def read_states(log: Log, harness: Harness) -> np.ndarray:
    """Mean last hidden states of the reference policy over each prompt, shape (n, width).

    Raises:
        Incompatible: If the reference policy is no decoder.
    """
    try:
        head = harness.reward_head(features="decoder")
    except UsageError as error:
        raise Incompatible("the reference policy is no decoder, so prompts have no states") from error
    states: np.ndarray = head.architecture.encode(np.full(len(log), "", dtype=object), log.prompts)
    return _standard(states)


@dataclass(frozen=True)
class PartialOutPrompts:
    """Outcome and texts residualised on cross-fitted means given the prompt's features.

    The curved form first predicts the outcome by ridge and boosted trees. That prediction, the prompt's
    prognostic score (Hansen 2008), then joins the features that the texts' means are linear in, as splines:
    how a prompt moves the outcome is all that an adjustment for it must know.

    Attributes:
        source: Features of the prompts.
        curved: Let means curve in the features.
        folds: Cross-fitting folds.
    """

    source: Source = read_features
    curved: bool = False
    folds: int = 5

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by Y less the estimated effect of the prompt."""
        scored = score_at_face_value(log, harness)
        fold = cross_folds(scored.log, harness, self.folds)
        columns = np.column_stack([base_columns(scored.log)[:, 1:], self.source(scored.log, harness)])
        value_mean = predict_out_of_fold(columns, scored.value, fold, self.curved)
        if self.curved:
            columns = np.column_stack([columns, flexible_columns(value_mean[:, None])])
        text_mean = predict_out_of_fold(columns, scored.texts, fold)
        return subtract_rest(scored.with_nuisances(text_mean=text_mean, value_mean=value_mean))


@dataclass(frozen=True)
class PromptOutcomeModel:
    """An outcome model of text and prompt, ``m(x, p) = x'b + g(p)``.

    How texts follow prompts is not modelled. The two parts are fitted in turn, each to what the other leaves,
    and g out of fold: first by ridge, then by ridge and boosted trees. Averaged over prompts,
    the model gives a text ``x'b``.

    Attributes:
        source: Features of the prompts.
        folds: Cross-fitting folds.
    """

    source: Source = read_features
    folds: int = 5

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by ``Y - g(p)``."""
        scored = score_at_face_value(log, harness)
        fold = cross_folds(scored.log, harness, self.folds)
        features, base = self.source(scored.log, harness), base_columns(scored.log)
        texts = scored.texts - project(base, scored.texts)[0]
        of_prompt = np.zeros(len(texts))
        for curved in (False, True):
            left = scored.value - texts @ fit_ridge(texts, scored.value - of_prompt).coefficient
            of_prompt = predict_out_of_fold(features, left, fold, curved)
        value = scored.value - of_prompt + of_prompt.mean()
        return partial_out(replace(scored, value=value), base)


def predict_out_of_fold(
    features: np.ndarray, target: np.ndarray, fold: np.ndarray, curved: bool = False
) -> np.ndarray:
    """Predictions of each fold by a ridge regression on the others, of the shape of ``target``.

    Args:
        features: Shape (n, q).
        target: Shape (n,) or (n, m).
        fold: Fold numbers, shape (n,).
        curved: Predict what ridge leaves by boosted trees; for one target.
    """
    predicted = np.empty_like(target)
    for k in np.unique(fold):
        train, held = fold != k, fold == k
        fit = fit_ridge(features[train], target[train])
        predicted[held] = fit.predict(features[held])
        if curved and features.shape[1]:
            trees = boost(features[train], fit.residual, trees=60, rate=0.15)
            predicted[held] += trees.predict(features[held])
    return predicted


def _standard(values: np.ndarray) -> np.ndarray:
    """Centred columns of unit variance; constant ones are dropped."""
    centred = values - values.mean(axis=0)
    scale = centred.std(axis=0)
    kept = scale > VARIES
    return np.asarray(centred[:, kept] / scale[kept], dtype=np.float64)
