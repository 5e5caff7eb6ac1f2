"""The laws of texture on small grammars, against enumeration of every text."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import expit

from benchmark.contract import Streams
from simulators.law.codes import mean_contrasts, product_law
from simulators.law.comparison import project_pairs
from simulators.law.curves import Curves, place_nodes
from simulators.law.surface import Surface, draw_surface, variance_within
from simulators.law.worded_pairs import project_worded_pairs
from simulators.law.wording import BY_TOPIC, FREE, Phrases, Wording, draw_wording

STREAMS = Streams("tests", "texture", 0)
# two attributes, of which the second has two silent phrases off; two topics; one free slot
SIDES = np.array([[0, 0, 0, 1, 1], [0, 0, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, -1, -1]])
DECIDERS = np.array([0, 1, BY_TOPIC, FREE])
USED = np.array([[1, 1, 0, 1, 1], [1, 1, 1, 0, 1], [1, 1, 1, 1, 1], [1, 0, 1, 0, 0]], dtype=bool)
MARGINALS = np.array([[0.3, 0.6], [0.5, 0.2], [0.4, 0.45]])


def wording_of(used=None):
    phrases = Phrases(
        SIDES, DECIDERS, np.ones_like(SIDES, dtype=bool) if used is None else used, np.arange(2)
    )
    return draw_wording(STREAMS, phrases)


def shifts_of(wording, topic, code):
    """W of every text of a topic and code."""
    sides = [code & 1, code >> 1, topic, 0]
    held = [
        row[kinds == side]
        for row, kinds, side in zip(wording.effects, wording.phrases.sides, sides, strict=True)
    ]
    return np.array([sum(choice) for choice in product(*held)])


@pytest.mark.parametrize("topics", [[0, 0, 0], [0, 1, 1]])
def test_interactions_leave_means_and_average_effects_alone(topics):
    marginals = MARGINALS if max(topics) == 0 else np.tile(MARGINALS[:1], (3, 1))
    table = draw_surface(STREAMS, np.array(topics), 2).table(marginals)
    law = product_law(marginals)
    assert (table * law).sum(axis=1) == pytest.approx(np.zeros(3), abs=1e-14)
    assert mean_contrasts(table, marginals).mean(axis=0) == pytest.approx(np.zeros(2), abs=1e-14)
    assert variance_within(table[None], law, np.ones(1)) == pytest.approx(1, abs=1e-12)


def test_an_interaction_by_hand():
    """m = (1/2, 1/4): (a - 1/2)(b - 1/4) has variance 1/4 * 3/16 = 3/64, so c = 8 / sqrt 3 for variance 1.

    At (0, 0) it is 1/8, at (1, 0) -1/8, at (0, 1) -3/8, at (1, 1) 3/8, times 8 / sqrt 3.
    """
    surface = Surface(np.array([[0.0, -0.7], [0.0, 0.0]]), np.zeros((1, 2)))
    expected = -np.array([1, -1, -3, 3]) / np.sqrt(3)
    assert surface.table(np.array([[0.5, 0.25]]))[0] == pytest.approx(expected, abs=1e-14)


def test_attributes_kept_out_do_not_interact():
    table = draw_surface(STREAMS, np.array([0, 1]), 3).without(1).table(np.full((2, 3), 0.4))
    by_attribute = table.reshape(2, 2, 2, 2)
    assert by_attribute[:, :, 0] == pytest.approx(by_attribute[:, :, 1], abs=1e-14)


def test_phrases_are_centred_within_what_they_say():
    wording = wording_of()
    for topic, code in product(range(2), range(4)):
        assert shifts_of(wording, topic, code).mean() == pytest.approx(0, abs=1e-14)
        assert shifts_of(wording, topic, code).var() == pytest.approx(
            wording.total(np.var, 2)[topic, code], abs=1e-13
        )


@pytest.mark.parametrize("function", [expit, np.exp, np.sin], ids=["logistic", "exponential", "sine"])
def test_averages_over_wording_match_enumeration(function):
    wording = wording_of()
    span = float(wording.total(np.min, 2).min()), float(wording.total(np.max, 2).max())
    found = wording.law(2, 40, span) @ function(place_nodes(40, span) + 0.3)
    every = [[function(shifts_of(wording, t, code) + 0.3).mean() for code in range(4)] for t in range(2)]
    assert found == pytest.approx(np.array(every), abs=1e-10)


def test_a_phrase_that_no_writer_uses_passes_for_the_others_of_its_side():
    wording = wording_of(USED)
    seen = wording.seen.effects
    assert seen[0, 2] == pytest.approx(wording.effects[0, :2].mean())
    assert seen[3, 1] == pytest.approx(wording.effects[3, [0, 2]].mean())
    assert seen[USED] == pytest.approx(wording.effects[USED])
    # what the log's writers write: uniform over the phrases they use
    span = (-8.0, 8.0)
    mean = wording.of_writers.law(2, 2, span) @ place_nodes(2, span)
    assert mean[1, 2] == pytest.approx(
        seen[0, :2].mean() + seen[1, [2, 4]].mean() + seen[2, 2:].mean() + seen[3, [0, 2]].mean(), abs=1e-13
    )


@pytest.mark.parametrize("flips", [0.0, 0.2])
def test_worded_pairs_match_the_projection_of_every_text(flips):
    """Every (code, shift) as a text of its own, by the dense projection."""
    rng = np.random.default_rng(0)
    utilities, shares = rng.normal(size=(2, 8)) * 1.2, np.array([0.6, 0.4])
    shifts = np.linspace(-1.5, 1.5, 5)
    law = rng.dirichlet(np.ones(8) * 5)[:, None] * rng.dirichlet(np.ones(5) * 3)

    def prefers(gap):
        return flips + (1 - 2 * flips) * expit(gap)

    found = project_worded_pairs(utilities, shares, law, shifts, prefers)
    every = (utilities[:, :, None] + shifts).reshape(2, -1)
    dense = project_pairs(every, np.stack([law.ravel()] * 2), shares, prefers)
    assert found.ravel() - found.mean() == pytest.approx(dense - dense.mean(), abs=1e-9)
    assert (found * law).sum() == pytest.approx(shares @ (every * law.ravel()).sum(axis=1), abs=1e-12)


def test_curves_run_through_their_values():
    span, rng = (-2.0, 3.0), np.random.default_rng(0)
    nodes, at = place_nodes(48, span), rng.uniform(-2, 3, 100)
    curves = Curves.through(np.stack([expit(nodes), np.exp(nodes)]), span)
    which = rng.integers(2, size=100)
    assert curves.at(which, at) == pytest.approx(np.where(which == 0, expit(at), np.exp(at)), abs=1e-11)


def test_the_range_of_wording_is_reached():
    wording = Wording(wording_of().phrases, wording_of().effects)
    for topic, code in product(range(2), range(4)):
        every = shifts_of(wording, topic, code)
        assert wording.total(np.min, 2)[topic, code] == pytest.approx(every.min())
        assert wording.total(np.max, 2)[topic, code] == pytest.approx(every.max())
