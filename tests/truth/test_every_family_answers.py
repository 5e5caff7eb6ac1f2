"""Every world, user tables and generated texts included, answers the protocol or refuses with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from pyarrow import csv
from test_corpus_world import make_counts
from test_generated_world import PATTERNS, WRITING
from test_text_generated import model_folder  # noqa: F401  (a fixture)
from worlds import make_world

import simulators
from benchmark.contract import Incompatible, Streams
from benchmark.scoring.audit import audit_reward
from simulators import QuerySizes
from simulators.families.generated import make_generated_world
from simulators.proposals import Search

ROWS = 40
SIZES = QuerySizes(pairs=32, contrasts=4, pool=16, samples=2)
SEARCH = Search(rounds=2, pairs=200, candidates=4)
CARDS = simulators.list_families(user_data=True)
REFUSALS = {"corpus": ("oracle", "proposer")}


@pytest.fixture(scope="module", params=[card.name for card in CARDS])
def family(request):
    return request.param


@pytest.fixture(scope="module")
def world(family, model_folder, tmp_path_factory):  # noqa: F811
    """A world of the family; a tiny model of random weights generates texts, so nothing is downloaded."""
    folder = tmp_path_factory.mktemp("world")
    if family == "generated":
        return make_generated_world(
            model_folder, WRITING, folder, Streams("tests", family, 0), patterns=PATTERNS
        )
    if family == "corpus":
        csv.write_csv(make_counts(tests=60), folder / "counts.csv")
        columns = {"text": "headline", "outcome": "clicks", "weight": "views", "exclude": "broken"}
        return make_world(family, data=str(folder / "counts.csv"), **columns)
    return make_world(family)


def test_it_draws_its_log_and_twin_with_the_truth_of_their_rows(world):
    rows = ROWS if world.n_rows is None else min(ROWS, world.n_rows)
    for data in ("log", "twin"):
        drawn = world.draw(rows, data)
        assert len(drawn.log) == len(drawn.truth) == rows


def test_its_truth_answers_its_queries(world):
    queries, truth = world.queries(SIZES), world.truth
    rewards = truth.reward(queries.prompts, queries.texts, queries.context)
    assert np.isfinite(rewards).all()
    assert np.isfinite(truth.naive_reward(queries.prompts, queries.texts, queries.context)).all()
    assert truth.group_rewards(queries.prompts, queries.texts).shape[1] == len(queries.texts)
    assert len(truth.effects) == len(truth.effects_mcse) == len(truth.naive_effects) == len(truth.attributes)
    assert (truth.roles is None) == (world.n_rows is not None)
    assert set(truth.tables()) == ({"held_out", "held_out_pairs"} if world.n_rows is not None else set())


def test_its_card_is_named(world, family):
    assert world.card()["family"] == family


def test_its_oracle_measures_texts_or_it_refuses(world, family):
    if "oracle" in REFUSALS.get(family, ()):
        with pytest.raises(Incompatible, match="nobody can be asked"):
            world.oracle()
        return
    queries, ask = world.queries(SIZES), world.oracle()
    some = {name: values[:10] for name, values in queries.context.items()}
    assert np.isfinite(ask(queries.prompts[:10], queries.texts[:10], some)).all()
    assert ask(queries.prompts[:0], queries.texts[:0], {}).shape == (0,)


def test_the_truth_passes_its_audit_or_it_refuses(world, family):
    if "proposer" in REFUSALS.get(family, ()):
        with pytest.raises(Incompatible, match="no others can be proposed"):
            audit_reward(world.truth.reward, world, SEARCH)
        return
    found = audit_reward(world.truth.reward, world, SEARCH)
    assert not found.accused
    assert all(done.failures == 0 for done in found.rounds)
    # the opposite of the truth fails wherever a pair differs by enough
    assert audit_reward(lambda *asked: -world.truth.reward(*asked), world, SEARCH).rounds[0].failures > 0 or (
        family == "null"
    )
