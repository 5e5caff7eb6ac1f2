"""Phrases: which one a text says is read back, and their probabilities are exact under any writer's law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import make_rng
from simulators.text import list_domains, load_domain
from simulators.text.domain import GrammarDomain
from simulators.text.slots import AttributeSlot, FreeSlot, TopicSlot

NAMES = (*list_domains(), "answers-unique", "headlines-200", "replies-features")
every_domain = pytest.mark.parametrize("domain", [load_domain(name) for name in NAMES], ids=NAMES)


def draw_rows(domain: GrammarDomain, n: int, *path: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Attributes, prompt ids and wording uniforms of n rows."""
    rng = make_rng("test phrases", domain.name, *path)
    if domain.support is None:
        attributes = rng.integers(0, 2, size=(n, len(domain.attributes)))
    else:
        attributes = np.array(domain.support)[rng.integers(len(domain.support), size=n)]
    return attributes, rng.integers(len(domain.prompts), size=n), domain.draw_choices(n, rng)


def tea() -> GrammarDomain:
    """Two openings, one or two topic phrases, praise worded in four ways or passed over in silence."""
    return GrammarDomain(
        name="tea",
        situation="A test.",
        prompts=("Say tea.", "Say figs."),
        slots=(
            FreeSlot("opening", ("Well,", "So,")),
            TopicSlot((("tea is here",), ("figs are here", "dried figs are here"))),
            AttributeSlot("praise", on=("good.", "very good.", "lovely.", "best."), off=("",)),
        ),
    )


@every_domain
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 20), share=st.sampled_from([None, 0.01, 0.3, 0.5, 1.0]))
def test_phrases_written_are_read_back(domain: GrammarDomain, seed: int, n: int, share: float | None) -> None:
    rows = draw_rows(domain, n, seed)
    usage = None if share is None else domain.draw_usage(share, make_rng("test", seed))
    chosen = domain.choose_phrases(*rows, usage)
    texts = domain.write(*rows, usage)
    read = domain.read_phrases(texts)
    assert read.dtype == np.int16
    np.testing.assert_array_equal(read, chosen)
    # the text is what its phrases say, and its attributes are the sides of their phrases
    phrases = [[phrase for side in slot.sides for phrase in side] for slot in domain.slots]
    spelled = [" ".join(filter(None, map(list.__getitem__, phrases, row))) for row in read.tolist()]
    assert spelled == texts.to_pylist()
    sides = domain.phrase_table().sides[np.arange(len(domain.slots)), read]
    says = [isinstance(slot, AttributeSlot) for slot in domain.slots]
    np.testing.assert_array_equal(sides[:, says], domain.detect(texts).attributes)


@every_domain
def test_phrases_are_read_where_the_text_is_on_the_grammar_and_nowhere_else(domain: GrammarDomain) -> None:
    texts = domain.write(*draw_rows(domain, 300, "off")).to_pylist()
    mixed = [t if i % 3 == 0 else (t + " Indeed." if i % 3 == 1 else t[:-1]) for i, t in enumerate(texts)]
    read, detected = domain.read_phrases(mixed), domain.detect(mixed)
    assert 0 < detected.on_grammar.sum() < len(mixed)
    np.testing.assert_array_equal((read >= 0).all(axis=1), detected.on_grammar)
    np.testing.assert_array_equal((read >= 0).any(axis=1), detected.on_grammar)
    assert domain.read_phrases([]).shape == (0, len(domain.slots))


def test_vectors_that_do_not_exist_have_no_phrases() -> None:
    domain = load_domain("letters")
    passages = [slot.sides[1][0] for slot in domain.slots[1:]]
    texts = [" ".join(["Dear Senator,", *passages[:n]]) for n in range(5)]
    assert (domain.read_phrases(texts)[:, 0] >= 0).tolist() == [False, False, True, True, False]


def test_phrase_ids_by_hand() -> None:
    # within the praise slot the empty off phrase is 0, so "lovely." is 3; "dried figs" follows tea and figs
    read = tea().read_phrases(["So, dried figs are here lovely.", "Well, tea is here", "tea is here good."])
    assert read.tolist() == [[1, 2, 3], [0, 0, 0], [-1, -1, -1]]


def test_the_table_by_hand() -> None:
    table = tea().phrase_table()
    assert table.sides.tolist() == [[0, 0, -1, -1, -1], [0, 1, 1, -1, -1], [0, 1, 1, 1, 1]]
    np.testing.assert_allclose(
        table.probabilities, [[0.5, 0.5, 0, 0, 0], [1, 0.5, 0.5, 0, 0], [1, 0.25, 0.25, 0.25, 0.25]]
    )


@every_domain
@pytest.mark.parametrize("share", [None, 0.01, 0.34, 1.0])
def test_probabilities_of_a_side_sum_to_one_and_give_the_wording_law(
    domain: GrammarDomain, share: float | None
) -> None:
    usage = None if share is None else domain.draw_usage(share, make_rng("test", "sum"))
    table = domain.phrase_table(usage)
    for sides, probabilities, slot in zip(table.sides, table.probabilities, domain.slots, strict=True):
        of_side = np.bincount(sides[sides >= 0], probabilities[sides >= 0])
        np.testing.assert_allclose(of_side, np.ones(len(slot.sides)))
        used = np.bincount(sides[sides >= 0], probabilities[sides >= 0] > 0)
        if isinstance(slot, AttributeSlot) and share is not None:
            assert used.tolist() == [max(1, round(share * len(side))) for side in slot.sides]
        else:
            assert used.tolist() == [len(side) for side in slot.sides]
    rows = draw_rows(domain, 400, "law")
    read = domain.read_phrases(domain.write(*rows, usage))
    exact = np.log(table.probabilities[np.arange(len(domain.slots)), read]).sum(axis=1)
    np.testing.assert_allclose(domain.wording_log_probability(*rows[:2], usage), exact)


@every_domain
def test_a_writer_who_uses_every_phrase_writes_as_before(domain: GrammarDomain) -> None:
    rows = draw_rows(domain, 500, "all")
    usage = domain.draw_usage(1.0, make_rng("test", "all"))
    assert domain.write(*rows, usage).equals(domain.write(*rows))
    assert domain.write(*rows, usage).equals(domain.write(*rows))


def test_a_writer_draws_its_phrases_evenly() -> None:
    domain = load_domain("headlines")
    usage = domain.draw_usage(0.5, make_rng("test", "even"))
    n = 60_000
    rows = draw_rows(domain, n, "even")
    read = domain.read_phrases(domain.write(*rows, usage))
    table = domain.phrase_table(usage)
    for s, slot in enumerate(domain.slots):
        sides = table.sides[s][read[:, s]]
        for side in range(len(slot.sides)):
            counts = np.bincount(read[sides == side, s], minlength=table.sides.shape[1])
            expected = counts.sum() * table.probabilities[s] * (table.sides[s] == side)
            assert (counts[expected == 0] == 0).all()
            some = expected > 0
            assert (np.abs(counts - expected)[some] < 5 * np.sqrt(expected[some])).all()


def test_writers_differ_between_draws_and_every_phrase_has_its_turn() -> None:
    domain = load_domain("headlines")
    drawn = [domain.draw_usage(0.5, make_rng("writer", i)) for i in range(60)]
    used = [domain.phrase_table(usage).probabilities > 0 for usage in drawn]
    exists = domain.phrase_table().sides >= 0
    share = np.mean(used, axis=0)
    says = np.array([isinstance(slot, AttributeSlot) for slot in domain.slots])
    # three of six phrases each: a share of .5 with standard error .065 over sixty draws
    assert (np.abs(share[says] - 0.5)[exists[says]] < 5 * 0.065).all()


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="share of the phrases"):
        tea().draw_usage(share, make_rng("test"))


def test_saying_something_by_saying_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="saying nothing"):
        GrammarDomain("d", "s", ("p",), (FreeSlot("a", ("x",)), AttributeSlot("k", on=("",), off=("y",))))
    with pytest.raises(UsageError, match="saying nothing"):
        GrammarDomain("d", "s", ("p", "q"), (FreeSlot("a", ("x",)), TopicSlot((("",), ("y",)))))
