"""Sensitivity on simulated logs: at a world's Gamma bounds hold the truth, and robust answers are right."""

from __future__ import annotations

import numpy as np
import pytest

import benchmark
from benchmark.advice.inspection.gamma import make_comparison
from methods.adjust.features import flexible_columns

LOGS, ROWS = 8, 2000


def hidden_log(seed: int, strength: float):
    """Attributes, outcomes and covariates of a hidden world, its effects, and the Gamma of each attribute."""
    made = benchmark.simulate(f"hidden[strength={strength}]", n=ROWS, seed=seed, season="sensitivity")
    truth, log = made.world.truth, made.log
    attributes = np.asarray(truth.detect(log.texts).attributes, dtype=float)
    weights = made.world.rule.weights
    urges = np.array([name.startswith("urge") for name in made.world.rule.features.names])
    # a standardised urge is -1 or 1: odds given it differ from any mean of the two by exp(2 |w|) at most
    gammas = np.exp(2 * np.abs(weights[:, urges]).sum(axis=1))
    return attributes, log, np.asarray(truth.effects), gammas


def coverage(logs: int, strength: float) -> tuple[float, float]:
    """Share of responding attributes whose effect lies in the interval at their Gamma, and at Gamma 1."""
    held, naive = [], []
    for seed in range(logs):
        attributes, log, effects, gammas = hidden_log(seed, strength)
        basis = flexible_columns(log.covariates)
        biased = int(np.argmax(gammas))
        others = np.delete(attributes, biased, axis=1)
        comparison = make_comparison(
            attributes[:, biased], log.outcomes, np.column_stack([basis, others]), False
        )
        for gamma, found in ((gammas[biased], held), (1.0, naive)):
            low, high = comparison.interval(float(gamma))
            found.append(low <= effects[biased] <= high)
    return float(np.mean(held)), float(np.mean(naive))


@pytest.mark.slow
def test_at_the_gamma_of_the_world_intervals_hold_the_truth():
    inside, naive = coverage(LOGS, 2.0)
    assert inside >= 0.9
    assert naive <= 0.5, "without room for what was not recorded the truth is missed"


@pytest.mark.slow
def test_answers_called_robust_are_right_where_everything_was_recorded():
    right = []
    for seed in range(LOGS):
        made = benchmark.simulate("observed[strength=1]", n=ROWS, seed=seed, season="sensitivity")
        table = made.log.table.drop_columns(["propensity", "target_propensity"])
        found = benchmark.inspect_log(table)
        truth = made.world.truth
        reward = np.asarray(truth.reward(made.log.prompts, made.log.texts))
        for answer in found.robustness:
            if not answer.about.startswith("text: ") or answer.value.low <= 0.02:
                continue
            start = answer.about.removeprefix("text: ").rstrip("…")
            rows = np.array([text.startswith(start) for text in made.log.texts])
            right.append(reward[rows].mean() > reward.mean())
    assert len(right) >= LOGS
    assert np.mean(right) >= 0.9
