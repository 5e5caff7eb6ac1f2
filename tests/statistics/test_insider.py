"""An insider who knows how worlds are drawn gains nothing by it where nothing identifies the effects.

Worlds have seasons that nobody published. Regret is that of same-prompt pairs, 0 perfect, .5 a coin. Rewards
are fitted on the attributes themselves, which is more than any method is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import methods
from benchmark.contract import Streams
from simulators import QuerySizes, build

SEEDS, ROWS = range(10), 4000
HONEST = ("naive", "covariate-regression", "residual-partial-out")
INSIDERS = ("insider-responses", "insider-extrapolated")
UNIDENTIFIED = {
    "hidden": {},
    "hidden, twice as strong": {"strength": 2.0},
    "overlap": {"correlation": 1.0},
    "overlap, twice as strong": {"correlation": 1.0, "strength": 2.0},
    "impossible": {},
}


@dataclass(frozen=True)
class OracleHarness:
    """Encodes a text as its attributes and its prompt."""

    domain: object

    def encode(self, prompts, texts):
        read = self.domain.detect(texts)
        prompts = read.topics[:, None] == np.arange(1, len(self.domain.prompts))
        return np.column_stack([read.attributes, prompts]).astype(np.float64)

    def rng(self, part):
        return Streams("insider", "test", 0).rng(part)


def regret(world, queries, name):
    harness = OracleHarness(world.domain)
    found = methods.load(name).fit(world.draw(ROWS).log, harness).reward(queries.prompts, queries.texts)
    true = world.truth.reward(queries.prompts, queries.texts)
    first, second = queries.pairs.T
    gap, guess = true[first] - true[second], found[first] - found[second]
    wrong = np.where(np.abs(guess) < 1e-9, 0.5, np.sign(guess) != np.sign(gap))
    return float((np.abs(gap) * wrong).sum() / np.abs(gap).sum())


def regrets(family, parameters, names, season="an unpublished season"):
    rows = []
    for seed in SEEDS:
        world = build(family, parameters, Streams(season, family, seed))
        queries = world.queries(QuerySizes(pairs=1200, contrasts=1, pool=8, samples=1))
        rows.append([regret(world, queries, name) for name in names])
    return dict(zip(names, np.array(rows).T, strict=True))


@pytest.mark.parametrize("setting", UNIDENTIFIED)
def test_an_insider_does_not_beat_the_best_honest_method(setting):
    """By more than ten seeds resolve: two standard errors of the paired difference."""
    found = regrets(setting.partition(",")[0], UNIDENTIFIED[setting], (*HONEST, *INSIDERS))
    best = min(HONEST, key=lambda name: found[name].mean())
    for insider in INSIDERS:
        gain = found[best] - found[insider]
        assert gain.mean() < 2 * gain.std(ddof=1) / np.sqrt(len(gain)) + 1e-9


def test_the_insider_is_no_straw_man():
    """Where confounders are recorded, texts tell the direction of the bias, and it is found."""
    found = regrets("observed", {}, ("naive", "insider-responses"))
    gain = found["naive"] - found["insider-responses"]
    assert gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain))
