"""Worlds small enough to know, in which catalogue methods are fitted whole: log in, policy out.

``observed``, ``randomised`` and ``overlap`` are the families' mechanisms with two texts and one
recorded confounder, on a table of logits (see ``test_population_table`` for the exact optima). ``marker``
has texts of several words and a tiny decoder, for methods that cut texts.
"""

from __future__ import annotations

from functools import cache
from zlib import crc32

import numpy as np
import pyarrow as pa

import methods
from benchmark.contract import Budget, Log, make_rng
from benchmark.harness import Harness, drive, tabular_harness
from benchmark.harness.decoder.pretrain import pretrain
from methods.checks.toy import PROMPTS, draw_toy, write_texts

ROWS = 1500
SEEDS = range(5)
# Decoders leave more noise than tables do.
MARKER_SEEDS = range(8)
MARKER_BUDGET = Budget(steps=60, batch_size=32, samples=4096)
# Five common words, so that methods which put signs into prompts find some.
A, B = "alpha one two three four five", "bravo one two three four five"
SIGNS = tuple(sorted({*A.split(), *B.split()}))
BUDGET = Budget(steps=40, batch_size=32, samples=4096, asks=960)


def draw_two_texts(seed: int, high: float, noise: float) -> Log:
    """Z ~ Bernoulli(1/2); P(a | Z) = high or 1 - high; Y = 1[a] + 3 Z + N(0, 1).

    Text a is better by 1. With high = .8 the texts' mean outcomes are 1 + 3 * .2 = 1.6 and 3 * .8 = 2.4,
    so that b looks better by .8; with high = .5 nothing is confounded. An instrument moves Z.
    """
    rng = make_rng("two texts", str(seed))
    nudge = rng.random(ROWS) < 0.5
    z = rng.random(ROWS) < np.where(nudge, 0.8, 0.2)
    chance = np.where(z, 1 - high, high)
    is_a = rng.random(ROWS) < chance
    outcome = is_a + 3.0 * z + rng.standard_normal(ROWS)
    columns = {
        "prompt": np.full(ROWS, "p", dtype=object),
        "text": np.where(is_a, A, B).astype(object),
        "outcome": outcome,
        "covariate.z": z + noise * rng.standard_normal(ROWS),
        "instrument.nudge": nudge.astype(float),
        "propensity": np.where(is_a, chance, 1 - chance),
        "target_propensity": np.full(ROWS, 0.5),
    }
    return Log(pa.table(columns))


def two_text_harness(seed: int) -> Harness:
    """A table over both texts, for the prompt and for the prompt behind any sign."""
    prompts = np.array(["p", *(f"{sign} p" for sign in SIGNS)], dtype=object)
    base = tabular_harness(
        prompts, np.array([A, B], dtype=object), path=("two texts", str(seed)), budget=BUDGET
    )

    def ask(asked, texts, context):
        """Outcomes of fresh people: the confounder no longer depends on the text."""
        rng = make_rng(
            "two texts", "oracle", str(seed), str(len(asked)), str(crc32("|".join(texts).encode()))
        )
        z = rng.random(len(texts)) < 0.5
        return (texts == A) + 3.0 * z + rng.standard_normal(len(texts))

    return Harness(base.backbone, BUDGET, base.path, oracle=ask)


WORLDS = {"observed": (0.8, 0.0), "randomised": (0.5, 0.0), "overlap": (1.0, 0.0), "entangled": (0.8, 1.0)}


@cache
def two_text_tasks(world: str):
    return tuple((draw_two_texts(seed, *WORLDS[world]), two_text_harness(seed)) for seed in SEEDS)


@cache
def preferences(name: str, world: str) -> np.ndarray:
    """By how much a fitted method prefers text a to text b, one number a seed."""
    fits = drive(methods.load(name), list(two_text_tasks(world)))
    asked, texts = np.full(2, "p", dtype=object), np.array([A, B], dtype=object)
    found = []
    for fit in fits:
        if not hasattr(fit, "reward"):
            raise AssertionError(f"{name} on {world}: {fit}")
        better, worse = fit.reward(asked, texts)
        found.append(better - worse)
    return np.array(found)


# -- texts of several words ---------------------------------------------------
@cache
def marker_backbone():
    rng = make_rng("marker corpus")
    texts = write_texts(rng.integers(0, 2, (4000, 4)), rng)
    words = sorted({word for text in texts for word in text.split()})
    prompts = PROMPTS[rng.integers(len(PROMPTS), size=len(texts))]
    return pretrain(prompts, texts, words, steps=250, width=32, heads=2, inner=64)


@cache
def marker_effects(name: str) -> np.ndarray:
    """Mean preference for each of the toy log's attributes, shape (seeds, 4).

    The first attribute is a greeting that does nothing and follows a covariate that moves the
    outcome; the second is the best one.
    """
    backbone = marker_backbone()
    tasks = []
    for seed in MARKER_SEEDS:
        log = draw_toy(ROWS, seed).log(roles=("covariate",))
        tasks.append((log, Harness(backbone, MARKER_BUDGET, ("marker", str(seed)))))
    rng = make_rng("marker questions")
    shape = rng.integers(0, 2, (400, 4))
    prompts = PROMPTS[rng.integers(len(PROMPTS), size=len(shape))]
    texts = write_texts(shape, rng)
    design = np.column_stack([shape, np.ones(len(shape))])
    found = []
    for fit in drive(methods.load(name), tasks):
        if not hasattr(fit, "reward"):
            raise AssertionError(f"{name} on marker: {fit}")
        found.append(np.linalg.lstsq(design, fit.reward(prompts, texts), rcond=None)[0][:4])
    return np.array(found)
