"""Briefs: prompts in the hundreds or one a row, which say their topic and features and are read back."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import make_rng
from simulators.text import list_domains, load_domain, name_domain
from simulators.text.briefs import KINDS, Briefs, FreshBriefs, with_briefs
from simulators.text.domain import GrammarDomain
from simulators.text.prompts import ListedPrompts
from simulators.text.slots import AttributeSlot, FreeSlot, TopicSlot

GRAMMARS = ("answers", "headlines", "replies")
every_grammar = pytest.mark.parametrize("name", GRAMMARS)
every_kind = pytest.mark.parametrize("kind", KINDS)


def briefs_of(name: str) -> Briefs:
    return briefs_in(load_domain(f"{name}-unique"))


def briefs_in(domain: GrammarDomain) -> Briefs:
    assert isinstance(domain.writer, FreshBriefs)
    return domain.writer.briefs


def fruit(kind: str) -> GrammarDomain:
    """Two plain topics and a third one, briefs with one feature."""
    plain = GrammarDomain(
        "fruit",
        "A test.",
        ("Say tea.", "Say figs."),
        (TopicSlot((("tea",), ("figs",))), AttributeSlot("sweet", on=("sweet.",), off=("plain.",))),
    )
    slots = (
        FreeSlot("request", ("Praise", "Sell")),
        TopicSlot((("tea",), ("figs", "fruit"), ("nuts",))),
        AttributeSlot("loud", on=("loudly", "shouting"), off=("softly",)),
    )
    return with_briefs(plain, {"nuts": ("nuts", "almonds")}, slots, kind)


# -- briefs -------------------------------------------------------------------
@every_grammar
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 30))
def test_a_brief_is_read_back(name: str, seed: int, n: int) -> None:
    briefs, rng = briefs_of(name), make_rng("test", seed)
    features = rng.integers(0, 2, size=(n, len(briefs.features)))
    topics = rng.integers(len(briefs.topics), size=n)
    read = briefs.read(briefs.realise(features, topics, rng))
    np.testing.assert_array_equal(read.attributes, features)
    np.testing.assert_array_equal(read.topics, topics)
    assert read.on_grammar.all()


@every_grammar
def test_features_are_independent_coins(name: str) -> None:
    briefs, n = briefs_of(name), 40_000
    topics = np.arange(n) % len(briefs.topics)
    features = briefs.read(briefs.write(topics, briefs.draw_choices(n, make_rng("test", name)))).attributes
    both = features.astype(float).T @ features / n
    expected = np.outer(briefs.marginals, briefs.marginals)
    np.fill_diagonal(expected, briefs.marginals)
    assert (np.abs(both - expected) < 5 * np.sqrt(expected * (1 - expected) / n)).all()
    by_topic = np.stack([features[topics == t].mean(axis=0) for t in range(len(briefs.topics))])
    assert (np.abs(by_topic - 0.5) < 5 * 0.5 / np.sqrt(n / len(briefs.topics))).all()


@every_grammar
def test_there_are_millions_of_briefs_and_every_row_has_its_own(name: str) -> None:
    domain, n = load_domain(f"{name}-unique"), 20_000
    assert briefs_in(domain).count > 10**10  # n rows repeat about n**2 / 2 / count times: .02 here
    rng = make_rng("test distinct", name)
    prompts = domain.prompt_writer.write(
        np.arange(n) % len(domain.prompts), domain.prompt_writer.draw_choices(n, rng)
    )
    assert len(prompts.unique()) == n


def test_the_count_by_hand() -> None:
    briefs = briefs_in(fruit("unique"))
    assert briefs.count == 2 * 4 * 3
    rng = make_rng("test")
    topics = rng.integers(3, size=2000)
    assert len(briefs.write(topics, briefs.draw_choices(2000, rng)).unique()) == 24


@every_grammar
def test_what_is_no_brief_is_no_prompt(name: str) -> None:
    domain = load_domain(f"{name}-unique")
    odd = ["", "\ud800", domain.prompts[0] + " Now.", domain.prompts[0][:-1], load_domain(name).prompts[0]]
    assert domain.prompt_writer.read(odd).tolist() == [-1] * len(odd)
    assert domain.prompt_writer.read([]).shape == (0,)


# -- prompts of domains -------------------------------------------------------
@every_grammar
@every_kind
def test_prompts_are_written_and_read_back(name: str, kind: str) -> None:
    domain, n = load_domain(f"{name}-{kind}"), 1500
    rng = make_rng("test prompts", name, kind)
    ids = rng.integers(len(domain.prompts), size=n)
    prompts = domain.prompt_writer.write(ids, domain.prompt_writer.draw_choices(n, rng))
    np.testing.assert_array_equal(domain.prompt_writer.read(prompts), ids)
    # the examples, too, have the id of their place, and no two ids share one
    np.testing.assert_array_equal(domain.prompt_writer.read(domain.prompts), np.arange(len(domain.prompts)))
    read = briefs_of(name).read(prompts)
    np.testing.assert_array_equal(read.topics, domain.topic_ids[ids])
    shared = domain.prompt_writer.features
    if kind == "unique":
        assert shared.shape == (len(domain.prompts), 0)
    else:
        np.testing.assert_array_equal(read.attributes, shared[ids])
    known = set(domain.vocabulary)
    assert all(set(prompt.split(" ")) <= known for prompt in prompts.to_pylist())


@every_grammar
@every_kind
def test_texts_are_about_the_topic_of_their_brief(name: str, kind: str) -> None:
    domain, n = load_domain(f"{name}-{kind}"), 1000
    rng = make_rng("test topics", name, kind)
    ids = rng.integers(len(domain.prompts), size=n)
    attributes = rng.integers(0, 2, size=(n, len(domain.attributes)))
    read = domain.detect(domain.realise(attributes, ids, rng))
    assert read.on_grammar.all()
    np.testing.assert_array_equal(read.attributes, attributes)
    np.testing.assert_array_equal(read.topics, domain.topic_ids[ids])
    assert sorted({*read.topics.tolist()}) == list(range(20))


@every_grammar
def test_two_hundred_listed_briefs_differ_and_share_topics_evenly(name: str) -> None:
    domain = load_domain(f"{name}-200")
    assert len(set(domain.prompts)) == 200
    assert np.bincount(domain.topic_ids).tolist() == [10] * 20
    assert isinstance(domain.writer, ListedPrompts)
    # every feature is on in about half of them: 5 standard errors of a share over 200 coins
    assert (np.abs(domain.prompt_writer.features.mean(axis=0) - 0.5) < 5 * 0.5 / np.sqrt(200)).all()


@every_grammar
def test_ids_by_features_are_topic_and_code(name: str) -> None:
    domain = load_domain(f"{name}-features")
    features = domain.prompt_writer.features
    codes = features.astype(int) @ (1 << np.arange(5))
    np.testing.assert_array_equal(np.arange(640), domain.topic_ids * 32 + codes)


@pytest.mark.parametrize("name", list_domains())
def test_plain_domains_have_no_briefs(name: str) -> None:
    domain, rng = load_domain(name_domain(name)), make_rng("test")
    assert domain.writer is None
    assert domain.topic_ids.tolist() == list(range(6))
    assert domain.prompt_writer.draw_choices(3, rng).shape == (3, 0)
    assert rng.random() == make_rng("test").random()  # nothing was drawn
    prompts = domain.prompt_writer.write(np.array([5, 0, 5]), np.zeros((3, 0))).to_pylist()
    assert prompts == [domain.prompts[i] for i in (5, 0, 5)]
    assert domain.prompt_writer.read([*prompts, "Write."]).tolist() == [5, 0, 5, -1]
    assert domain.prompt_writer.features.shape == (6, 0)


@every_grammar
def test_the_first_topics_of_a_domain_with_briefs_are_the_plain_ones(name: str) -> None:
    plain, wide = load_domain(name), load_domain(f"{name}-unique")
    attributes, rng = np.zeros((6, len(plain.attributes)), dtype=int), make_rng("test")
    uniforms = plain.draw_choices(6, rng)
    assert plain.write(attributes, np.arange(6), uniforms).equals(
        wide.write(attributes, np.arange(6), uniforms)
    )


@every_grammar
def test_briefs_and_texts_list_the_same_topics_in_the_same_order(name: str) -> None:
    plain, asked = (import_module(f"simulators.text.{module}") for module in (name, f"{name}_briefs"))
    assert list(asked.ASKED) == [*plain.TOPICS, *asked.MORE_TOPICS]
    assert next(s for s in asked.SLOTS if isinstance(s, TopicSlot)).phrases == tuple(asked.ASKED.values())


@pytest.mark.parametrize("name", ["letters-200", "headlines-12", "headlines-"])
def test_unknown_kinds_of_prompts_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="domain"):
        load_domain(name)


def test_an_unknown_kind_of_briefs_is_refused() -> None:
    with pytest.raises(UsageError, match="no such prompts"):
        fruit("12")
