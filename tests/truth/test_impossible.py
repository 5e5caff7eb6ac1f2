"""The impossible world: its log and queries are the same whichever way the coin fell, so nobody can win.

A method is a function of log, queries and its own streams. If those do not depend on the coin while every
reward difference changes sign with it, each method's regret is r under one face and 1 - r under the other:
one half on average, for policies and closed forms alike. The closed forms are also run; policies are held
to the same by the impossible block of the core suite, from records.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from worlds import make_world, same_tables

import methods
from benchmark.contract import Budget, Streams, make_rng
from benchmark.harness import Harness, drive, predict, pretrain
from benchmark.prepare import draw_attributes, make_task
from benchmark.scenario import Scenario
from benchmark.score import score_with_key
from benchmark.suite import check_suite
from simulators.text import load_domain

SIGNS = 100
METHODS = ("naive", "covariate-regression", "doubly-robust")
SUITE = check_suite(
    {
        "name": "impossible",
        "version": "1",
        "n": 400,
        "queries": {"pairs": 128, "contrasts": 1, "pool": 32, "samples": 1},
        "block": [{"scenarios": ["impossible"]}],
    }
)


class OtherFace:
    """A generator whose coin lands on the other side."""

    def __init__(self, rng):
        self.rng = rng

    def choice(self, faces):
        return -self.rng.choice(faces)


@pytest.mark.parametrize("seed", range(5))
def test_the_log_and_the_queries_do_not_depend_on_the_coin(seed, monkeypatch):
    world = make_world("impossible", seed=seed)
    toss = Streams.rng
    monkeypatch.setattr(
        Streams,
        "rng",
        lambda self, part, *more: (
            OtherFace(toss(self, part, *more)) if part == "sign" else toss(self, part, *more)
        ),
    )
    other = make_world("impossible", seed=seed)
    assert other.truth.effects == pytest.approx(-world.truth.effects)
    one, two = world.draw(2000).log.table, other.draw(2000).log.table
    assert np.abs(one.column("outcome").to_numpy() - two.column("outcome").to_numpy()).max() < 1e-9
    assert same_tables(one.drop_columns(["outcome"]), two.drop_columns(["outcome"]))
    asked, again = world.queries(), other.queries()
    for name in ("prompts", "texts", "pairs", "contrasts", "pools"):
        assert np.array_equal(getattr(asked, name), getattr(again, name))
    difference = [w.truth.reward(asked.prompts, asked.texts)[asked.pairs] @ [1, -1] for w in (world, other)]
    assert difference[0] == pytest.approx(-difference[1])


@cache
def regrets() -> np.ndarray:
    """Normalised regret by sign and method."""
    domain, rng = load_domain("headlines"), make_rng("impossible", "corpus")
    prompt_ids = rng.integers(len(domain.prompts), size=2000)
    written = domain.realise(draw_attributes(domain, rng, 2000), prompt_ids, rng)
    prompts = np.array(domain.prompts, dtype=object)[prompt_ids]
    texts = np.array(written.texts.to_pylist(), dtype=object)
    backbone = pretrain(prompts, texts, domain.vocabulary, steps=1)
    found = []
    for seed in range(SIGNS):
        task = make_task(Scenario.parse("impossible"), seed, SUITE)
        row = []
        for name in METHODS:
            harness = Harness(backbone, budget=Budget(), path=("impossible", name, seed))
            fitted = drive(methods.load(name), [(task.view(), harness)])[0]
            row.append(score_with_key(predict(fitted, task.queries), task.key)["rho"])
        found.append(row)
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_no_closed_form_beats_a_coin(name):
    """Over a hundred signs the mean regret is at least one half less three standard errors."""
    found = regrets()[:, METHODS.index(name)]
    # a method that never commits would pass for nothing
    assert found.std() > 0.1
    assert found.mean() > 0.5 - 3 * found.std(ddof=1) / np.sqrt(SIGNS)
