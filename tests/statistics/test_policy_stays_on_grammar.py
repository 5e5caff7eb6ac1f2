"""Policies that optimise a reward or themselves keep writing texts, and better ones than the reference.

A reward learnt on texts says nothing of word salad, so a policy may gain reward by leaving the grammar.
What a text is worth here is exact: the toy grammar is enumerable, and whatever is outside of it is worth its
worst text.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from standard_worlds import MARKER_BUDGET, ROWS, marker_backbone

import methods
from benchmark.harness import Harness, drive
from methods.checks.toy import EFFECTS, OFF, ON, PROMPTS, draw_toy

SEEDS = range(4)
TEXTS_A_PROMPT = 200
# The reference itself slips now and then; a policy may slip on every tenth text more.
MORE_SLIPS = 0.10


@cache
def worth() -> dict[str, float]:
    """The true reward of every text of the toy grammar."""
    phrases = [[(phrase, k) for k in (0, 1) for phrase in (OFF, ON)[k][part]] for part in range(len(ON))]
    return {
        " ".join(phrase for phrase, _ in choice): float(np.dot([on for _, on in choice], EFFECTS))
        for choice in product(*phrases)
    }


def judge(fitted) -> tuple[float, float]:
    """Share of samples outside the grammar, and their mean worth."""
    texts = fitted.sample(PROMPTS, TEXTS_A_PROMPT).ravel()
    found = [worth().get(text) for text in texts]
    values = [min(worth().values()) if value is None else value for value in found]
    return float(np.mean([value is None for value in found])), float(np.mean(values))


@cache
def tasks():
    return tuple(
        (
            draw_toy(ROWS, seed).log(roles=("covariate",)),
            Harness(marker_backbone(), MARKER_BUDGET, ("grammar", str(seed))),
        )
        for seed in SEEDS
    )


@cache
def reference() -> np.ndarray:
    """Slips and worth of the untrained policy, shape (seeds, 2)."""
    return np.array([judge(harness.fitted_policy(harness.policy())) for _, harness in tasks()])


def judge_method(method) -> np.ndarray:
    """Slips and worth of a fitted method, shape (seeds, 2)."""
    return np.array([judge(fitted) for fitted in drive(method, list(tasks()))])


@pytest.mark.parametrize("name", ["rloo-adjusted", "rloo-residual-partial-out", "sapo-residual"])
def test_policy_writes_texts_and_better_ones(name):
    slips, value = judge_method(methods.load(name)).T
    base_slips, base_value = reference().T
    assert (slips < base_slips + MORE_SLIPS).all(), (slips, base_slips)
    gain = value - base_value
    assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(len(gain)), gain


def test_divergence_must_cost():
    """With divergence almost free the same method leaves the grammar: the check above can fail."""
    cheap = replace(methods.load("rloo-adjusted"), beta=0.02, pace=3.0)
    slips, _ = judge_method(cheap).T
    assert (slips > reference()[:, 0] + MORE_SLIPS).all(), slips
