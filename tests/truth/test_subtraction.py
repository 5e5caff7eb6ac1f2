"""What can be held together in one process tells no more apart from each other than each tells alone.

A method is given one log. Two seeds share nothing; two strengths of a verified season share nothing;
a randomised slice within a log is made of people of its own. Two strengths of a public season do share
people and noise, and from both the effects could be had: hence one process a cell for submitted code.
"""

from __future__ import annotations

import numpy as np
import pytest
from worlds import make_world, randomised_contrasts, saturated_weights

import simulators
from benchmark.tasks.prepare import make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite

FAMILIES = [card.name for card in simulators.list_families()]
N = 10_000
SUITE = check_suite(
    {
        "name": "subtraction",
        "version": "1",
        "n": 2000,
        "queries": {"pairs": 16, "contrasts": 1, "pool": 4, "samples": 1},
        "cells": [{"scenarios": ["observed"]}],
    }
)


def unrelated(a, b):
    """Whether two columns are uncorrelated within 4.5 standard errors (constants are)."""
    if np.std(a) == 0 or np.std(b) == 0:
        return True
    return abs(np.corrcoef(a, b)[0, 1]) < 4.5 / np.sqrt(len(a))


@pytest.mark.parametrize("family", FAMILIES)
def test_two_seeds_share_neither_people_nor_noise(family):
    one, two = (make_world(family, seed=seed).draw_rows(0, N) for seed in (0, 1))
    for name in one.people.keys() & two.people.keys():
        a, b = one.people[name], two.people[name]
        # a person who stays for several rows counts once
        repeat = max(1, len(a) // len(np.unique(a))) if len(np.unique(a)) > 50 else 8
        assert unrelated(a[::repeat], b[::repeat]), name
    rest = [rows.outcomes[0] - rows.index[0] for rows in (one, two)]
    assert unrelated(*rest)
    assert unrelated(one.attributes[0].sum(axis=1), two.attributes[0].sum(axis=1))
    effects = [make_world(family, seed=seed).truth.effects for seed in (0, 1)]
    assert not np.allclose(*effects) or not effects[0].any()


def test_subtracting_another_seed_leaves_the_naive_limit():
    """Y of one seed minus Y of another, by the first's attributes: the bias is all still there."""
    world, other = make_world("hidden"), make_world("hidden", seed=1)
    rows = world.draw_rows(0, 100_000)
    outcomes = rows.outcomes[0] - other.draw_rows(0, 100_000).outcomes[0]
    weights = saturated_weights(rows.attributes[0], rows.prompt_ids, world.marginals[0])
    estimates, errors = randomised_contrasts(rows.attributes[0], outcomes, weights)
    assert np.abs((estimates - world.truth.naive_effects) / errors).max() < 4.5
    assert np.abs((estimates - world.truth.effects) / errors).max() > 20


def test_strengths_of_a_verified_season_share_nothing():
    tasks = [make_task(Scenario.parse(f"observed[strength={s}]"), 0, SUITE, secret=b"s") for s in (0.5, 2)]
    worlds = [task.world for task in tasks]
    assert not np.allclose(worlds[0].truth.effects, worlds[1].truth.effects)
    rows = [world.draw_rows(0, N) for world in worlds]
    for name in rows[0].people:
        assert unrelated(rows[0].people[name], rows[1].people[name])
    assert unrelated(*(r.outcomes[0] - r.index[0] for r in rows))


def test_strengths_of_a_public_season_would_give_the_effects_away():
    """Why one process holds one cell: with L(s) = tau + s b at two strengths, tau is a subtraction away."""
    weak, strong = (make_world("hidden", strength=s).truth for s in (1, 2))
    assert 2 * weak.naive_effects - strong.naive_effects == pytest.approx(weak.effects)


def test_a_randomised_slice_is_made_of_its_own_people():
    """No row of the slice is another row's person, and its noise goes with no neighbour's."""
    world = make_world("mixture", share=0.3)
    rows = world.draw_rows(0, N)
    flagged = world.recording.record(rows)["randomised"] == 1
    assert 0.25 < flagged.mean() < 0.35
    moods = rows.people["recency_itself"]
    assert len(np.unique(moods)) == N
    noise = (rows.outcomes - rows.index)[0]
    slice_rows = np.flatnonzero(flagged[:-1] & ~flagged[1:])
    assert unrelated(noise[slice_rows], noise[slice_rows + 1])
    assert unrelated(moods[slice_rows], moods[slice_rows + 1])
    m = min(flagged.sum(), (~flagged).sum())
    assert unrelated(noise[flagged][:m], noise[~flagged][:m])
