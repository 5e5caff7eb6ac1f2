"""Grammar domains: what is written is read back, whatever is read never fails, and wordings are exact."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import make_rng
from simulators.text import list_domains, load_domain
from simulators.text.automaton import compile_finder
from simulators.text.domain import GrammarDomain
from simulators.text.slots import AttributeSlot, FreeSlot, TopicSlot, lexicon_of, words_of

every_domain = pytest.mark.parametrize(
    "domain", [load_domain(name) for name in list_domains()], ids=list_domains()
)


def possible_vectors(domain: GrammarDomain) -> np.ndarray:
    if domain.support is not None:
        return np.array(domain.support)
    return np.array(list(product((0, 1), repeat=len(domain.attributes))))


def draw_rows(domain: GrammarDomain, n: int, *path: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Attributes, prompt ids and wording uniforms of n rows."""
    rng = make_rng("test", domain.name, *path)
    vectors = possible_vectors(domain)
    attributes = vectors[rng.integers(len(vectors), size=n)]
    return attributes, rng.integers(len(domain.prompts), size=n), domain.draw_choices(n, rng)


def small_domain(**changes: object) -> GrammarDomain:
    """3 * 4 + 3 * 2 wordings for prompt 0, twice that for prompt 1 (two topic phrases)."""
    parts: dict[str, object] = {
        "name": "small",
        "situation": "A test.",
        "prompts": ("Say tea.", "Say figs."),
        "slots": (
            FreeSlot("opening", ("Well,", "So,", "Now then,")),
            TopicSlot((("tea is",), ("figs are", "dried figs are"))),
            AttributeSlot(
                "praise", on=("good.", "very good.", "lovely.", "the best."), off=("sold.", "here.")
            ),
        ),
    }
    return GrammarDomain(**(parts | changes))  # type: ignore[arg-type]


# -- writing and reading ------------------------------------------------------
@every_domain
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_back(domain: GrammarDomain, data: st.DataObject) -> None:
    vectors = possible_vectors(domain)
    n = data.draw(st.integers(1, 20))
    attributes = vectors[data.draw(st.lists(st.integers(0, len(vectors) - 1), min_size=n, max_size=n))]
    prompt_ids = np.array(
        data.draw(st.lists(st.integers(0, len(domain.prompts) - 1), min_size=n, max_size=n))
    )
    seed = data.draw(st.integers(0, 2**32))
    texts = domain.realise(attributes, prompt_ids, make_rng("test", seed))
    read = domain.detect(texts)
    np.testing.assert_array_equal(read.attributes, attributes)
    np.testing.assert_array_equal(read.topics, prompt_ids)
    assert read.on_grammar.all()


@every_domain
def test_every_attribute_vector_and_prompt_can_be_written_and_read(domain: GrammarDomain) -> None:
    vectors = possible_vectors(domain)
    attributes = np.repeat(vectors, len(domain.prompts), axis=0)
    prompt_ids = np.tile(np.arange(len(domain.prompts)), len(vectors))
    read = domain.detect(domain.realise(attributes, prompt_ids, make_rng("test", "all")))
    np.testing.assert_array_equal(read.attributes, attributes)
    np.testing.assert_array_equal(read.topics, prompt_ids)


@every_domain
def test_texts_hold_single_spaces_and_known_words(domain: GrammarDomain) -> None:
    known = set(domain.vocabulary)
    for text in domain.write(*draw_rows(domain, 500, "words")).to_pylist():
        assert text == " ".join(text.split())
        assert set(text.split(" ")) <= known
    assert {word for prompt in domain.prompts for word in prompt.split(" ")} <= known
    assert list(domain.vocabulary) == sorted(set(domain.vocabulary))


@every_domain
def test_wording_uniforms_do_not_depend_on_attributes(domain: GrammarDomain) -> None:
    first = domain.draw_choices(64, make_rng("test", "shape"))
    assert first.shape == (64, len(domain.slots))
    np.testing.assert_array_equal(first, domain.draw_choices(64, make_rng("test", "shape")))


# -- totality -----------------------------------------------------------------
@every_domain
@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(st.characters()), max_size=8))
def test_reading_is_total_over_unicode(domain: GrammarDomain, texts: list[str]) -> None:
    read = domain.detect(texts)
    assert read.attributes.shape == (len(texts), len(domain.attributes))
    assert read.on_grammar.shape == read.topics.shape == (len(texts),)
    assert not read.on_grammar.any()
    assert (read.topics == -1).all()


@every_domain
def test_reading_survives_surrogates_long_texts_and_odd_spaces(domain: GrammarDomain) -> None:
    good = domain.write(*draw_rows(domain, 1, "odd"))[0].as_py()
    odd = ["\ud800", "", " ", "\x00", "word " * 5000, good + " ", " " + good, good.replace(" ", "  ", 1)]
    odd += [good.replace(" ", "\u00a0", 1), good.swapcase(), good + " " + good, good.rpartition(" ")[0]]
    assert not domain.detect(odd).on_grammar.any()


@every_domain
def test_a_surrogate_is_no_question_mark(domain: GrammarDomain) -> None:
    written = domain.write(*draw_rows(domain, 200, "asked")).to_pylist()
    asked = [text.replace("?", "\ud800") for text in written if "?" in text]
    assert not domain.detect(asked).on_grammar.any()


@every_domain
def test_the_longest_text_with_a_word_added_is_too_long(domain: GrammarDomain) -> None:
    longest = [
        max(side, key=lambda p: len(words_of(p))) for slot in domain.slots for side in [sum(slot.sides, ())]
    ]
    if domain.support is not None:  # the topic and the longest three passages
        passages = sorted(longest[1:], key=lambda p: -len(words_of(p)))[:3]
        longest = [longest[0], *(p for p in longest[1:] if p in passages)]
    text = " ".join(longest)
    assert len(text.split(" ")) == domain.width
    assert domain.detect([text, f"{text} word", f"{text} {text}"]).on_grammar.tolist() == [True, False, False]


def test_vectors_outside_the_support_are_off_the_grammar() -> None:
    domain = load_domain("letters")
    first = [slot.sides[-1][0] for slot in domain.slots[1:]]
    texts = [" ".join(["Dear Senator,", *first[:n]]) for n in range(8)]
    read = domain.detect(texts)
    assert read.on_grammar.tolist() == [n in (2, 3) for n in range(8)]
    np.testing.assert_array_equal(read.attributes[4], [1, 1, 1, 1, 0, 0, 0])


def test_the_finder_sees_phrases_inside_phrases() -> None:
    finder = compile_finder({(0, 1, 2): 1, (1,): 2, (1, 3): 4}, n_words=4)
    words = np.array([[0, 1, 2, 5], [0, 1, 3, 5], [0, 0, 1, 2], [3, 2, 0, 4]])
    bits, accepted = finder.run(words)
    assert bits.tolist() == [1 | 2, 2 | 4, 1 | 2, 0]
    assert accepted.all()


@every_domain
def test_reading_does_not_depend_on_how_the_strings_are_held(domain: GrammarDomain) -> None:
    texts = domain.write(*draw_rows(domain, 200, "held"))
    expected = domain.detect(texts).attributes
    chunked = pa.chunked_array([texts.slice(0, 7), texts.slice(7)])
    for held in (
        texts.to_pylist(),
        texts.to_numpy(zero_copy_only=False),
        chunked,
        texts.cast(pa.large_string()),
    ):
        np.testing.assert_array_equal(domain.detect(held).attributes, expected)
    np.testing.assert_array_equal(domain.detect(texts.slice(50, 20)).attributes, expected[50:70])
    assert domain.detect([]).attributes.shape == (0, len(domain.attributes))


def recognise(domain: GrammarDomain, text: str) -> tuple[list[int], int] | None:
    """Attributes and topic of a text by trying every phrase in turn (naive reference); None off it."""

    def match(slot: int, rest: str, values: list[int], topic: int) -> tuple[list[int], int] | None:
        if slot == len(domain.slots):
            allowed = domain.support is None or tuple(values) in domain.support
            return (values, topic) if rest == "" and allowed else None
        part = domain.slots[slot]
        for side, phrases in enumerate(part.sides):
            for phrase in phrases:
                lead = f" {phrase}" if phrase else ""
                if rest.startswith(lead) and (rest[len(lead) :] or " ")[0] == " ":
                    found = match(
                        slot + 1,
                        rest[len(lead) :],
                        [*values, side] if isinstance(part, AttributeSlot) else values,
                        side if isinstance(part, TopicSlot) else topic,
                    )
                    if found:
                        return found
        return None

    return match(0, f" {text}", [], -1)


@every_domain
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mangled_texts_are_read_as_a_naive_recogniser_reads_them(
    domain: GrammarDomain, data: st.DataObject
) -> None:
    rows = domain.write(*draw_rows(domain, 2, data.draw(st.integers(0, 10**6))))
    words, others = (text.split(" ") for text in rows.to_pylist())
    i, j = (data.draw(st.integers(0, len(words) - 1)) for _ in range(2))
    how = data.draw(st.sampled_from(["drop", "swap", "replace", "repeat", "splice", "keep"]))
    changed = {
        "drop": words[:i] + words[i + 1 :],
        "swap": [words[j] if k == i else words[i] if k == j else w for k, w in enumerate(words)],
        "replace": [*words[:i], others[i % len(others)], *words[i + 1 :]],
        "repeat": words[:i] + words[i:j] + words[i:],
        "splice": words[:i] + others[i:],
        "keep": words,
    }[how]
    read, expected = domain.detect([" ".join(changed)]), recognise(domain, " ".join(changed))
    assert read.on_grammar[0] == (expected is not None)
    if expected is not None:
        assert (read.attributes[0].tolist(), read.topics[0]) == expected


@every_domain
def test_on_phrases_are_found_off_the_grammar(domain: GrammarDomain) -> None:
    for k, name in enumerate(domain.attributes):
        slot = next(s for s in domain.slots if s.name == name)
        read = domain.detect([f"xyzzy {phrase} plugh" for phrase in slot.sides[1]])
        assert not read.on_grammar.any()
        expected = np.zeros((len(slot.sides[1]), len(domain.attributes)))
        expected[:, k] = 1
        np.testing.assert_array_equal(read.attributes, expected)
    assert not domain.detect(["xyzzy plugh", ""]).attributes.any()


# -- grammar ------------------------------------------------------------------
@every_domain
def test_sides_are_disjoint_and_have_paraphrases(domain: GrammarDomain) -> None:
    assert len(domain.prompts) >= 4
    for slot in domain.slots:
        if isinstance(slot, AttributeSlot):
            assert not lexicon_of(slot.on) & lexicon_of(slot.off)
            assert len(slot.on) >= 6
            assert len(slot.off) >= 6 or slot.off == ("",)
        if isinstance(slot, TopicSlot):
            assert min(len(phrases) for phrases in slot.phrases) >= 3


@every_domain
def test_no_on_phrase_occurs_in_another_slot(domain: GrammarDomain) -> None:
    """Else marker rates of texts off the grammar would count one attribute for another."""
    phrases = [(slot.name, f" {p} ") for slot in domain.slots for side in slot.sides for p in side if p]
    for slot in domain.slots:
        if isinstance(slot, AttributeSlot):
            for phrase in slot.on:
                holders = {name for name, other in phrases if f" {phrase} " in other}
                assert holders == {slot.name}, phrase


def test_wording_probabilities_sum_to_one_and_texts_are_distinct() -> None:
    domain = small_domain()
    for prompt, attribute in product((0, 1), (0, 1)):
        slot_phrases = [
            domain.slots[0].sides[0],
            domain.slots[1].sides[prompt],
            domain.slots[2].sides[attribute],
        ]
        counts = [len(phrases) for phrases in slot_phrases]
        # the middle of every cell of the uniforms: one row for each wording
        cells = [(np.arange(c) + 0.5) / c for c in counts]
        uniforms = np.array(list(product(*cells)))
        n = len(uniforms)
        attributes, prompt_ids = np.full((n, 1), attribute), np.full(n, prompt)
        texts = domain.write(attributes, prompt_ids, uniforms).to_pylist()
        assert texts == [" ".join(parts) for parts in product(*slot_phrases)]
        assert len(set(texts)) == n
        log_probability = domain.wording_log_probability(attributes, prompt_ids)
        assert np.exp(log_probability).sum() == pytest.approx(1, abs=1e-12)


def test_texts_of_all_prompts_and_attributes_are_distinct() -> None:
    domain = small_domain()
    texts = set()
    uniforms = np.array(list(product((np.arange(12) + 0.5) / 12, repeat=3)))
    for prompt, attribute in product((0, 1), (0, 1)):
        n = len(uniforms)
        texts |= set(domain.write(np.full((n, 1), attribute), np.full(n, prompt), uniforms).to_pylist())
    assert len(texts) == 3 * 1 * 4 + 3 * 1 * 2 + 3 * 2 * 4 + 3 * 2 * 2


@every_domain
def test_wordings_are_uniform_over_paraphrases(domain: GrammarDomain) -> None:
    """Chi-square of each slot's phrase frequencies at the 1e-4 level, Bonferroni over slots."""
    from scipy.stats import chisquare

    n = 20_000
    vector = np.array(domain.support[0]) if domain.support else np.ones(len(domain.attributes), dtype=int)
    texts = domain.realise(np.tile(vector, (n, 1)), np.zeros(n, dtype=int), make_rng("test", "uniform"))
    spelled, k = texts.to_pylist(), 0
    for slot in domain.slots:
        side = slot.sides[0]
        if isinstance(slot, AttributeSlot):
            side = slot.sides[vector[k]]
            k += 1
        if len(side) == 1:
            continue
        counts = [sum(f" {phrase} " in f" {text} " for text in spelled) for phrase in side]
        assert sum(counts) == n
        assert chisquare(counts).pvalue > 1e-4 / len(domain.slots), slot.name


def test_wording_log_probability_counts_active_paraphrases() -> None:
    domain = load_domain("headlines")
    on, off = np.ones((1, 9), dtype=int), np.zeros((1, 9), dtype=int)
    # 9 attributes with 6 phrases a side, one free slot of 6, 4 topic phrases
    expected = -(10 * np.log(6) + np.log(4))
    for attributes in (on, off):
        assert domain.wording_log_probability(attributes, np.array([2])) == pytest.approx([expected])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_last_uniform_stays_within_its_side(dtype: type) -> None:
    """A single-precision uniform may round up to 1; it must not fall into the next side."""
    domain = small_domain()
    last = 1.0 if dtype is np.float32 else float(np.nextafter(1.0, 0.0))
    uniforms: np.ndarray = np.full((1, 3), last, dtype=dtype)
    text = domain.write(np.array([[0]]), np.array([0]), uniforms)[0].as_py()
    assert text == "Now then, tea is here."


def test_no_rows_are_no_texts() -> None:
    texts = load_domain("headlines").realise(np.zeros((0, 9)), np.zeros(0, dtype=int), make_rng("test"))
    assert len(texts) == 0


# -- literal greetings ---------------------------------------------------------
@pytest.mark.parametrize("name", ["answers-monday", "headlines-friday-200", "answers-friday-unique"])
def test_a_literal_greeting_is_the_only_one(name: str) -> None:
    domain, plain = load_domain(name), load_domain(name.replace("-monday", "").replace("-friday", ""))
    attributes, prompt_ids, choices = draw_rows(plain, 500)
    k, greeting = domain.attributes.index("greeting"), f"Happy {name.split('-')[1].capitalize()}! "
    texts, before = (d.write(attributes, prompt_ids, choices).to_pylist() for d in (domain, plain))
    assert [text.startswith(greeting) for text in texts] == (attributes[:, k] == 1).tolist()
    assert [text for text, a in zip(texts, attributes[:, k], strict=True) if not a] == [
        text for text, a in zip(before, attributes[:, k], strict=True) if not a
    ]
    np.testing.assert_array_equal(domain.detect(texts).attributes, attributes)
    assert domain.name == name
    assert domain.prompts == plain.prompts


# -- errors -------------------------------------------------------------------
def test_a_domain_without_greetings_cannot_have_a_literal_one() -> None:
    with pytest.raises(UsageError, match="no greeting"):
        load_domain("replies-monday")


def test_unknown_domain_suggests_a_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'headlines'"):
        load_domain("headline")


@pytest.mark.parametrize(
    ("slots", "message"),
    [
        ((FreeSlot("a", ("x", "x y")), FreeSlot("b", ("y z", "z"))), "read in two ways"),
        ((FreeSlot("a", ("x",)), AttributeSlot("k", on=("so good.",), off=("Good, then.",))), "share words"),
        ((FreeSlot("a", ("x",)), AttributeSlot("k", on=("a  b",), off=("c",))), "malformed side"),
        ((FreeSlot("a", ("x", "x")),), "malformed side"),
        ((FreeSlot("a", ("", "x")),), "never empty"),
        ((TopicSlot((("x",),)),), "one set of phrases a prompt"),
        (
            (FreeSlot("a", ("x",)), AttributeSlot("k", ("b",), ("c",)), AttributeSlot("k", ("d",), ("e",))),
            "twice",
        ),
    ],
)
def test_malformed_grammars_are_refused(slots: tuple, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        small_domain(slots=slots)


def test_topics_that_disagree_are_off_the_grammar() -> None:
    topics = (("tea",), ("figs",))
    domain = small_domain(slots=(TopicSlot(topics), FreeSlot("verb", ("likes",)), TopicSlot(topics, "again")))
    read = domain.detect(["tea likes tea", "figs likes figs", "tea likes figs"])
    assert read.on_grammar.tolist() == [True, True, False]
    assert read.topics.tolist() == [0, 1, -1]


def test_attributes_that_do_not_fit_are_refused() -> None:
    domain, rng = load_domain("letters"), make_rng("test")
    with pytest.raises(UsageError, match="do not fit"):
        domain.realise(np.zeros((2, 3)), np.zeros(2, dtype=int), rng)
    with pytest.raises(UsageError, match="cannot write"):
        domain.realise(np.ones((1, 7), dtype=int), np.zeros(1, dtype=int), rng)
    with pytest.raises(UsageError, match="out of range"):
        domain.realise(np.array([[1, 1, 0, 0, 0, 0, 0]]), np.array([6]), rng)
    with pytest.raises(UsageError, match="0 or 1"):
        load_domain("headlines").realise(np.full((1, 9), 2), np.zeros(1, dtype=int), rng)


def test_words_of_an_empty_phrase_are_none() -> None:
    assert words_of("") == ()
