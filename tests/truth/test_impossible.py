"""The impossible world: its log and queries are the same whichever way the coin fell, so nobody can win.

A method is a function of log, queries and its own streams. If those do not depend on the coin while every
reward difference changes sign with it, each method's regret is r under one face and 1 - r under the other:
one half on average. Every method that takes the log and trains no policy is run, over a hundred signs where
it is quick and on both faces of one coin where it is not; so are a few policies.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from worlds import make_world, same_tables

import methods
from benchmark.contract import Budget, Streams, make_rng
from benchmark.harness import Cache, Failure, Harness, drive, predict
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.scoring.score import score_with_key
from benchmark.tasks.prepare import make_task
from benchmark.tasks.pretraining import draw_attributes
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite
from simulators.text import load_domain

SIGNS = 100
# more than a twentieth of a second a sign, a hundred times over
COSTLY = frozenset(
    {
        "causal-embedding",
        "causal-embedding-latent",
        "covariate-regression-boosted",
        "double-lasso",
        "doubly-robust",
        "doubly-robust-corrected",
        "doubly-robust-linear",
        "factored-reward",
        "generative-representation",
        "lasso-partial-out",
        "odin",
        "outcome-model-averaged",
        "unlabelled-as-negative",
        "positive-unlabelled",
        "regression-paraphrased",
        "text-cause",
    }
)
POLICIES = ("cpo", "dpo-raw", "rloo", "rwr")
CONSTANT = {"canary-constant"}
# enough for a head to commit itself; whether it is well trained does not matter here
BUDGET = Budget(steps=4, batch_size=16, samples=64)
SUITE = check_suite(
    {
        "name": "impossible",
        "version": "1",
        "n": 400,
        "queries": {"pairs": 128, "contrasts": 1, "pool": 32, "samples": 1},
        "cells": [{"scenarios": ["impossible"]}],
    }
)


class OtherFace:
    """A generator whose coin lands on the other side."""

    def __init__(self, rng):
        self.rng = rng

    def choice(self, faces):
        return -self.rng.choice(faces)


def other_face(monkeypatch):
    """Let every coin fall the other way from here on."""
    toss = Streams.rng
    monkeypatch.setattr(
        Streams,
        "rng",
        lambda self, part, *more: (
            OtherFace(toss(self, part, *more)) if part == "sign" else toss(self, part, *more)
        ),
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_log_and_the_queries_do_not_depend_on_the_coin(seed, monkeypatch):
    world = make_world("impossible", seed=seed)
    other_face(monkeypatch)
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
def make_backbone():
    """Of the domain's texts; the decoder is left all but untrained."""
    domain, rng = load_domain("headlines"), make_rng("impossible", "corpus")
    prompt_ids = rng.integers(len(domain.prompts), size=2000)
    written = domain.realise(draw_attributes(domain, rng, 2000), prompt_ids, rng)
    prompts = np.array(domain.prompts, dtype=object)[prompt_ids]
    texts = np.array(written.to_pylist(), dtype=object)
    return pretrain(prompts, texts, domain.vocabulary, steps=1)


@cache
def entrants() -> tuple[str, ...]:
    """Every method that takes the log as its track shows it and trains no policy."""
    task = make_task(Scenario.parse("impossible"), 0, SUITE)
    return tuple(
        method.name
        for method in methods.list_methods()
        if not method.tags.policy and not method.tags.reason_to_refuse(task.view(method.tags.track))
    )


def find_regret(name, task, seed, cache=None) -> float:
    """Normalised regret of a method on a task."""
    harness = Harness(make_backbone(), budget=BUDGET, path=("impossible", name, seed), cache=cache)
    method = methods.load(name)
    fitted = drive(method, [(task.view(method.tags.track), harness)])[0]
    assert not isinstance(fitted, Failure), fitted
    return score_with_key(predict(fitted, task.queries), task.key)["rho"]


@pytest.mark.slow
def test_no_method_beats_a_coin():
    """Over a hundred signs the mean regret is at least one half less three standard errors."""
    quick = [name for name in entrants() if name not in COSTLY]
    assert len(quick) >= 12
    found = np.empty((SIGNS, len(quick)))
    for seed in range(SIGNS):
        task, shared = make_task(Scenario.parse("impossible"), seed, SUITE), Cache()
        found[seed] = [find_regret(name, task, seed, shared) for name in quick]
    for name, regrets in zip(quick, found.T, strict=True):
        # a method that never commits would pass for nothing
        assert name in CONSTANT or regrets.std() > 0.05, name
        assert regrets.mean() >= 0.5 - 3 * regrets.std(ddof=1) / np.sqrt(SIGNS), name


@pytest.mark.parametrize("name", [*sorted(COSTLY), *POLICIES])
def test_regrets_under_both_faces_sum_to_one(name, monkeypatch):
    """What is learned is the same under both, so what is right under one face is wrong under the other."""
    assert name in entrants() or methods.load(name).tags.policy
    scenario = Scenario.parse("impossible")
    one = find_regret(name, make_task(scenario, 0, SUITE), 0)
    other_face(monkeypatch)
    assert one != pytest.approx(0.5, abs=1e-5)
    assert one + find_regret(name, make_task(scenario, 0, SUITE), 0) == pytest.approx(1, abs=1e-9)
