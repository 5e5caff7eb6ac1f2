"""Every policy of the catalogue trains on log-linear policies as it is: nothing in it knows of them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmark.contract import Budget, make_rng
from benchmark.harness import Failure, Harness, TextEncoder, Tokenizer, drive
from benchmark.harness.loglinear.backbone import LogLinearBackbone
from benchmark.harness.loglinear.pools import Pools
from methods import list_methods
from methods.checks.harness import VOCABULARY
from methods.checks.subject import Subject
from methods.checks.toy import ON, PROMPTS, write_texts

POLICIES = tuple(method for method in list_methods() if method.tags.policy)


@cache
def toy_backbone() -> LogLinearBackbone:
    rng = make_rng("toy corpus")
    texts = write_texts(rng.integers(0, 2, (2000, len(ON))), rng)
    prompts = PROMPTS[rng.integers(len(PROMPTS), size=len(texts))]
    encoder = TextEncoder.fit(Tokenizer.of(VOCABULARY, prompts, texts), prompts, texts)
    return LogLinearBackbone.fit(Pools.draw(prompts, texts, prompts, 128), encoder)


def toy_harness(seed: int = 0) -> Harness:
    def answer(prompts, texts, context):
        return make_rng("toy oracle", seed, len(texts)).standard_normal(len(texts))

    budget = Budget(steps=20, batch_size=8, asks=64)
    return Harness(toy_backbone(), budget, path=("toy", str(seed)), oracle=answer)


@pytest.mark.parametrize("method", POLICIES, ids=lambda method: method.name)
def test_a_row_trains_and_samples_from_the_pool(method):
    subject = Subject(method, toy_harness)
    pools = toy_backbone().pools
    for kind in subject.kinds:
        fitted = drive(method, [(subject.log(kind), toy_harness())])[0]
        assert not isinstance(fitted, Failure), (kind, fitted.reason)
        rewards = subject.ask(fitted)
        assert np.isfinite(rewards).all(), kind
        for row, texts in zip(pools.find(PROMPTS), fitted.sample(PROMPTS, 8), strict=True):
            assert set(texts) <= set(pools.texts[row]), kind


def test_rows_are_many():
    # An empty list of policies would pass every test above.
    assert len(POLICIES) > 80
