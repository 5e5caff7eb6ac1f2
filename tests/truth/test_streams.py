"""Rows by path: prefixes, twins, common random numbers and fresh worlds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from worlds import make_world, same_tables

import simulators
from benchmark.contract import BLOCK

FAMILIES = [card.name for card in simulators.list_families()]
DIALLED = [card.name for card in simulators.list_families() if "strength" in card.defaults]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_longer_log_begins_with_the_shorter_one(family):
    world = make_world(family)
    for arm in ("log", "twin"):
        short, long = world.draw(300, arm), world.draw(600, arm)
        assert same_tables(long.log.table.slice(0, 300), short.log.table)
        assert same_tables(long.truth.slice(0, 300), short.truth)


def test_rows_may_be_drawn_in_pieces_across_blocks():
    world = make_world("observed")
    whole = world.draw(2 * BLOCK).log.table
    pieces = [
        world.draw(BLOCK - 5, start=0),
        world.draw(10, start=BLOCK - 5),
        world.draw(BLOCK - 5, start=BLOCK + 5),
    ]
    assert pa.concat_tables([p.log.table for p in pieces]).combine_chunks().equals(whole.combine_chunks())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_twin_shares_people_prompts_and_noise(family):
    world = make_world(family)
    log, twin = world.draw_rows(0, 2000), world.draw_rows(0, 2000, "twin")
    assert all(np.array_equal(log.people[name], twin.people[name]) for name in log.people)
    assert np.array_equal(log.prompt_ids, twin.prompt_ids)
    if world.feedback.kind == "scalar":
        assert np.allclose(log.outcomes - log.index, twin.outcomes - twin.index)
    assert not np.array_equal(log.attributes, twin.attributes)
    assert np.array_equal(twin.log_propensity, twin.log_target)


@pytest.mark.parametrize("family", DIALLED)
def test_strength_changes_neither_people_nor_texts(family):
    weak, strong = (make_world(family, strength=s).draw_rows(0, 1000) for s in (0.5, 1.5))
    assert all(np.array_equal(weak.people[name], strong.people[name]) for name in weak.people)
    assert np.array_equal(weak.attributes, strong.attributes)
    assert all(a.equals(b) for a, b in zip(weak.texts, strong.texts, strict=True))


def test_randomised_is_the_observed_world():
    control, world = make_world("randomised"), make_world("observed")
    assert control.truth.effects == pytest.approx(world.truth.effects)
    rows, observed = control.draw_rows(0, 500), world.draw_rows(0, 500)
    assert np.array_equal(rows.people["engagement"], observed.people["engagement"])
    assert control.marginals == pytest.approx(world.marginals)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_is_the_same_world_and_another_is_not(family):
    a, b, c = make_world(family), make_world(family), make_world(family, seed=1)
    assert same_tables(a.draw(50).log.table, b.draw(50).log.table)
    assert not same_tables(a.draw(50).log.table, c.draw(50).log.table)


def test_noise_is_fresh_in_every_row_and_block():
    """Outcome noise: mean 0, sd 1, no correlation between neighbouring rows or blocks."""
    rows = make_world("observed").draw_rows(0, 8 * BLOCK)
    noise = (rows.outcomes - rows.index)[0]
    n = len(noise)
    assert abs(noise.mean()) < 4 / np.sqrt(n)
    assert noise.std() == pytest.approx(1, abs=4 / np.sqrt(2 * n))
    for lag in (1, BLOCK):
        assert abs(np.corrcoef(noise[:-lag], noise[lag:])[0, 1]) < 4 / np.sqrt(n - lag)


def test_roles_vary_over_seeds_and_no_attribute_name_predicts_its_effect():
    """Over 200 seeds each attribute's mean effect is 0 within 4 standard errors of the prior.

    With K = 9 the prior puts 3 beneficial against 2 harmful attributes, so the mean is
    (3 - 2) / 9 x 0.65; every attribute shares it.
    """
    effects = np.stack(
        [make_world("hidden", seed=s, strength=0, domain="headlines").roles.effects for s in range(200)]
    )
    mean = effects.mean(axis=0)
    assert effects.shape[1] == 9
    assert np.abs(mean - 0.65 / 9).max() < 4 * effects.std(axis=0).max() / np.sqrt(200)
