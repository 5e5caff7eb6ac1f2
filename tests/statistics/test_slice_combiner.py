"""On ``mixture`` a combiner of slice and log beats either alone, and a hopeless log costs it little.

Seeds are the clusters: a world's gains at half and at full strength are averaged before anything is tested.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import methods
import simulators
from benchmark.contract import Streams, make_rng
from benchmark.harness import Harness, TextEncoder, Tokenizer
from benchmark.scoring.metrics import normalised_regret
from simulators.text import load_domain

LEVEL = 0.01
SEEDS = range(18)


@cache
def encoder() -> SimpleNamespace:
    """A backbone that encodes texts and does no more."""
    domain, rng = load_domain("headlines"), make_rng("combiner corpus")
    shape = rng.integers(0, 2, (6000, len(domain.attributes))).astype(np.int8)
    prompts = rng.integers(len(domain.prompts), size=len(shape))
    texts = domain.realise(shape, prompts, rng).to_numpy(zero_copy_only=False)
    asked = np.asarray(domain.prompts, dtype=object)[prompts]
    tokenizer = Tokenizer.of(domain.vocabulary, asked, texts)
    return SimpleNamespace(hash="combiner", encoder=TextEncoder.fit(tokenizer, asked, texts))


@cache
def draw(strength: float, seed: int):
    world = simulators.build(
        "mixture", {"strength": strength, "domain": "headlines"}, Streams("combiner", "mixture", seed)
    )
    queries = world.queries(simulators.QuerySizes(pairs=512, contrasts=1, pool=8, samples=0))
    return world.draw(4000).log, queries, world.truth.reward(queries.prompts, queries.texts)


@cache
def regrets(name: str, strength: float, seeds: int = len(SEEDS)) -> np.ndarray:
    """Normalised regret of a method, one number a seed."""
    found = []
    for seed in range(seeds):
        log, queries, truth = draw(strength, seed)
        fitted = methods.load(name).fit(log, Harness(encoder(), path=("combiner", str(seed))))
        guess = fitted.reward(queries.prompts, queries.texts)
        first, second = queries.pairs.T
        found.append(normalised_regret(guess[first] - guess[second], truth[first] - truth[second]))
    return np.array(found)


@pytest.mark.parametrize("alone", ["slice-only", "naive"])
def test_the_combiner_beats_either_alone(alone):
    doses = [regrets(alone, dose) - regrets("slice-enriched", dose) for dose in (0.5, 1.0)]
    gain = np.mean(doses, axis=0)
    assert stats.ttest_1samp(gain, 0, alternative="greater").pvalue < LEVEL, gain.round(3)


def test_a_hopeless_log_costs_little():
    """At strength 2 the log ranks little better than a coin; a tenth of what it lacks may be lost."""
    alone, naive, own = (regrets(name, 2.0, 6) for name in ("slice-only", "naive", "slice-enriched"))
    assert naive.mean() > alone.mean() + 0.1
    assert own.mean() < alone.mean() + 0.1 * (naive.mean() - alone.mean()) + 0.01
