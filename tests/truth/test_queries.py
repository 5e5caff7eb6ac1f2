"""Queries: interventional, opaque, and the same whatever the strength."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import make_world

import simulators
from benchmark.contract import UsageError
from simulators import QuerySizes

SIZES = QuerySizes(pairs=400, contrasts=20, pool=64, samples=4)
FAMILIES = [card.name for card in simulators.list_families()]


@pytest.mark.parametrize("family", FAMILIES)
def test_queries_are_well_formed(family):
    world = make_world(family)
    queries = world.queries(SIZES)
    n_attributes = len(world.domain.attributes)
    items = list(zip(queries.prompts, queries.texts, *queries.context.values(), strict=True))
    assert len(set(items)) == len(items)
    assert queries.n_contrasts == n_attributes
    assert len(queries.contrasts) == 20 * n_attributes
    assert queries.pools.shape == (len(queries.generate), 64)
    same = queries.prompts[queries.pairs]
    assert (same[:, 0] == same[:, 1]).all()
    assert (queries.prompts[queries.pools] == queries.generate[:, None]).all()
    used = np.unique(np.concatenate([queries.pools.ravel(), queries.contrasts[:, 1:].ravel()]))
    assert np.array_equal(used, np.arange(len(queries)))
    for values in queries.context.values():
        pooled = values[queries.pools]
        assert (pooled == pooled[:, :1]).all()


def test_contrasts_change_one_attribute_and_nothing_else():
    world = make_world("observed")
    queries = world.queries(SIZES)
    ids, on, off = queries.contrasts.T
    read_on, read_off = (world.domain.detect(queries.texts[items]) for items in (on, off))
    change = read_on.attributes.astype(int) - read_off.attributes
    assert (np.abs(change).sum(axis=1) == 1).all()
    assert change.max() == 1
    assert change.min() == 0
    named = [np.unique(change[ids == k].argmax(axis=1)) for k in range(len(world.domain.attributes))]
    assert all(len(name) == 1 for name in named)
    assert sorted(int(name[0]) for name in named) == list(range(len(named)))


def test_contrast_ids_are_permuted():
    """Over seeds the id of an attribute is not its position."""
    positions = []
    for seed in range(6):
        world = make_world("observed", seed=seed)
        queries = world.queries(SIZES)
        on = world.domain.detect(queries.texts[queries.contrasts[:, 1]]).attributes.astype(int)
        off = world.domain.detect(queries.texts[queries.contrasts[:, 2]]).attributes
        first = queries.contrasts[:, 0] == 0
        positions.append(int((on - off)[first].argmax(axis=1)[0]))
    assert len(set(positions)) > 1


@pytest.mark.parametrize("family", ["observed", "hidden", "marker"])
def test_queries_do_not_depend_on_strength(family):
    a, b = (make_world(family, strength=s).queries(SIZES) for s in (0, 2))
    assert np.array_equal(a.texts, b.texts)
    assert np.array_equal(a.pairs, b.pairs)
    assert np.array_equal(a.contrasts, b.contrasts)


def test_pools_follow_the_interventional_law():
    world = make_world("observed")
    queries = world.queries(QuerySizes(pool=2000, prompts=4))
    shown = world.domain.detect(queries.texts[queries.pools.ravel()]).attributes
    expected = world.marginals[0]
    errors = np.sqrt(expected * (1 - expected) / len(shown))
    assert (np.abs(shown.mean(axis=0) - expected) < 4.5 * errors).all()
    together = np.corrcoef(shown.T) - np.eye(len(expected))
    assert np.abs(together).max() < 4.5 / np.sqrt(len(shown))


def test_item_order_tells_nothing():
    world = make_world("observed")
    queries = world.queries(SIZES)
    n = len(queries)
    reward = world.truth.reward(queries.prompts, queries.texts)
    assert abs(np.corrcoef(np.arange(n), reward)[0, 1]) < 4.5 / np.sqrt(n)
    pooled = np.zeros(n)
    pooled[queries.pools.ravel()] = 1
    assert abs(np.corrcoef(np.arange(n), pooled)[0, 1]) < 4.5 / np.sqrt(n)


def test_query_sizes_are_checked():
    with pytest.raises(UsageError, match="pool"):
        QuerySizes(pool=1)
