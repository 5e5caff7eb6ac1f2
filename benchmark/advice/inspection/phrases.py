"""Phrases that tell the texts of a log apart: word groups that occur in them, and marks such as a question.

An inspection speaks of texts through these, because every text of a real log may be its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.contract import make_rng
from simulators.text.detectors import Detectors

MOST_PHRASES = 30
FEWEST_ROWS = 25
LEAST_SHARE = 0.01
READ = 20_000
ALIKE = 0.8
WORD = r"(?u)[\w][\w'’]*"


@dataclass(frozen=True, eq=False)
class Phrases:
    """Which rows hold which phrases.

    Attributes:
        names: Names of the phrases; a word group stands in quotes.
        held: Whether a row's text holds the phrase, shape (n, K), float 0 or 1.
        text_of_row: Distinct text of each row, shape (n,).
        texts: The distinct texts, shape (m,).
    """

    names: tuple[str, ...]
    held: np.ndarray
    text_of_row: np.ndarray
    texts: np.ndarray


def find_phrases(texts: np.ndarray, most: int = MOST_PHRASES) -> Phrases:
    """The phrases that vary most among the texts of a log, no two of them nearly the same.

    Args:
        texts: Text of each row, shape (n,).
        most: The most phrases to find.
    """
    row, distinct = pd.factorize(pd.Series(texts))
    distinct = np.asarray(distinct, dtype=object)
    counts = np.bincount(row)
    marks = _detect_marks(distinct, counts)
    words = _count_words(distinct, counts)
    names, columns = [*marks[0], *words[0]], np.column_stack([marks[1], words[1]])
    kept = _choose(names, columns, counts, most)
    return Phrases(tuple(names[k] for k in kept), columns[:, kept][row], row, distinct)


def _detect_marks(texts: np.ndarray, counts: np.ndarray) -> tuple[list[str], np.ndarray]:
    lengths = np.char.count(texts.astype(str), " ")
    middle = float(np.median(np.repeat(lengths, np.minimum(counts, 50))) + 1)
    detectors = Detectors(word_limit=middle)
    names = [name.replace("_", " ") for name in detectors.attributes]
    return names, detectors.detect(texts).astype(np.float32)


def _count_words(texts: np.ndarray, counts: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Word groups of one to three words that are frequent enough, and which texts hold them."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    rng = make_rng("advice", "phrases")
    read = texts if len(texts) <= READ else texts[rng.choice(len(texts), READ, replace=False)]
    options = {"binary": True, "ngram_range": (1, 3), "token_pattern": WORD, "dtype": np.float32}
    try:
        first = CountVectorizer(
            min_df=max(2, int(LEAST_SHARE * len(read) / 4)) if len(read) > 200 else 1, **options
        )
        held = first.fit_transform(read)
    except ValueError:  # no words at all
        return [], np.zeros((len(texts), 0), np.float32)
    names = first.get_feature_names_out()
    frequency = np.asarray(held.mean(axis=0)).ravel()
    spread = frequency * (1 - frequency)
    told = [k for k in np.argsort(-spread, kind="stable") if not set(names[k].split()) <= ENGLISH_STOP_WORDS]
    chosen = sorted(told[: 10 * MOST_PHRASES])
    if not chosen:
        return [], np.zeros((len(texts), 0), np.float32)
    second = CountVectorizer(vocabulary=[names[k] for k in chosen], **options)
    return [f"“{names[k]}”" for k in chosen], second.transform(texts).toarray()


def _choose(names: list[str], columns: np.ndarray, counts: np.ndarray, most: int) -> list[int]:
    """Frequent phrases, long ones first among those that say the same."""
    rows = counts.sum()
    share = counts @ columns / rows
    least = max(LEAST_SHARE, FEWEST_ROWS / rows)
    usable = np.flatnonzero((share >= least) & (share <= 1 - least))
    length = np.array([len(re.findall(WORD, names[k])) for k in usable])
    variance = share[usable] * (1 - share[usable])
    order = usable[np.lexsort((-length, -np.round(variance, 3)))]
    scale = np.sqrt(share * (1 - share))
    kept: list[int] = []
    for k in order:
        if len(kept) == most:
            break
        both = (counts * columns[:, k]) @ columns[:, kept] / rows
        correlation = (both - share[k] * share[kept]) / (scale[k] * scale[kept])
        if not (np.abs(correlation) > ALIKE).any():
            kept.append(int(k))
    return kept
