"""Adjustments for a log with a flagged randomised slice: the slice alone, or anchored on the log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Harness, Incompatible, Log
from methods.adjust.features import control_columns
from methods.adjust.scored import Scored, partial_out, score_at_face_value, solve


@dataclass(frozen=True)
class Slice:
    """The randomised rows, covariates adjusted for.

    Attributes:
        anchored: Shrink towards the coefficients of the whole log instead of towards zero; how far
            is chosen by cross-validation on the slice, so a useless log costs little.
    """

    anchored: bool = False

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score the randomised rows."""
        rows = slice_rows(log)
        scored = _adjusted(score_at_face_value(log.take(rows), harness))
        if not self.anchored:
            return scored
        _, _, coefficient = solve(_adjusted(score_at_face_value(log, harness)))
        # The log's effects may also be scaled wrongly as a whole: one slope corrects that.
        left = scored.value - scored.nuisances["value_mean"]
        right = (scored.texts - scored.nuisances["text_mean"]) @ coefficient
        size = float(right @ right)
        slope = float(right @ left) / size if size > 1e-12 else 0.0
        done = scored.with_nuisances(anchor=max(slope, 0.0) * coefficient)
        return done.with_diagnostics(anchor_slope=slope)


def slice_rows(log: Log) -> np.ndarray:
    """Rows assigned at random, as indices.

    Raises:
        Incompatible: If there are fewer than ten.
    """
    rows = np.flatnonzero(log.numbers("randomised") == 1)
    if len(rows) < 10:
        raise Incompatible(f"the randomised slice has {len(rows)} rows, 10 are needed")
    return rows


def _adjusted(scored: Scored) -> Scored:
    columns = control_columns(scored.log)
    return partial_out(scored, columns)
