"""The parameter ``signal``: the ceiling, fitted on the complete randomised twin, misses by about as much."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from worlds import make_world

from benchmark.contract import Budget
from benchmark.harness import Harness, drive, predict
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.scoring.score import make_key, score_with_key
from benchmark.tasks.prepare import shuffle_rows
from benchmark.tasks.pretraining import draw_corpus
from methods.catalogue.reference import CEILING
from simulators import QuerySizes

pytestmark = pytest.mark.slow
ROWS, SIZES = 4000, QuerySizes(pairs=2048, contrasts=16, pool=256, samples=1)
FAMILIES = ("observed", "nonlinear", "overlap", "instrument", "entangled")


@cache
def make_encoder(name):
    """A backbone of a domain for its encoder alone: the decoder is left untrained."""
    prompts, texts, vocabulary = draw_corpus(name)
    return pretrain(prompts[:6000], texts[:6000], vocabulary, steps=1)


def regret_of_ceiling(family, seed, **given):
    """Normalised regret of the ceiling, given as many rows as a scenario has by default."""
    world = make_world(family, seed=seed, **given)
    harness = Harness(make_encoder(world.domain.name), Budget(), ("signal", family, str(seed)))
    log = shuffle_rows(world.draw(ROWS, "twin", complete=True).log, "signal", family, seed)
    (fitted,) = drive(CEILING, [(log, harness)])
    queries = world.queries(SIZES)
    return score_with_key(predict(fitted, queries), make_key(queries, world.truth))["rho"]


def test_ceilings_of_lifelike_worlds_lie_between_a_tenth_and_a_fifth():
    found = np.array(
        [[regret_of_ceiling(name, seed, texture="lifelike") for seed in range(3)] for name in FAMILIES]
    )
    assert found.min() > 0.10
    assert found.max() < 0.20
    # a single log is worth +-.02; three are worth .012
    assert found.mean(axis=1) == pytest.approx(np.full(len(FAMILIES), 0.15), abs=0.025)
    assert found.mean() == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize(("signal", "tolerance"), [(0.05, 0.01), (0.30, 0.03)])
def test_signal_is_the_regret_of_the_ceiling(signal, tolerance):
    found = [regret_of_ceiling(name, seed, signal=signal) for name in FAMILIES for seed in range(2)]
    assert np.mean(found) == pytest.approx(signal, abs=tolerance)
