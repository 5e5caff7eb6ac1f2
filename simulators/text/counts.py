"""Texts as counts of words and neighbours: what a plain regression on texts reads. Knows words alone."""

from __future__ import annotations

import numpy as np

LEAST_SHARE, BIGRAMS = 0.002, 64


def count_terms(words: np.ndarray, size: int) -> np.ndarray:
    """Counts of words and of the frequent pairs of neighbours that no word stands for, shape (n, d), float64.

    Args:
        words: Word numbers of texts, shape (n, T); ``size`` and above where there is none.
        size: How many words are known.
    """
    n = len(words)
    counts = _tally(words, size)
    spoken = (counts > 0).mean(axis=0)
    counts = counts[:, (spoken >= LEAST_SHARE) & (spoken <= 1 - LEAST_SHARE)]
    left, right = words[:, :-1].astype(np.int64), words[:, 1:].astype(np.int64)
    keys = np.where((left < size) & (right < size), left * size + right, size * size)
    found, which, often = np.unique(keys, return_inverse=True, return_counts=True)
    # those inside a phrase come with its words: look at four times as many as are kept
    wanted = np.argsort(-np.where(found < size * size, often, 0), kind="stable")[: 4 * BIGRAMS]
    places = np.full(len(found), len(wanted))
    places[wanted] = np.arange(len(wanted))
    pairs = _tally(places[which].reshape(keys.shape), len(wanted))
    told = (_unit(pairs).T @ _unit(counts)).max(axis=1, initial=0.0) > 1 - 1e-7
    return np.concatenate([counts, pairs[:, ~told][:, :BIGRAMS]], axis=1) if n else counts


def _tally(numbers: np.ndarray, size: int) -> np.ndarray:
    n = len(numbers)
    cells = np.arange(n)[:, None] * (size + 1) + np.minimum(numbers, size)
    return np.bincount(cells.ravel(), minlength=n * (size + 1)).reshape(n, size + 1)[:, :size].astype(float)


def _unit(counts: np.ndarray) -> np.ndarray:
    centred = counts - counts.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    return centred / np.where(norm > 0, norm, 1.0)
