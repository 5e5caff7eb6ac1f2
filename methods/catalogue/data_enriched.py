"""Data-enriched regression (Chen, Owen & Shi 2015): a small randomised slice borrows from a large biased log.

Both parts have text effects of their own, and how far they may differ is learnt from the slice. A log that
agrees counts with all its rows; one that misleads is left out, so the worst case is the slice alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Harness, Incompatible, Log, Method, Tags
from methods.adjust.features import control_columns
from methods.adjust.ridge import project
from methods.adjust.scored import Scored, score_at_face_value, split_folds
from methods.adjust.slices import slice_rows
from methods.linear import LinearReward
from methods.rows import make_tags

FOLDS = 5
# Of the mean eigenvalue of the part that each penalty stands beside.
SHRINKAGE = np.geomspace(1e-3, 30.0, 10)
SHIFTS = np.concatenate([[0.0], np.geomspace(1e-3, 1e2, 11), [np.inf]])


@dataclass(frozen=True, eq=False)
class Moments:
    """What a regression needs to know of some rows.

    Attributes:
        gram: X'X, shape (d, d).
        cross: X'y, shape (d,).
    """

    gram: np.ndarray
    cross: np.ndarray

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.gram + other.gram, self.cross + other.cross)

    def solve(self, penalties: np.ndarray) -> np.ndarray:
        """Ridge coefficients, one column a penalty, shape (d, m)."""
        values, vectors = np.linalg.eigh(self.gram)
        inverse = 1.0 / (np.clip(values, 0.0, None)[:, None] + penalties)
        return vectors @ ((vectors.T @ self.cross)[:, None] * inverse)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one part with what prompts, contexts and covariates explain taken out.

    Attributes:
        texts: Shape (n, d).
        value: Shape (n,).
    """

    texts: np.ndarray
    value: np.ndarray

    @classmethod
    def of(cls, scored: Scored, rows: np.ndarray) -> Rows:
        """Some rows of a log."""
        log = scored.log.take(rows)
        both = np.column_stack([scored.texts[rows], scored.value[rows]])
        left = both - project(control_columns(log), both)[0]
        return cls(left[:, :-1], left[:, -1])

    def moments(self, rows: np.ndarray | slice = slice(None)) -> Moments:
        """Moments of some of the rows."""
        texts = self.texts[rows]
        return Moments(texts.T @ texts, texts.T @ self.value[rows])


@dataclass(frozen=True)
class DataEnriched:
    """Minimises ``|y_S - X_S b|^2 + |y_L - X_L (b + d)|^2 + p |b|^2 + q |d|^2`` over b and the log's shift d.

    S is the randomised slice, L the rest. With d profiled out, the log enters as rows whose eigendirections
    weigh ``q / (e + q)``: q = 0 leaves the slice alone, q without bound pools. Both penalties
    minimise the slice's own prediction error over five folds.

    Source: Chen, Owen & Shi 2015, "Data enriched linear regression", eq. 2.2 with P(d) = |d|^2; the ridge
    on b, which many word features need, is ours.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
    """

    name: str
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> LinearReward:
        """Learn from a log.

        Raises:
            Incompatible: If the log lacks a slice of ten rows, or anything beside it.
        """
        scored = score_at_face_value(log, harness)
        flagged = slice_rows(scored.log)
        others = np.setdiff1d(np.arange(len(scored.log)), flagged)
        if not len(others):
            raise Incompatible("every row is randomised: there is no log to borrow from")
        own = Rows.of(scored, flagged)
        borrowed = shrink_moments(Rows.of(scored, others).moments())
        folds = split_folds(scored.log.take(flagged), harness.rng("folds"), FOLDS)
        whole = own.moments()
        penalties = SHRINKAGE * max(float(np.trace(whole.gram)) / len(whole.gram), 1e-12)
        errors = np.zeros((len(borrowed), len(penalties)))
        for fold in np.unique(folds):
            held = folds == fold
            kept = own.moments(~held)
            for place, part in enumerate(borrowed):
                missed = own.value[held, None] - own.texts[held] @ (kept + part).solve(penalties)
                errors[place] += (missed**2).sum(axis=0)
        shift, shrunk = np.unravel_index(errors.argmin(), errors.shape)
        coefficient = (whole + borrowed[shift]).solve(penalties[shrunk : shrunk + 1])[:, 0]
        intercept = float(scored.value[flagged].mean() - scored.texts[flagged].mean(axis=0) @ coefficient)
        figures = {"shift_penalty_rank": float(shift), "penalty": float(penalties[shrunk])}
        return LinearReward(scored.features, coefficient, intercept, figures)


def shrink_moments(log: Moments) -> list[Moments]:
    """The log's moments at each penalty on its shift: none of them at 0, all without bound."""
    values, vectors = np.linalg.eigh(log.gram)
    values = np.clip(values, 0.0, None)
    projected = vectors.T @ log.cross
    scale = max(float(values.mean()), 1e-12)
    found = []
    for penalty in SHIFTS * scale:
        share = np.ones_like(values) if np.isinf(penalty) else penalty / (values + max(penalty, 1e-300))
        found.append(Moments((vectors * (share * values)) @ vectors.T, vectors @ (share * projected)))
    return found


METHODS: tuple[Method, ...] = (
    DataEnriched(
        "slice-enriched",
        make_tags(
            "One regression fits slice and log, whose text effects may differ.",
            "Chen, Owen & Shi 2015, doi 10.1214/15-EJS1027",
            "randomised",
            calibrated=True,
        ),
    ),
)
