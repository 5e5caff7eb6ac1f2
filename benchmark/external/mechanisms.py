"""Known ways to make a confounded log of a randomised experiment: rows are kept or dropped.

A row is kept with chance ``sigmoid(strength * score * u(text))``, u being a drawn index of text attributes
with variance 1. So texts with the attributes of u are kept where the score is high, and the attributes go
with the outcome. Mechanisms differ in what is recorded of the score, or in what stands in its place.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from benchmark.contract import Log
from benchmark.external.tables import Split
from simulators.text.detectors import Detectors

COUNTERPARTS: Mapping[str, str] = {
    "recorded": "observed",
    "nonlinear": "nonlinear",
    "dropped": "hidden",
    "noisy": "proxy",
    "outcome": "selection[rule=extreme]",
}
"""Mechanism to the synthetic family of the same kind."""
IN_WORDS: Mapping[str, str] = {
    "recorded": "the score is recorded",
    "nonlinear": "the score's size and its sign are recorded, of which it is the product",
    "dropped": "the score is not recorded, only columns that say little of it",
    "noisy": "the score is recorded with an error of its own size, twice",
    "outcome": "rows are kept by their outcome in the place of the score, which is recorded",
}
USED_ATTRIBUTES = 4


def draw_index(texts: np.ndarray, detectors: Detectors, rng: np.random.Generator) -> np.ndarray:
    """u: a sum of some attributes with random signs, with mean 0 and variance 1; shape (n,)."""
    values = detectors.detect(texts).astype(float)
    spread = values.std(axis=0)
    usable = np.flatnonzero(spread > 0.1)
    chosen = rng.choice(usable, min(USED_ATTRIBUTES, len(usable)), replace=False)
    standard = (values[:, chosen] - values[:, chosen].mean(axis=0)) / spread[chosen]
    index = standard @ rng.choice([-1.0, 1.0], len(chosen))
    return (index - index.mean()) / (index.std() or 1.0)


def confound(
    split: Split, mechanism: str, strength: float, index: np.ndarray, rng: np.random.Generator
) -> Log:
    """The log that a mechanism makes of an experiment.

    Args:
        split: The experiment.
        mechanism: A key of ``COUNTERPARTS``.
        strength: 0 keeps half of the rows at random.
        index: u of each row, shape (n,).
        rng: Decides which rows are kept.
    """
    cause = split.outcome if mechanism == "outcome" else split.score
    kept = np.flatnonzero(rng.random(len(cause)) < 1 / (1 + np.exp(-strength * cause * index)))
    return make_log(split, mechanism, kept, rng)


def make_log(split: Split, mechanism: str, rows: np.ndarray, rng: np.random.Generator) -> Log:
    """Some rows of an experiment with what a mechanism records."""
    score = split.score[rows]
    recorded: dict[str, np.ndarray] = {
        f"other_{k + 1}": column[rows] for k, column in enumerate(split.others.T)
    }
    if mechanism in ("recorded", "outcome"):
        recorded["score"] = score
    elif mechanism == "nonlinear":
        recorded |= {"size": np.abs(score), "sign": (score > 0).astype(float)}
    elif mechanism == "noisy":
        recorded |= {f"measured_{k + 1}": score + rng.normal(size=len(rows)) for k in range(2)}
    columns = {"prompt": split.prompts[rows], "text": split.texts[rows], "outcome": split.outcome[rows]}
    table = {**columns, **{f"covariate.{name}": values for name, values in recorded.items()}}
    return Log(pa.table({name: pa.array(values) for name, values in table.items()}))
