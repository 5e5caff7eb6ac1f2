"""How fast log-linear policies train, against the tiny decoder on the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from preference_fits import Ours

from benchmark.contract import Budget, Log, make_rng
from benchmark.harness import Harness, TextEncoder, Tokenizer, drive
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.harness.loglinear.backbone import LogLinearBackbone
from benchmark.harness.loglinear.pools import Pools
from simulators.text import load_domain

ROWS = 4000


def draw_texts(n, part):
    domain, rng = load_domain("headlines"), make_rng("loglinear perf", part)
    topics = rng.integers(0, len(domain.prompts), n)
    attributes = rng.integers(0, 2, (n, len(domain.attributes)))
    texts = domain.realise(attributes, topics, rng).to_numpy(zero_copy_only=False)
    return np.array(domain.prompts, dtype=object)[topics], texts


@pytest.fixture(scope="module")
def harnesses():
    torch.set_num_threads(1)
    prompts, texts = draw_texts(6000, "corpus")
    tiny = pretrain(prompts, texts, load_domain("headlines").vocabulary, steps=20, batch_size=64)
    encoder = TextEncoder.fit(Tokenizer.of((), prompts, texts), prompts, texts)
    pools = LogLinearBackbone.fit(Pools.draw(prompts, texts, prompts), encoder)
    return Harness(pools, Budget()), Harness(tiny, Budget())


@pytest.fixture(scope="module")
def task():
    prompts, texts = draw_texts(ROWS, "log")
    order = np.lexsort((make_rng("pairs").random(ROWS), prompts.astype(str)))
    first, second = order[0::2], order[1::2]
    same = prompts[first] == prompts[second]
    first, second = first[same], second[same]
    log = Log(pa.table({"prompt": prompts, "text": texts, "outcome": np.zeros(ROWS)}))
    return Ours((prompts[first], texts[first], texts[second])), log


def test_a_log_linear_fit_costs_a_fraction_of_a_decoders(figures, harnesses, task):
    method, log = task
    # A cache of its own each time: what an earlier fit left there must not count.
    fresh = [lambda h=h: drive(method, [(log, replace(h, cache=None))]) for h in harnesses]
    assert figures.race("log-linear fit, against the tiny decoder", *fresh, 2, target=8) > 4


def test_stacked_log_linear_fits_cost_no_more_than_single_ones(figures, harnesses, task):
    method, log = task
    tasks = [(log, replace(harnesses[0], path=("perf", str(k)))) for k in range(8)]

    def together():
        drive(method, tasks, stack=8)

    def alone():
        for one in tasks:
            drive(method, [one])

    assert figures.race("8 log-linear fits together, against one by one", together, alone, 3, target=1) > 0.7
