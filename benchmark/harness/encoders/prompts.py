"""Which prompt was asked, as columns: one indicator a prompt where prompts are few."""

from __future__ import annotations

import numpy as np

MOST_PROMPTS = 256
"""A corpus of more distinct prompts than this gets no indicators: nearly every prompt would be new."""


def known_prompts(prompts: np.ndarray, most: int = MOST_PROMPTS) -> tuple[str, ...]:
    """Prompts of a corpus that get a column, sorted; none if there is one prompt or too many."""
    distinct = tuple(sorted(set(prompts)))
    return distinct if 1 < len(distinct) <= most else ()


def indicate_prompts(known: tuple[str, ...], prompts: np.ndarray) -> np.ndarray:
    """Zeros and ones, shape (n, len(known)), float64; a prompt that is not known gets zeros."""
    place = {prompt: column for column, prompt in enumerate(known)}
    columns = np.array([place.get(prompt, -1) for prompt in prompts], dtype=np.int64)
    asked = np.zeros((len(columns), len(known)))
    rows = np.flatnonzero(columns >= 0)
    asked[rows, columns[rows]] = 1.0
    return asked
