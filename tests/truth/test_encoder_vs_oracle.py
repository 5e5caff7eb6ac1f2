"""The suite measures causality, not encoders: on the randomised twin, the text encoder does as well as
an oracle that is told the attributes.

Both regress the twin's outcomes on the same covariates and on what they see of the text, the one on the
encoder's columns, the other on a bag of the true attributes. The margin is .02 of normalised regret on
every domain. What gap there is comes of estimating a few hundred columns from a few thousand rows, and
goes as rows are added: the encoder can say whatever the attributes can.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import methods
from benchmark.contract import Budget, make_rng
from benchmark.harness import Harness, drive, predict
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.scoring.score import score_with_key
from benchmark.tasks.prepare import domain_of, make_task
from benchmark.tasks.pretraining import draw_attributes
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite
from simulators.text import load_domain

pytestmark = pytest.mark.slow
MARGIN, SEEDS, N = 0.02, range(5), 4000
SUITE = check_suite(
    {
        "name": "encoders",
        "version": "1",
        "n": N,
        "queries": {"pairs": 1024, "contrasts": 16, "pool": 64, "samples": 1},
        "cells": [{"scenarios": ["observed"]}],
    }
)
SCENARIOS = {
    "headlines": "observed[strength=1]",
    "answers": "observed[strength=1,domain=answers]",
    "replies": "observed[strength=1,domain=replies]",
    "letters": "letters[strength=1]",
    "letters, published effects": "letters[strength=1,effects=published]",
}


@cache
def make_encoder(name):
    """A backbone of a domain for its encoder alone: the decoder is left untrained."""
    domain, rng = load_domain(name), make_rng("encoders", name)
    prompt_ids = rng.integers(len(domain.prompts), size=6000)
    written = domain.realise(draw_attributes(domain, rng, 6000), prompt_ids, rng)
    prompts = np.array(domain.prompts, dtype=object)[prompt_ids]
    return pretrain(prompts, np.array(written.to_pylist(), dtype=object), domain.vocabulary, steps=1)


class Oracle:
    """Least squares of the outcome on prompts, true attributes and covariates; read without the latter."""

    def __init__(self, log, domain):
        self.domain = domain
        seen = self._see(log.prompts, log.texts)
        covariates = np.column_stack([log.numbers(f"covariate.{name}") for name in log.names("covariate")])
        covariates = covariates - covariates.mean(axis=0)
        self.slopes = np.linalg.lstsq(np.column_stack([seen, covariates]), log.outcomes, rcond=1e-9)[0]

    def _see(self, prompts, texts):
        asked = np.asarray(prompts)[:, None] == np.array(self.domain.prompts, dtype=object)
        return np.column_stack([asked, self.domain.detect(texts).attributes]).astype(float)

    def reward(self, prompts, texts, context=None):
        seen = self._see(prompts, texts)
        return seen @ self.slopes[: seen.shape[1]]


def regret_gaps(name, seeds, n):
    """The encoder's regret less the oracle's, and the oracle's, by seed."""
    backbone, found = make_encoder(domain_of(Scenario.parse(SCENARIOS[name]))), []
    for seed in seeds:
        task = make_task(Scenario.parse(SCENARIOS[name]).with_rows(n), seed, SUITE)
        harness = Harness(backbone, budget=Budget(), path=("encoders", name, seed))
        encoder = drive(methods.load("ceiling"), [(task.complete_twin_log, harness)])[0]
        oracle = Oracle(task.complete_twin_log, task.world.domain)
        regret = [score_with_key(predict(f, task.queries), task.key)["rho"] for f in (encoder, oracle)]
        found.append((regret[0] - regret[1], regret[1]))
    return np.array(found).T


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_encoder_comes_within_the_margin_of_the_oracle(name):
    gaps, oracle = regret_gaps(name, SEEDS, N)
    # the oracle errs little, else closeness to it would mean nothing
    assert oracle.max() < 0.05
    assert gaps.mean() < MARGIN


def test_the_gap_closes_as_rows_are_added():
    """Of the widest encoder: with four times the rows at most half the margin is left."""
    gaps, _ = regret_gaps("letters", range(1), 4 * N)
    assert gaps.mean() < MARGIN / 2
