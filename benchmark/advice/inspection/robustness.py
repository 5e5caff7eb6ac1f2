"""How strong an unrecorded confounder would have to be: robustness values of phrases and of the top texts.

Cinelli and Hazlett 2020, "Making sense of sensitivity": a confounder that explains the share RV of what is
left of both the outcome and the phrase would bring the effect to zero,
``RV = (sqrt(f^4 + 4 f^2) - f^2) / 2``, ``f = |t| / sqrt(df)``. Recorded covariates serve as yardsticks.
``PySensemakr`` and ``DoubleML`` compute the same for one treatment. The formula is short; the first would be
one more dependency for it, and the second brings a modelling framework of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmark.advice.inspection.design import Design, residualise
from benchmark.advice.inspection.effects import Fit
from benchmark.advice.inspection.estimate import LEVEL, Estimate

STRONGEST = 8
TOP = 5


@dataclass(frozen=True)
class Robustness:
    """How strong a confounder must be to change one answer.

    Attributes:
        about: A phrase, or the start of a text.
        effect: The adjusted effect, or what the text gains over the average text.
        value: Robustness value, with the interval from the effect's own.
    """

    about: str
    effect: Estimate
    value: Estimate


@dataclass(frozen=True)
class Yardstick:
    """How strong a recorded covariate is.

    Attributes:
        covariate: Its name.
        of_outcome: Share that it explains of what is left of the outcome.
        of_text: The largest share that it explains of what is left of any of the strongest phrases.
    """

    covariate: str
    of_outcome: float
    of_text: float

    @property
    def strength(self) -> float:
        """The smaller of the two: no confounder is stronger than its weaker link."""
        return min(self.of_outcome, self.of_text)


def robustness_value(t: float, freedom: int) -> float:
    """The robustness value of a t statistic, in [0, 1).

    Example:
        >>> round(robustness_value(4.18, 783), 3)  # peacefactor on directlyharmed, Cinelli & Hazlett 2020
        0.139
    """
    square = t * t / freedom
    return float((np.sqrt(square * square + 4 * square) - square) / 2)


def make_robust(about: str, effect: float, robust: float, classical: float, freedom: int) -> Robustness:
    """The robustness of an effect.

    Args:
        about: What it is about.
        effect: The effect.
        robust: Its standard error, for the interval.
        classical: Its standard error under equal variances, which is what partial R2 is made of.
        freedom: Residual degrees of freedom.
    """
    critical = float(stats.t.ppf(0.5 + LEVEL / 2, freedom))
    t = abs(effect) / classical if classical > 0 else 0.0
    error = critical * robust / classical if classical > 0 else 0.0
    value = Estimate(*(robustness_value(max(0.0, part), freedom) for part in (t, t - error, t + error)))
    return Robustness(about, Estimate(effect, effect - critical * robust, effect + critical * robust), value)


def describe_robustness(design: Design, fit: Fit) -> tuple[Robustness, ...]:
    """The strongest phrases and the best texts, with the confounder that would undo each."""
    t = np.abs(fit.coefficient) / np.where(fit.errors > 0, fit.errors, np.inf)
    found = []
    for k in np.argsort(-t, kind="stable")[:STRONGEST]:
        unit = np.zeros(len(t))
        unit[k] = 1.0
        found.append(
            make_robust(
                design.phrases.names[k], float(fit.coefficient[k]), float(fit.errors[k]),
                fit.classical_error(unit), fit.freedom,
            )
        )  # fmt: skip
    return (*found, *_top_texts(design, fit))


def _top_texts(design: Design, fit: Fit) -> list[Robustness]:
    """The texts that the adjusted effects put first, against the average text."""
    held = design.phrases.held
    contrasts, where = np.unique(held, axis=0, return_index=True)
    contrasts = contrasts - held.mean(axis=0)
    gain = contrasts @ fit.coefficient
    found = []
    for k in np.argsort(-gain, kind="stable")[:TOP]:
        error, classical = fit.contrast_error(contrasts[k]), fit.classical_error(contrasts[k])
        text = str(design.log.texts[where[k]])
        about = "text: " + (text if len(text) <= 60 else text[:59] + "…")
        found.append(make_robust(about, float(gain[k]), error, classical, fit.freedom))
    return found


def measure_yardsticks(design: Design, fit: Fit) -> tuple[Yardstick, ...]:
    """What each recorded covariate explains of outcome and phrases, given all else; strongest first."""
    if not design.basis.shape[1]:
        return ()
    t = np.abs(fit.coefficient) / np.where(fit.errors > 0, fit.errors, np.inf)
    strongest = np.argsort(-t, kind="stable")[:STRONGEST]
    found = []
    source = np.array(design.basis_source)
    for name in design.covariate_names:
        rest = design.basis[:, source != name]
        outcome = residualise(design.outcome[:, None], np.column_stack([rest, design.texts]))
        texts = residualise(design.texts[:, strongest], rest)
        both = np.column_stack([design.basis, design.texts])
        of_outcome = 1 - (residualise(design.outcome[:, None], both) ** 2).sum() / (outcome**2).sum()
        spread = (texts**2).sum(axis=0)
        left = (residualise(design.texts[:, strongest], design.basis) ** 2).sum(axis=0)
        of_text = (1 - left / np.where(spread > 1e-12, spread, np.inf)).max()
        found.append(Yardstick(name, float(max(of_outcome, 0)), float(max(of_text, 0))))
    return tuple(sorted(found, key=lambda yardstick: -yardstick.strength))
