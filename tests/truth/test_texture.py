"""Textured worlds against brute force: rewards, effects, naive limits, shares, strength and signal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from worlds import make_world, randomised_contrasts, taken_at_face_value

import simulators
from benchmark.contract import Streams, UsageError
from simulators.law.codes import encode, product_law
from simulators.law.surface import variance_within

N = 40_000
TEXTURE = {"surface": 0.35, "wording": 0.25}
REFUSING = ("impossible", "letters")
FAMILIES = [card.name for card in simulators.list_families() if card.name not in REFUSING]
VARIANTS = [
    ("observed", {"feedback": "binary", "strength": 0.5}),
    ("observed", {"feedback": "count", "strength": 0.4}),
    ("observed", {"feedback": "count", "strength": 0.4, "noise": 1.5}),
    ("observed", {"feedback": "rating", "strength": 0.6, "noise": 1.7}),
    ("observed", {"prompts": "200", "phrases": 0.5}),
    ("observed", {"prompts": "unique", "noise": 2.5, "domain": "answers"}),
    ("selection", {"rule": "extreme", "strength": 0.7, "noise": 1.4}),
    ("marker", {"greeting": "friday"}),
    ("overlap", {"correlation": 1.0}),
    ("heterogeneous", {"phrases": 0.4, "noise": 1.5}),
    ("heterogeneous", {"feedback": "preference", "flips": 0.1, "ties": 0.5}),
    ("objective", {"causal_type": True}),
]
WORLDS = [(name, {}) for name in FAMILIES] + VARIANTS
IDS = [name + "".join(f"-{v}" for v in given.values()) for name, given in WORLDS]


@pytest.fixture(params=WORLDS, ids=IDS, scope="module")
def world(request):
    name, given = request.param
    return make_world(name, seed=5, **TEXTURE, **given)


def marks_of(world, attributes, prompts, shifts):
    """Groups of rows in which a mean residual must be 0: attributes, some pairs, prompts, wordings."""
    pairs = [attributes[:, i] * attributes[:, j] for i, j in ((0, 1), (1, 3), (2, 4))]
    return [*attributes.T, *pairs, prompts == prompts[0], shifts > 0, shifts > np.abs(shifts).mean()]


def worst_z(rest, marks):
    """The largest z-score of a mean over groups of rows and over the rest of the rows."""
    parts = [rest[np.asarray(mark) == value] for mark in marks for value in (0, 1)]
    return max(abs(p.mean()) / p.std() * np.sqrt(len(p)) for p in parts if len(p) > 50 and p.std() > 0)


def prompts_of(world, prompt_ids):
    return np.asarray(world.domain.prompts, dtype=object)[prompt_ids]


def test_rewards_match_the_mean_outcome_of_each_text(world):
    rows, truth = world.draw_rows(0, N, "twin"), world.truth
    context = None if world.context is None else {world.context: rows.contexts}
    texts = rows.texts[0].to_numpy(zero_copy_only=False)
    noise = np.euler_gamma if world.feedback.slots > 1 else 0.0
    if world.feedback.misreports:  # what is felt, not what is written down
        drawn = world.streams.draw_rows("noise", 0, N, lambda rng, n: rng.random(n))
        outcomes = world.feedback.draw(rows.index[0], drawn)
    else:
        outcomes = rows.outcomes[0]
    rest = outcomes - noise - truth.reward(prompts_of(world, rows.prompt_ids), texts, context)
    shifts = world.wording.shift(rows.phrases[0])
    assert worst_z(rest, marks_of(world, rows.attributes[0], rows.prompt_ids, shifts)) < 4.5
    if world.usage is None and world.context is None and np.allclose(world.marginals, world.marginals[0]):
        estimates, errors = randomised_contrasts(rows.attributes[0], outcomes)
        assert np.abs((estimates - truth.effects) / errors).max() < 4.5
        spread = outcomes.std() / np.sqrt(N)
        assert abs(outcomes.mean() - noise - truth.value_reference) < 4.5 * spread


def test_naive_limits_match_the_log_text_by_text(world):
    rows, truth = world.draw_rows(0, N), world.truth
    if world.feedback.slots > 1:
        assert worst_pair_z(world, rows) < 4.5
        return
    values, seen = taken_at_face_value(world, rows)
    texts = rows.texts[0].to_numpy(zero_copy_only=False)
    rest = (values - truth.naive_reward(prompts_of(world, rows.prompt_ids), texts))[seen]
    shifts = world.wording.shift(rows.phrases[0])[seen]
    assert (
        worst_z(
            rest,
            marks_of(world, rows.attributes[0][seen], world.domain.topic_ids[rows.prompt_ids[seen]], shifts),
        )
        < 4.5
    )


def worst_pair_z(world, rows):
    """The score equations of Bradley-Terry regression, for attributes, their products and wording."""
    worst = 0.0
    prompts = prompts_of(world, rows.prompt_ids)
    worth = np.stack(
        [world.truth.naive_reward(prompts, t.to_numpy(zero_copy_only=False)) for t in rows.texts[:2]]
    )
    shifts = world.wording.shift(rows.phrases[:2])
    pairs = np.stack(np.triu_indices(rows.attributes.shape[2]))
    products = (rows.attributes[:2, :, pairs[0]] * rows.attributes[:2, :, pairs[1]]).astype(float)
    missed = (rows.outcomes[0] > rows.outcomes[1]) - expit(worth[0] - worth[1])
    moved = missed[:, None] * np.column_stack(
        [products[0] - products[1], shifts[0] - shifts[1], 1.0 * (shifts[0] > 0) - (shifts[1] > 0)]
    )
    for c in range(world.law.weights.shape[1]):
        here = moved[world.prompt_law.classes[rows.prompt_ids] == c]
        spread = here.std(axis=0)
        held = spread > 0
        worst = max(worst, np.abs(here.mean(axis=0)[held] / spread[held]).max() * np.sqrt(len(here)))
    return worst


@pytest.mark.parametrize("family", ["observed", "interaction", "objective"])
def test_interactions_and_wording_have_their_shares(family):
    """Of the variance among texts of one prompt, by enumeration of attributes and of phrases."""
    plain, world = make_world(family), make_world(family, surface=0.2, wording=0.5)
    law, contexts = product_law(world.marginals), world.truth.context_weights
    alone = variance_within(plain.mechanism.base, law, contexts)
    interacting = world.mechanism.base - plain.mechanism.base
    assert variance_within(interacting, law, contexts) == pytest.approx(alone * 0.2 / 0.3)
    worded = (world.wording.by_prompt(np.var, len(world.roles.names)) * law).sum(axis=1).mean()
    assert worded == pytest.approx(alone * 0.5 / 0.3)


@pytest.mark.parametrize("family", ["observed", "entangled", "correlated", "overlap"])
def test_effects_and_strength_stay_what_they_are_without_texture(family):
    plain, world = make_world(family), make_world(family, **TEXTURE)
    assert world.truth.effects == pytest.approx(plain.truth.effects, abs=1e-12)
    assert world.truth.naive_effects == pytest.approx(plain.truth.naive_effects, abs=1e-9)
    assert world.truth.value_reference == pytest.approx(plain.truth.value_reference, abs=1e-12)
    assert world.truth.value_optimal > plain.truth.value_optimal


def test_without_texture_nothing_is_drawn_otherwise():
    plain, same = make_world("observed"), make_world("observed", texture="plain", surface=0.0)
    assert plain.draw(500).log.table.equals(same.draw(500).log.table)
    assert plain.wording is None


@pytest.mark.parametrize(
    ("family", "given"),
    [
        ("observed", {"strength": 1.7}),
        ("observed", {"feedback": "binary", "strength": 0.8}),
        ("observed", {"feedback": "rating"}),
        ("observed", {"phrases": 0.5, "strength": 1.3}),
        ("nonlinear", {"strength": 0.5}),
        ("overlap", {"correlation": 1.0}),
    ],
)
def test_strength_means_what_it_says(family, given):
    world = make_world(family, **TEXTURE, **given)
    decoys = world.roles.effects == 0
    unit = world.roles.largest_effect if world.feedback.linear else world.truth.effects.max()
    worst = world.truth.naive_effects[decoys & world.biasable].max()
    assert worst == pytest.approx(world.parameters["strength"] * unit, rel=1e-6)


@pytest.mark.parametrize("feedback", ["binary", "count", "rating"])
def test_averages_over_wording_match_enumeration(feedback):
    """The reward of an attribute vector is the mean reward of its texts: 4,000 wordings of each."""
    world = make_world("observed", feedback=feedback, strength=0.4, **TEXTURE)
    truth, rng = world.truth, np.random.default_rng(0)
    codes = np.array([0, 37, 311, 511])
    for code in codes:
        vectors = np.tile((code >> np.arange(9)) & 1, (4000, 1)).astype(np.int8)
        prompt_ids = np.full(4000, 2)
        texts = world.domain.write(vectors, prompt_ids, world.domain.draw_choices(4000, rng))
        for value, table in ((truth.reward, truth.rewards), (truth.naive_reward, truth.naive_rewards)):
            each = value(prompts_of(world, prompt_ids), texts)
            assert abs(each.mean() - table[0, 2, code]) < 4.5 * each.std() / np.sqrt(4000)


def test_texts_off_the_grammar_are_worth_the_worst_wording_of_the_worst_text():
    world = make_world("observed", feedback="binary", strength=0.5, **TEXTURE)
    truth = world.truth
    rows = world.draw_rows(0, 4000, "twin")
    worth = truth.reward(prompts_of(world, rows.prompt_ids), rows.texts[0])
    nonsense = truth.reward(prompts_of(world, np.arange(6)), ["nonsense"] * 6)
    for prompt in range(6):
        assert nonsense[prompt] < worth[rows.prompt_ids == prompt].min()
    best = truth.worded_rewards.ends[1].max(axis=-1)[0]
    assert (best[rows.prompt_ids] >= worth).all()
    assert truth.value_optimal == pytest.approx(best.mean())


@pytest.mark.parametrize("family", ["letters", "impossible"])
def test_families_without_texture_say_so(family):
    with pytest.raises(UsageError, match="no texture"):
        make_world(family, surface=0.1)


def test_shares_must_leave_something_to_the_attributes():
    with pytest.raises(UsageError, match="surface"):
        make_world("observed", surface=0.6, wording=0.4)


def test_the_preset_gives_way_to_what_is_set():
    world = make_world("observed", texture="lifelike", surface=0.1)
    assert world.parameters["surface"] == 0.1
    assert world.parameters["wording"] == 0.3
    assert len(world.domain.prompts) == 200


@pytest.mark.parametrize("feedback", ["scalar", "binary", "count", "rating"])
@pytest.mark.parametrize("seed", range(8))
def test_defaults_make_a_world_or_say_what_strength_does(feedback, seed):
    """Counts multiply effects by exp(confounding), so relative bias has a ceiling that some worlds miss."""
    try:
        world = make_world("observed", seed=seed, feedback=feedback)
    except UsageError as error:
        assert feedback == "count"
        most = float(str(error).split("at most ")[1].split()[0])
        assert 0.5 < most < 1
        world = make_world("observed", seed=seed, feedback=feedback, strength=0.95 * most)
    assert np.isfinite(world.truth.naive_effects).all()
    assert np.isfinite(world.draw(200).log.outcomes).all()


def test_signal_below_what_words_cannot_say_is_refused():
    with pytest.raises(UsageError, match="cannot be reached"):
        make_world("observed", surface=0.4, signal=0.05)


def test_noise_grows_with_the_rows_that_would_average_it_out():
    streams = Streams("tests", "observed", 0)
    few, many = (simulators.build("observed", {"signal": 0.1}, streams, n) for n in (2000, 8000))
    # at little noise regret depends on noise / sqrt(n) alone
    assert many.parameters["noise"] / few.parameters["noise"] == pytest.approx(2, rel=0.1)


def test_the_log_of_an_outcome_row_says_what_its_text_is_worth():
    world = make_world("observed", texture="lifelike")
    draw = world.draw(300)
    told = world.truth.reward(draw.log.prompts, draw.log.texts)
    assert draw.truth["reward"].to_numpy() == pytest.approx(told, abs=1e-9)


def test_the_oracle_answers_by_wording():
    world = make_world("observed", **TEXTURE)
    quiet = replace(world, feedback=simulators.law.feedback.scalar(1e-6))
    rows = quiet.draw_rows(0, 2000, "twin")
    texts = rows.texts[0].to_numpy(zero_copy_only=False)
    prompts = prompts_of(quiet, rows.prompt_ids)
    rest = quiet.oracle()(prompts, texts, {}) - quiet.truth.reward(prompts, texts)
    shifts = quiet.wording.shift(rows.phrases[0])
    assert worst_z(rest, marks_of(quiet, rows.attributes[0], rows.prompt_ids, shifts)) < 4.5
    assert encode(rows.attributes[0]).max() < 512


@pytest.mark.parametrize("family", ["observed", "interaction", "selection"])
def test_the_card_says_where_an_additive_regression_ends_up(family):
    """Ordinary least squares of the outcome on attributes and prompts, from the rows of a log."""
    world = make_world(family, seed=2)
    card, rows = world.card(), world.draw_rows(0, 60_000)
    values, seen = taken_at_face_value(world, rows)
    design = np.column_stack([rows.attributes[0], rows.prompt_ids[:, None] == np.arange(6)])[seen].astype(
        float
    )
    gram = np.linalg.inv(design.T @ design)
    found = gram @ (design.T @ values[seen])
    rest = values[seen] - design @ found
    errors = np.sqrt(np.diag(gram @ ((design * rest[:, None] ** 2).T @ design) @ gram))
    limit = np.array(list(card["additive_limit"].values()))
    assert np.abs((found[:9] - limit) / errors[:9]).max() < 4.5
    assert card["strength"] == pytest.approx(1)
    assert card["additive_strength"] == pytest.approx(
        limit[world.biasable & (world.roles.effects == 0)].max() / world.truth.effects.max()
    )
