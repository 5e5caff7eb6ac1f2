"""A test with an answer that is known: the text cannot have moved what was measured before it was shown.

The outcome is replaced by such a column. If phrases still seem to move it after all else was adjusted for,
something that was not recorded drives both (negative controls: Lipsitch, Tchetgen Tchetgen & Cohen 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.advice.inspection.design import Design, make_design
from benchmark.advice.inspection.effects import joint_test, regress
from benchmark.advice.inspection.estimate import Estimate


@dataclass(frozen=True)
class Placebo:
    """One placebo test.

    Attributes:
        column: The column that no text can have moved.
        p_value: Of the test that no phrase predicts it, after adjusting for the other covariates.
        largest: The largest seeming effect, in standard deviations of the column; its interval allows for
            the choice of the largest (Bonferroni).
        phrase: The phrase that it belongs to.
    """

    column: str
    p_value: float
    largest: Estimate
    phrase: str

    @property
    def passes(self) -> bool:
        """Whether the phrases predict it no better than chance allows."""
        return self.p_value > 0.05


def test_placebos(design: Design) -> tuple[Placebo, ...]:
    """A test for each column that the user, or its name, says the text cannot have moved."""
    from scipy import stats

    found = []
    for name in design.own.placebos:
        if f"covariate.{name}" not in design.log.table.column_names:
            continue
        made = [made for made, source in design.own.sources.items() if source == name or made == name]
        part = make_design(design.own, without=tuple({name, *made}))
        values = part.log.numbers(f"covariate.{name}")
        if not values.std() > 0:
            continue
        fit = regress(part, part.basis, (values - values.mean()) / values.std())
        z = np.abs(fit.coefficient) / np.where(fit.errors > 0, fit.errors, np.inf)
        best = int(np.argmax(z))
        half = float(stats.norm.ppf(1 - 0.025 / len(z)) * fit.errors[best])
        value = float(fit.coefficient[best])
        found.append(
            Placebo(
                name,
                joint_test(fit.coefficient, fit.covariance),
                Estimate(value, value - half, value + half),
                part.phrases.names[best],
            )
        )
    return tuple(found)
