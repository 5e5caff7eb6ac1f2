"""Worlds whose texts are read as their attributes and prompts, and the regret of methods fitted on them.

Attributes are more than any method is given, and make a fit cheap: what is left of a regret then comes from
confounding and noise, not from reading texts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

import methods
from benchmark.contract import Budget, Streams, make_rng
from simulators import QuerySizes, build

SIZES = QuerySizes(pairs=1200, contrasts=1, pool=8, samples=1)


@dataclass(frozen=True)
class OracleHarness:
    """Encodes a text as its attributes and its prompt."""

    domain: object
    path: tuple[object, ...] = ()
    budget: Budget = field(default_factory=Budget)

    def encode(self, prompts, texts):
        read = self.domain.detect(texts)
        prompts = read.topics[:, None] == np.arange(1, len(self.domain.prompts))
        return np.column_stack([read.attributes, prompts]).astype(np.float64)

    def rng(self, part):
        return make_rng("attributes", *self.path, part)


@cache
def drawn(season, family, parameters, seed, rows, view):
    """World, log and queries; ``parameters`` are pairs of a name and a value."""
    world = build(family, dict(parameters), Streams(season, family, seed), n=rows)
    return world, world.draw(rows, data=view).log, world.queries(SIZES)


def regret(fitted, world, queries):
    """Normalised regret of same-prompt pairs: 0 perfect, .5 a coin."""
    found = fitted.reward(queries.prompts, queries.texts)
    true = world.truth.reward(queries.prompts, queries.texts)
    first, second = queries.pairs.T
    gap, guess = true[first] - true[second], found[first] - found[second]
    wrong = np.where(np.abs(guess) < 1e-9, 0.5, np.sign(guess) != np.sign(gap))
    return float((np.abs(gap) * wrong).sum() / np.abs(gap).sum())


def regrets(names, family, parameters, seeds, rows, season, view="log"):
    """Regrets of methods on the same worlds, name to shape (seeds,)."""
    found = {name: [] for name in names}
    for seed in seeds:
        world, log, queries = drawn(season, family, tuple(parameters.items()), seed, rows, view)
        for name in names:
            harness = OracleHarness(world.domain, (name, seed))
            found[name].append(regret(methods.load(name).fit(log, harness), world, queries))
    return {name: np.array(values) for name, values in found.items()}
