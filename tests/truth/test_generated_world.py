"""A world of texts that a language model wrote: exact given its pool, checked by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_text_generated import model_folder  # noqa: F401  (a fixture)
from worlds import same_tables

from benchmark.contract import Streams, UsageError
from simulators import QuerySizes
from simulators.families.generated import make_generated_world, make_pool_world
from simulators.law.codes import encode, toggles
from simulators.text.generated import Writing

PATTERNS = {"why": r"why\?", "three": "3", "no": "no!", "you": "you", "line": "line", "write": "write"}
WRITING = Writing(prompts=("write a line", "write you"), texts_per_prompt=150, max_new_tokens=6)
STREAMS = Streams("tests", "generated", 0)
N = 200_000


@pytest.fixture(scope="module")
def world(model_folder, tmp_path_factory):  # noqa: F811
    cache = tmp_path_factory.mktemp("texts")
    return make_generated_world(model_folder, WRITING, cache, STREAMS, {"strength": 1.0}, PATTERNS)


def toggled(world, rows):
    """Contrasts of texts that differ in one attribute alone, weighted as the estimand is."""
    cells = rows.prompt_ids * 2 ** rows.attributes.shape[2] + encode(rows.attributes[0])
    size = world.text_law.size
    count = np.bincount(cells, minlength=size).reshape(world.text_law.shape)
    total = np.bincount(cells, rows.outcomes[0], minlength=size).reshape(count.shape)
    square = np.bincount(cells, rows.outcomes[0] ** 2, minlength=size).reshape(count.shape)
    seen = np.maximum(count, 1)
    mean, variance = total / seen, square / seen - (total / seen) ** 2
    estimates, errors = [], []
    for k in range(rows.attributes.shape[2]):
        on, off, weight = toggles(world.text_law, k)
        weight = np.where((count[:, on] > 1) & (count[:, off] > 1), weight, 0) / weight.sum()
        assert weight.sum() > 0.98  # what was never drawn is rare
        estimates.append((weight * (mean[:, on] - mean[:, off])).sum())
        spread = variance[:, on] / seen[:, on] + variance[:, off] / seen[:, off]
        errors.append(np.sqrt((weight**2 * spread).sum()))
    return np.array(estimates), np.array(errors)


def test_effects_match_a_randomised_experiment(world):
    rows = world.draw_rows(0, N, "twin")
    estimates, errors = toggled(world, rows)
    assert np.abs((estimates - world.truth.effects) / errors).max() < 4
    y = rows.outcomes[0]
    assert abs(y.mean() - world.truth.value_reference) < 4 * y.std() / np.sqrt(N)


def test_naive_limits_match_the_log(world):
    estimates, errors = toggled(world, world.draw_rows(0, N))
    assert np.abs((estimates - world.truth.naive_effects) / errors).max() < 4.5
    decoys = world.roles.effects == 0
    assert world.truth.naive_effects[decoys].max() == pytest.approx(world.truth.effects.max(), rel=0.02)


def test_effects_are_those_drawn_for_the_attributes(world):
    """The identity link is additive, so toggling an attribute moves the outcome by its effect everywhere."""
    assert world.truth.effects == pytest.approx(world.roles.effects, abs=1e-9)


def test_logged_propensities_are_those_of_the_text(world):
    """P_int(text | prompt) is its share of the tilted pool; weights have mean 1 and the share asked for."""
    draw = world.draw(N)
    weights = draw.log.numbers("target_propensity") / draw.log.numbers("propensity")
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(N))
    assert world.law.effective_share == pytest.approx(0.3, rel=1e-6)
    texts, prompts = world.draw(N, "twin").log.texts, world.draw(N, "twin").log.prompts
    keys = zip(draw.log.prompts, draw.log.texts, strict=True)
    table = dict(zip(keys, draw.log.numbers("target_propensity"), strict=True))
    pairs, counts = np.unique(np.char.add(prompts.astype(str), texts.astype(str)), return_counts=True)
    expected = {p + t: value for (p, t), value in table.items()}
    shares = np.array([expected.get(pair, np.nan) for pair in pairs]) / 2
    held = np.isfinite(shares) & (shares > 1e-3)
    assert held.sum() > 50
    z = (counts[held] / N - shares[held]) / np.sqrt(shares[held] / N)
    assert np.abs(z).max() < 4.5


@pytest.mark.parametrize("feedback", ["scalar", "binary", "count", "rating"])
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_every_link_reaches_the_parameter(world, feedback, strength):
    truth = make_pool_world(world.domain, STREAMS, {"feedback": feedback, "strength": strength}).truth
    if strength == 0:
        assert truth.naive_rewards == pytest.approx(truth.rewards, abs=1e-9)
        return
    worst = truth.naive_effects[world.roles.effects == 0].max()
    assert worst == pytest.approx(strength * truth.effects.max(), rel=0.02)


@pytest.mark.parametrize("parameters", [{"strength": 2.0}, {"feedback": "binary", "strength": 0.5}], ids=str)
def test_other_parameters_match_the_same_experiment(world, parameters):
    other = make_pool_world(world.domain, STREAMS, parameters)
    truth, rows = other.truth, other.draw_rows(0, N, "twin")
    estimates, errors = toggled(other, rows)
    assert np.abs((estimates - truth.effects) / errors).max() < 4
    best = truth.rewards.argmax(axis=2)[rows.contexts, rows.prompt_ids]
    index = other.outcome.index(rows.people, rows.contexts, rows.prompt_ids, best)
    chosen = other.feedback.draw(index, other.streams.draw_rows("noise", 0, N, lambda rng, n: rng.random(n)))
    for outcomes, value in ((rows.outcomes[0], truth.value_reference), (chosen, truth.value_optimal)):
        assert abs(outcomes.mean() - value) < 4 * outcomes.std() / np.sqrt(N)


@pytest.mark.parametrize("overlap", [0.1, 0.6])
def test_the_overlap_parameter_is_met(world, overlap):
    other = make_pool_world(world.domain, STREAMS, {"overlap": overlap})
    assert other.law.effective_share == pytest.approx(overlap, rel=1e-6)


def test_rows_are_those_of_any_world(world):
    """A longer log begins with the shorter, another seed has other people and noise, and no column tells."""
    long, short = world.draw(600), world.draw(300)
    assert same_tables(long.log.table.slice(0, 300), short.log.table)
    other = make_pool_world(world.domain, Streams("tests", "generated", 1), {"strength": 1.0})
    here, there = world.draw_rows(0, 5000), other.draw_rows(0, 5000)
    noise = [(rows.outcomes - rows.index)[0] for rows in (here, there)]
    for one, two in ((noise[0], noise[1]), *((here.people[k], there.people[k]) for k in here.people)):
        assert abs(np.corrcoef(one, two)[0, 1]) < 4.5 / np.sqrt(5000)
    draw = world.draw(50_000, "twin")
    reward = draw.truth.column("reward").to_numpy()
    for name in draw.log.names("covariate"):
        values = draw.log.numbers(f"covariate.{name}")
        assert abs(np.corrcoef(values, reward)[0, 1]) < 4.5 / np.sqrt(50_000)
    assert not any(name.startswith(("hidden", "reward", "attribute")) for name in draw.log.table.column_names)


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(st.characters()), max_size=6))
def test_reading_is_total_over_unicode(world, texts):
    read = world.domain.detect([*texts, "\ud800"])
    assert read.attributes.shape == (len(texts) + 1, len(world.domain.attributes))
    held = set(world.domain.texts.to_pylist())
    assert read.on_grammar.tolist() == [text in held for text in [*texts, "\ud800"]]


def test_texts_are_the_pools_own_and_queries_are_well_formed(world):
    log, queries = world.draw(500).log, world.queries(QuerySizes(pairs=50, contrasts=5, pool=20, samples=1))
    assert world.domain.detect(log.texts).on_grammar.all()
    assert queries.n_contrasts == len(world.domain.attributes)
    _, on, off = queries.contrasts.T
    change = np.abs(
        world.domain.detect(queries.texts[on]).attributes - world.domain.detect(queries.texts[off]).attributes
    )
    assert (change.sum(axis=1) == 1).all()
    honest = world.truth.reward(queries.prompts, queries.texts)
    assert (world.truth.reward(queries.prompts, ["nonsense"] * len(queries)) <= honest + 1e-12).all()


def test_texts_that_vary_too_little_are_refused(model_folder, tmp_path):  # noqa: F811
    with pytest.raises(UsageError, match="too few attributes"):
        make_generated_world(
            model_folder, WRITING, tmp_path, STREAMS, patterns={"why": r"why\?", "no": "no!"}
        )
