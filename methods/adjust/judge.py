"""Adjustments for a log scored by an automatic judge, with people's outcomes for some rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract import Harness, Log
from methods.adjust.features import (
    Basis,
    base_columns,
    control_columns,
    role_values,
)
from methods.adjust.ridge import fit_ridge
from methods.adjust.scored import Scored, partial_out, score_at_face_value, score_by_judge, solve


@dataclass(frozen=True)
class RawJudge:
    """The judge's score at face value, on every row.

    Attributes:
        debiased: Partial out logged style attributes: their words earn nothing, whatever their
            true effect (the length-debiasing of length-controlled win rates, for any style).
    """

    debiased: bool = False

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by the judge."""
        scored = score_by_judge(log, harness)
        styles = role_values(scored.log, ("attribute",)) if self.debiased else np.zeros((len(scored.log), 0))
        columns = np.column_stack([base_columns(scored.log), Basis.learn(styles)(styles)])
        return partial_out(scored, columns)


@dataclass(frozen=True)
class CalibratedJudge:
    """The judge's reward, corrected on the rows that people scored.

    What people say beyond the judge's reward is regressed on logged style attributes, if there are any:
    a few numbers, so nothing is shrunk. Otherwise it is regressed on the text itself, shrunk to
    zero. Same idea as prediction-powered inference (Angelopoulos et al. 2023) and
    judge-to-oracle calibration (CJE, arXiv 2512.11150); a reconstruction.
    """

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score people's rows, anchored on the judge."""
        whole = RawJudge()(log, harness)
        _, _, coefficient = solve(whole)
        scored = score_at_face_value(log, harness)
        columns = control_columns(scored.log)
        if not log.has("attribute"):
            return partial_out(scored, columns).with_nuisances(anchor=coefficient)
        rest = scored.value - scored.texts @ coefficient
        styles = scored.log.matrix("attribute")
        solution, *_ = np.linalg.lstsq(np.column_stack([columns, styles]), rest, rcond=None)
        reader = fit_ridge(whole.texts, log.matrix("attribute")).coefficient
        anchor = coefficient + reader @ solution[columns.shape[1] :]
        read = whole.texts @ anchor
        value = read - read.mean() + scored.log.outcomes.mean()
        return replace(whole, value=value, nuisances={"anchor": anchor})
