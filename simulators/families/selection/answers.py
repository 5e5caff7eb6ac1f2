"""Answering: a log in which only some readers left a score.

Turns a recording rule into the columns that reach the log, and finds the rule that biases the scores
left by as much as the strength parameter asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from benchmark.contract.errors import UsageError
from simulators.families.selection.outcome import OutcomeSelection
from simulators.law.recording import Column, Rows
from simulators.law.roles import DECOY
from simulators.law.selection import Selection
from simulators.world import SimulatedWorld

STEEPEST, STEPS = 4.0, 40


@dataclass(frozen=True, eq=False)
class Answers:
    """Who answered, how likely that was, and the scores left."""

    by: Selection | OutcomeSelection

    @property
    def flag(self) -> Column:
        """Whether the reader answered, 0 or 1."""
        return Column("observed", self._answered)

    @property
    def chance(self) -> Column:
        """How likely an answer was."""
        return Column("observation_propensity", self._chance)

    def score(self, rows: Rows) -> np.ndarray:
        """The outcome where it was left, else NaN."""
        return np.where(self._answered(rows) == 1, rows.outcomes[0], np.nan)

    def _answered(self, rows: Rows) -> np.ndarray:
        return self.by.recorded(rows.people, rows.attributes[0], rows.outcomes[0]).astype(np.int8)

    def _chance(self, rows: Rows) -> np.ndarray:
        return self.by.probabilities(rows.people, rows.attributes[0], rows.outcomes[0])


def solve_slope(
    selected: Callable[[float], SimulatedWorld], strength: float, steepest: float = STEEPEST
) -> SimulatedWorld:
    """The world whose recording depends on the outcome just enough to reach the strength.

    Bias grows with the slope, then falls as answering becomes a threshold: the first crossing is taken.

    Args:
        selected: Slope of recording in the outcome to the world.
        strength: Naive limit of the worst decoy, in units of the largest true effect.
        steepest: Greatest slope to try.

    Raises:
        UsageError: If no slope reaches it.
    """
    if strength == 0:
        return selected(0.0)

    def excess(slope: float) -> float:
        world = selected(slope)
        worst = world.truth.naive_effects[world.roles.which(DECOY)].max()
        return float(worst - strength * world.roles.largest_effect)

    slopes = np.linspace(0.0, steepest, STEPS + 1)
    reached = np.array([excess(slope) for slope in slopes])
    if reached.max() < 0:
        most = strength + reached.max() / selected(0.0).roles.largest_effect
        raise UsageError(
            f"strength {strength:g} cannot be reached by selection on the outcome",
            expected=f"at most {most:.2f} in this world",
            found=f"{strength:g}",
            fix="lower strength or raise response",
        )
    first = int(np.argmax(reached >= 0))
    return selected(brentq(excess, slopes[first - 1], slopes[first], xtol=1e-12))
