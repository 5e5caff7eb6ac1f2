"""Real and generated texts as domains, their detectors, and the page on the domains."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import make_rng
from simulators.text import list_domains
from simulators.text.corpus import CorpusDomain, make_corpus
from simulators.text.describe import POOLS, describe_domains, read_pools, refresh_examples
from simulators.text.detectors import PATTERNS, Detectors


@pytest.fixture(scope="module")
def toy() -> CorpusDomain:
    table = pa.table(
        {
            "test": ["b", "a", "a", "a", "b", "b"],
            "headline": ["Why?", "So it is", "Is it so?", "So it is", "  ", "Two  of 9 words here"],
            "clicks": [3, 1, 5, 2, 9, 4],
            "views": [10, 10, 10, 20, 10, 8],
        }
    )
    return make_corpus(table, text="headline", test="test", outcome="clicks", weight="views")


def test_arms_of_one_test_with_equal_texts_are_merged(toy: CorpusDomain) -> None:
    assert toy.prompts == ("a", "b")
    assert toy.texts.to_pylist() == ["Is it so?", "So it is", "Two of 9 words here", "Why?"]
    assert toy.tests.tolist() == [0, 0, 1, 1]
    # "So it is": (1 + 2) clicks of (10 + 20) views
    assert toy.outcomes == pytest.approx([0.5, 0.1, 0.5, 0.3])
    assert toy.weights.tolist() == [10, 30, 8, 10]
    assert toy.pairs().tolist() == [[0, 1], [2, 3]]


def test_a_corpus_draws_only_what_it_holds(toy: CorpusDomain) -> None:
    rows = np.array([0, 1, 2, 3, 3])
    texts = toy.write(toy.values[rows], toy.tests[rows], toy.draw_choices(5, make_rng("test")))
    assert texts.to_pylist() == [toy.texts[int(i)].as_py() for i in rows]
    assert {tuple(v) for v in toy.support(0)} == {tuple(v) for v in toy.values[:2]}
    with pytest.raises(UsageError, match="no such text"):
        toy.write(np.ones((1, len(toy.attributes)), dtype=int), np.array([0]), np.zeros((1, 1)))


def test_reading_a_corpus_says_which_test_a_text_is_of(toy: CorpusDomain) -> None:
    read = toy.detect(["Why?", "Why not?", "So it is"])
    assert read.on_grammar.tolist() == [True, False, True]
    assert read.topics.tolist() == [1, -1, 0]
    assert read.attributes[:, toy.attributes.index("question")].tolist() == [1, 1, 0]


def test_missing_columns_are_named(toy: CorpusDomain) -> None:
    with pytest.raises(UsageError, match="columns that the table does not have"):
        make_corpus(pa.table({"a": ["x"]}), text="a", test="b")
    with pytest.raises(UsageError, match="empty"):
        make_corpus(pa.table({"a": [" "], "b": ["t"]}), text="a", test="b")


@pytest.mark.parametrize(
    ("attribute", "yes", "no"),
    [
        ("question", "Why?", "Because."),
        ("exclamation", "Look!", "Look."),
        ("number", "The 3 of us", "The three of us"),
        ("quotes", "He said “no” to her", "It isn't what he's said"),
        ("quotes", "They call it 'home' here", "The boys' home is James' home"),
        ("second_person", "What You're made of", "Young yours-truly".replace("yours-truly", "youth")),
        ("first_person", "I made it", "It is made in Ibiza"),
        ("demonstrative_start", "This is it", "Is this it"),
        ("negation", "She didn’t go", "She noted it"),
        ("superlative", "The Best day", "The bestiary"),
    ],
)
def test_detectors_know_their_attribute(attribute: str, yes: str, no: str) -> None:
    k = list(PATTERNS).index(attribute)
    assert Detectors().detect([yes, no])[:, k].tolist() == [1, 0]


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(st.characters()), max_size=6))
def test_detectors_are_total_over_unicode(texts: list[str]) -> None:
    values = Detectors(word_limit=3).detect(texts)
    assert values.shape == (len(texts), len(PATTERNS) + 1)
    assert np.isin(values, (0, 1)).all()


def test_a_real_archive_of_headline_tests_is_a_corpus(real_data: Path) -> None:
    from pyarrow import csv

    table = csv.read_csv(
        real_data / "upworthy_headlines.csv.gz", parse_options=csv.ParseOptions(newlines_in_values=True)
    )
    corpus = make_corpus(
        table,
        text="headline",
        test=["clickability_test_id", "eyecatcher_id"],
        outcome="clicks",
        weight="impressions",
        name="upworthy",
    )
    assert corpus.weights.sum() == sum(table.column("impressions").to_pylist())
    pooled_rate = (corpus.outcomes * corpus.weights).sum() / corpus.weights.sum()
    assert pooled_rate == pytest.approx(0.015, abs=0.001)  # click-through rate stated with the data
    assert len(corpus.pairs()) > 1000
    rates = corpus.values.mean(axis=0)
    assert (rates > 0.01).all(), dict(zip(corpus.attributes, rates, strict=True))
    assert (rates < 0.99).all(), dict(zip(corpus.attributes, rates, strict=True))
    rows = make_rng("test").integers(len(corpus.texts), size=500)
    uniforms = corpus.draw_choices(500, make_rng("test"))
    read = corpus.detect(corpus.write(corpus.values[rows], corpus.tests[rows], uniforms))
    np.testing.assert_array_equal(read.attributes, corpus.values[rows])
    assert read.on_grammar.all()


def test_the_page_on_the_domains_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "domains.md"
    written = page.read_text(encoding="utf-8")
    assert written.startswith(describe_domains()), "write it anew (its introduction says how)"


def test_the_page_shows_twenty_texts_of_every_domain() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "domains.md"
    sections = page.read_text(encoding="utf-8").split("\n## ")[1:]
    assert [section.split()[0] for section in sections] == [*list_domains(), *POOLS]
    for section in sections:
        texts, _, briefs = section.partition("\n### Briefs")
        assert re.findall(r"^(\d+)\. ", texts, re.MULTILINE) == [str(i) for i in range(1, 21)]
        if briefs:
            assert re.findall(r"^(\d+)\. ", briefs, re.MULTILINE) == [str(i) for i in range(1, 11)]


def test_examples_of_a_pool_are_drawn_anew_and_the_rest_of_its_section_stays() -> None:
    page = "# Domains\n\n## answers\n\nx\n\n## corpus\n\nReal texts.\n\n1. One\n2. Two\n"
    section = read_pools(page)["corpus"]
    again = refresh_examples(section, ["b", "a", "", "a", "c"], n=2)
    assert again.startswith("## corpus\n\nReal texts.\n\n1. ")
    assert len(again.splitlines()) == 6
    assert "One" not in again


def test_what_is_no_unicode_is_no_mark() -> None:
    """A lone surrogate must not pass for the question mark that encoders put in its place."""
    assert not Detectors().detect(["\ud800"])[0].any()
