"""Every method of the standard set does what its source predicts, at 1 % over independent logs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from standard_predictions import PREDICTIONS
from standard_worlds import marker_effects, preferences

LEVEL = 0.01
MARGIN = 0.25


def lean(name: str, scenario: str) -> np.ndarray:
    """The lead a method gives the better text, one number a seed.

    Where texts have several attributes: the best attribute's lead over the greeting that does nothing.
    """
    if scenario != "marker":
        return preferences(name, scenario)
    effects = marker_effects(name)
    return effects[:, 1] - effects[:, 0]


def significant(values: np.ndarray) -> bool:
    """Whether the mean is above 0, by a one-sided t test over seeds."""
    error = max(float(values.std(ddof=1)) / np.sqrt(len(values)), 1e-9)
    return bool(values.mean() / error > stats.t.ppf(1 - LEVEL, len(values) - 1))


def holds(claim: str, own: np.ndarray, base: np.ndarray) -> bool:
    """Whether a claim is significantly true of leads, paired by seed with those of the base."""
    side = np.sign(base.mean())
    if claim == "wins":
        return significant(own)
    if claim == "fails":
        return significant(-own)
    if claim == "amplifies":
        return significant(side * (own - base))
    if claim == "damps":
        return significant(side * own) and significant(side * (base - own))
    allowed = MARGIN * max(1.0, abs(float(base.mean())))
    return significant(allowed - (own - base)) and significant(allowed + (own - base))


@pytest.mark.parametrize("prediction", PREDICTIONS, ids=lambda p: p.method)
def test_prediction(prediction):
    own = lean(prediction.method, prediction.scenario)
    base = lean(prediction.base, prediction.scenario) if prediction.base else np.zeros(len(own))
    assert holds(prediction.claim, own, base), f"{prediction}: {own.round(3)} against {base.round(3)}"


@pytest.mark.parametrize("claim", ["wins", "fails", "amplifies", "damps", "no advantage"])
def test_claims_can_fail(claim):
    """What a claim denies is not taken for it, nor is noise for a win."""
    noise = np.array([0.4, -0.5, 0.3, -0.2, 0.1])
    base = -1.0 + 0.01 * noise
    denied = {"wins": -1 + noise, "fails": 1 + noise, "amplifies": 0.9 * base, "damps": 1.1 * base}
    assert not holds(claim, denied.get(claim, 2 * base), base)
    assert holds(claim, noise, base) is False


@pytest.mark.parametrize(
    ("scenario", "confounded"),
    [("observed", True), ("entangled", True), ("overlap", True), ("randomised", False)],
)
def test_worlds_are_what_they_are_called(scenario, confounded):
    """Naive errs where the world is confounded and nowhere else."""
    assert significant(-preferences("naive", scenario) if confounded else preferences("naive", scenario))
