"""Proximal adjustment: two noisy measurements of what confounds, each instrumenting the other.

With ``W_1 = a_1 u + e_1`` and ``W_2 = a_2 u + e_2`` of independent errors and linear effects,
the outcome's slope on one proxy, instrumented by the other and controlling for the text, is
the confounder's effect free of measurement error (Tchetgen Tchetgen et al. 2020, proximal
two-stage least squares; Miao, Geng, Tchetgen Tchetgen 2018). Proxies of one source share errors, so
those of other sources instrument them; ``survey_1`` and ``survey_2`` are of one source by their names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract import Harness, Incompatible, Log
from methods.adjust.features import control_columns
from methods.adjust.scored import Scored, partial_out, score_at_face_value, solve


@dataclass(frozen=True)
class Proximal:
    """Subtract the proxies' effect, each proxy instrumented by those of other sources, averaged."""

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by Y less the effect of what the proxies measure."""
        scored = score_at_face_value(log, harness)
        proxies = scored.log.matrix("proxy")
        sources = np.array([name.rpartition("_")[0] or name for name in scored.log.names("proxy")])
        if len(set(sources)) < 2:
            raise Incompatible("needs proxies of the confounder from two sources, the log has one source")
        controls = control_columns(scored.log)
        removed = np.zeros(len(proxies))
        for k in range(proxies.shape[1]):
            removed += self._effect(scored, controls, proxies[:, k], proxies[:, sources != sources[k]]) * (
                proxies[:, k] - proxies[:, k].mean()
            )
        value = scored.value - removed / proxies.shape[1]
        return partial_out(replace(scored, value=value), controls)

    def _effect(self, scored: Scored, controls: np.ndarray, proxy: np.ndarray, others: np.ndarray) -> float:
        columns = np.column_stack([controls, others])
        on_outcome = slopes(scored, columns, others.shape[1])
        on_proxy = slopes(replace(scored, value=proxy), columns, others.shape[1])
        size = float(on_proxy @ on_proxy)
        if size < 1e-12:
            raise Incompatible("the proxies are unrelated to one another")
        return float(on_proxy @ on_outcome) / size


def slopes(scored: Scored, columns: np.ndarray, last: int) -> np.ndarray:
    """Coefficients of the last columns in a regression on texts (by ridge) and columns; (last,)."""
    _, _, coefficient = solve(partial_out(scored, columns))
    rest = scored.value - scored.texts @ coefficient
    solution, *_ = np.linalg.lstsq(columns, rest, rcond=None)
    return solution[-last:]
