"""What a log looks like in a few numbers that a simulated log has too: the summary statistics of calibration.

Every number is a share of variance or a ratio, so that units do not matter. Statistics are taken on equally
many rows of every log, because what a regression seems to explain depends on their number.
"""

from __future__ import annotations

import numpy as np

from benchmark.advice.inspection.design import (
    Design,
    demean,
    make_design,
    predict_held_out,
    residualise,
)
from benchmark.advice.inspection.effects import regress
from benchmark.advice.reading import OwnLog
from benchmark.contract import Log, make_rng
from methods.adjust.ridge import fit_ridge

ROWS = 1_500
REPEATS = 6
NAMES = (
    "text_by_covariates",
    "best_text_by_covariates",
    "outcome_by_covariates",
    "outcome_by_texts",
    "outcome_by_both",
    "moved_by_adjusting",
    "adjusted_variance",
    "texts_go_with_covariates",
    "curvature_of_outcome",
    "curvature_of_text",
    "covariates_change_effects",
    "phrases_change_effects",
)


def summarise(log: Log, repeats: int = 1) -> np.ndarray:
    """The summary statistics of a log, shape (12,), in the order of ``NAMES``.

    Args:
        log: Rows with outcomes.
        repeats: Random parts of ``ROWS`` rows to average over, where the log is longer.
    """
    rng = make_rng("advice", "summaries")
    if log.has("observed"):
        log = log.take(np.flatnonzero(log.numbers("observed") == 1))
    parts = min(repeats, max(1, len(log) // ROWS))
    found = [_summarise(log.take(np.sort(rng.permutation(len(log))[:ROWS]))) for _ in range(parts)]
    return np.mean(found, axis=0)


def _summarise(log: Log) -> np.ndarray:
    design = make_design(OwnLog("", log, len(log), (), (), {}))
    fold = design.folds(make_rng("advice", "summary folds"))
    texts, basis, outcome = design.texts, design.basis, design.outcome
    scale = texts.std(axis=0)
    standard = texts / np.where(scale > 1e-12, scale, np.inf)
    by_text = _explained(standard, predict_held_out(standard, basis, fold)) if basis.shape[1] else np.zeros(1)
    adjusted, naive = regress(design, basis), regress(design, basis[:, :0])
    variance = float(outcome.var()) or 1.0
    gain = texts @ adjusted.coefficient
    index = _index(outcome - gain, basis)
    linear = _linear_columns(design)
    products = _products(gain, index, linear, texts)
    return np.array(
        [
            float(by_text.mean()),
            float(by_text.max()),
            _score(outcome, basis, fold),
            _score(outcome, texts, fold),
            _score(outcome, np.column_stack([basis, texts]), fold),
            float((texts @ (naive.coefficient - adjusted.coefficient)).var()) / variance,
            float(gain.var()) / variance,
            _correlation(gain, index),
            _score(outcome, basis, fold) - _score(outcome, linear, fold),
            float(by_text.mean())
            - float(_explained(standard, predict_held_out(standard, linear, fold)).mean())
            if linear.shape[1]
            else 0.0,
            _score(outcome, np.column_stack([basis, texts, products]), fold)
            - _score(outcome, np.column_stack([basis, texts]), fold),
            _score(outcome, np.column_stack([basis, texts, _pairs(texts)]), fold)
            - _score(outcome, np.column_stack([basis, texts]), fold),
        ]
    )


def _explained(values: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Share of each column's variance that predictions explain, shape (d,)."""
    total = (values**2).sum(axis=0)
    return 1 - ((values - predicted) ** 2).sum(axis=0) / np.maximum(total, 1e-12)


def _score(outcome: np.ndarray, columns: np.ndarray, fold: np.ndarray) -> float:
    """Share of the outcome's variance that columns explain on rows that were held out."""
    if not columns.shape[1]:
        return 0.0
    return float(_explained(outcome[:, None], predict_held_out(outcome[:, None], columns, fold))[0])


def _index(outcome: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """What covariates predict of the outcome, shape (n,)."""
    return fit_ridge(basis, outcome).predict(basis) if basis.shape[1] else np.zeros(len(outcome))


def _linear_columns(design: Design) -> np.ndarray:
    """The covariates themselves, less the prompts' means."""
    values = design.log.covariates
    spread = values.std(axis=0)
    centred = demean(values[:, spread > 0], np.zeros(len(values), dtype=np.int64))
    return centred / spread[spread > 0]


def _products(gain: np.ndarray, index: np.ndarray, linear: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Products by which effects of texts would vary with covariates."""
    unit = gain / (gain.std() or 1.0)
    made = np.column_stack([unit[:, None] * linear, (index / (index.std() or 1.0))[:, None] * texts])
    return residualise(made - made.mean(axis=0), texts)


def _pairs(texts: np.ndarray, most: int = 8) -> np.ndarray:
    """Products of the phrases that vary most."""
    chosen = texts[:, np.argsort(-texts.var(axis=0), kind="stable")[:most]]
    first, second = np.triu_indices(chosen.shape[1], 1)
    return chosen[:, first] * chosen[:, second]


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if not (first.std() > 1e-12 and second.std() > 1e-12):
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
