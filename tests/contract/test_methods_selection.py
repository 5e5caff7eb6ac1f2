"""Outcomes recorded for some rows alone: weighting by the chance of being recorded."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

import methods
from benchmark.contract import Incompatible, Log, make_rng
from methods.checks.harness import EncodingHarness
from methods.checks.toy import EFFECTS, draw_toy


def selected_log(seed: int, n: int = 4000) -> Log:
    """A randomised log whose outcome is recorded more often where it is high."""
    toy = draw_toy(n, seed, strength=0.0)
    rng = make_rng("selected", seed)
    outcome = toy.table["outcome"].to_numpy()
    chance = expit(0.4 * (outcome - outcome.mean()))
    observed = (rng.random(n) < chance).astype(float)
    table = toy.table.select(["prompt", "text", "covariate.mood", "shadow.mood"])
    return Log(
        table.append_column("outcome", pa.array(np.where(observed == 1, outcome, np.nan)))
        .append_column("observed", pa.array(observed))
        .append_column("observation_propensity", pa.array(chance))
    )


def effect_sizes(name: str, seed: int) -> np.ndarray:
    from methods.checks.answers import toy_contrasts

    fitted = methods.load(name).fit(selected_log(seed), EncodingHarness(seed))
    contrasts = toy_contrasts()
    gap = fitted.reward(contrasts.prompts, contrasts.on) - fitted.reward(contrasts.prompts, contrasts.off)
    return np.bincount(contrasts.ids, weights=gap) / np.bincount(contrasts.ids)


def slope(name: str) -> float:
    """Estimated effects as a multiple of the true ones: 1 is unbiased, below 1 attenuated."""
    effects = np.mean([effect_sizes(name, seed) for seed in range(6)], axis=0)
    return float(effects @ EFFECTS / (EFFECTS @ EFFECTS))


def test_complete_cases_attenuate_and_logged_chances_do_not():
    complete, weighted = slope("complete-case"), slope("observation-weighted")
    assert complete < 0.75
    assert weighted > complete + 0.1


def test_a_shadow_variable_recovers_most_of_what_the_logged_chance_does():
    # Clipped weights and shrinkage keep even the logged chance below 1: it is the yardstick.
    complete, logged, shadow = map(
        slope, ("complete-case", "observation-weighted", "observation-weighted-shadow")
    )
    assert shadow - complete > 0.5 * (logged - complete)


def test_what_texts_and_covariates_say_does_not_explain_recording_by_outcome():
    # Recording depends on the outcome itself, so the estimated chance cannot help.
    assert slope("observation-weighted-estimated") < slope("complete-case") + 0.05


def test_a_log_without_any_outcome_is_declined():
    log = selected_log(0)
    rows = np.flatnonzero(log.numbers("observed") == 0)
    with pytest.raises(Incompatible, match="no row"):
        methods.load("naive").fit(log.take(rows), EncodingHarness())
