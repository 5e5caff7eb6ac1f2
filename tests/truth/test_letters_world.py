"""The letters world against brute force: passages toggled one at a time, and policies valued by weights."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import make_world

from simulators.families.letters import slider
from simulators.law.codes import all_attributes, encode, mean_contrasts, product_law, toggled_contrasts
from simulators.law.population import Features
from simulators.law.tabulated import TabulatedRule
from simulators.text.letters import ATTRIBUTE_WEIGHTS, LetterLaw

N = 400_000


@pytest.fixture(scope="module", params=["drawn", "published"])
def world(request):
    return make_world("letters", seed=3, effects=request.param)


def toggled_by_hand(rows):
    """Weighted contrasts between letters of two passages and the same letters with one more, with errors."""
    shown, outcomes = rows.attributes[0].astype(int), rows.outcomes[0]
    sizes = shown.sum(axis=1)
    estimates, errors = [], []
    for k in range(shown.shape[1]):
        fits = np.where(shown[:, k] == 1, sizes == 3, sizes == 2)
        others = np.delete(shown[fits], k, axis=1) @ (1 << np.arange(6)) + 64 * rows.prompt_ids[fits]
        cell = 2 * others + shown[fits, k]
        count = np.bincount(cell, minlength=2 * 64 * 6).reshape(-1, 2)
        total = np.bincount(cell, outcomes[fits], minlength=2 * 64 * 6).reshape(-1, 2)
        square = np.bincount(cell, outcomes[fits] ** 2, minlength=2 * 64 * 6).reshape(-1, 2)
        held = (count > 1).all(axis=1)
        count, total, square = count[held], total[held], square[held]
        mean = total / count
        variance = (square - count * mean**2) / (count - 1) / count
        weight = count.sum(axis=1) / count.sum()
        estimates.append(weight @ (mean[:, 1] - mean[:, 0]))
        errors.append(np.sqrt(weight**2 @ variance.sum(axis=1)))
    return np.array(estimates), np.array(errors)


def test_effects_match_letters_toggled_at_random(world):
    rows = world.draw_rows(0, N, "twin")
    read = world.domain.detect(rows.texts[0])
    assert read.on_grammar.all()
    assert np.array_equal(read.attributes, rows.attributes[0])
    estimates, errors = toggled_by_hand(rows)
    assert np.abs((estimates - world.truth.effects) / errors).max() < 4
    outcomes = rows.outcomes[0]
    assert abs(outcomes.mean() - world.truth.value_reference) < 4 * outcomes.std() / np.sqrt(N)
    assert outcomes.min() >= 0
    assert outcomes.max() <= 100


def test_naive_limits_match_the_log_toggled_at_face_value(world):
    """The log shows letters by P_int, so the same contrast in it is the naive limit."""
    estimates, errors = toggled_by_hand(world.draw_rows(0, N))
    assert np.abs((estimates - world.truth.naive_effects) / errors).max() < 4.5


@pytest.mark.parametrize("strength", [0.5, 2.0])
def test_other_strengths_match_the_same_experiment(strength):
    """Effects, both values and naive limits; strength 1 is the default above."""
    world, n = make_world("letters", seed=3, strength=strength), N // 4
    truth, rows = world.truth, world.draw_rows(0, n, "twin")
    estimates, errors = toggled_by_hand(rows)
    assert np.abs((estimates - truth.effects) / errors).max() < 4
    best = truth.rewards.argmax(axis=2)[rows.contexts, rows.prompt_ids]
    index = world.outcome.index(rows.people, rows.contexts, rows.prompt_ids, best)
    chosen = world.feedback.draw(index, world.streams.draw_rows("noise", 0, n, lambda rng, m: rng.random(m)))
    for outcomes, value in ((rows.outcomes[0], truth.value_reference), (chosen, truth.value_optimal)):
        assert abs(outcomes.mean() - value) < 4 * outcomes.std() / np.sqrt(n)
    estimates, errors = toggled_by_hand(world.draw_rows(0, n))
    assert np.abs((estimates - truth.naive_effects) / errors).max() < 4.5
    decoys = world.roles.effects == 0
    assert truth.naive_effects[decoys].max() == pytest.approx(strength * truth.effects.max(), rel=0.02)


def test_policies_are_valued_by_the_logged_propensities(world):
    """CPO's V = E[P^f(X) / P^R(X) Y] is the enumerated value of f; without the reader's part it is not."""
    rows, truth = world.draw_rows(0, N), world.truth
    vectors, text_law = all_attributes(7), world.text_law
    policy = np.where(text_law > 0, text_law * np.exp(1.5 * vectors @ (truth.effects > 0)), 0.0)
    policy /= policy.sum(axis=1, keepdims=True)
    value = (policy * truth.rewards[0]).sum(axis=1).mean()
    naive = (policy * truth.naive_rewards[0]).sum(axis=1).mean()
    codes, prompts = encode(rows.attributes[0]), rows.prompt_ids
    wording = rows.log_target[0] - np.log(text_law[prompts, codes])
    target = np.log(policy[prompts, codes]) + wording
    for logged, expected in ((rows.log_propensity[0], value), (rows.log_target[0], naive)):
        # centring the outcome leaves the mean as it is, for the weights have mean 1
        terms = np.exp(target - logged) * (rows.outcomes[0] - 50)
        assert abs(terms.mean() + 50 - expected) < 4 * terms.std() / np.sqrt(N)
    assert abs(value - naive) > 0.2


def test_logged_probabilities_are_enumerable_and_sum_to_one(world):
    """P_int(letter | prompt) = P_int(set) / (20^passages x 3 salutations)."""
    log = world.draw(2000).log
    read = world.domain.detect(log.texts)
    sizes = read.attributes.sum(axis=1)
    expected = world.text_law[read.topics, encode(read.attributes)] / (20.0**sizes * 3)
    assert log.numbers("target_propensity") == pytest.approx(expected, rel=1e-9)
    assert world.text_law.sum(axis=1) == pytest.approx(1)
    assert (world.text_law > 0).sum(axis=1).tolist() == [56] * 6
    inverse = 1 / log.numbers("propensity")
    assert (inverse >= 3 * 20.0**sizes).all()


def test_effective_share_is_met_by_the_rows(world):
    rows = world.draw_rows(0, N)
    weights = np.exp(rows.log_target[0] - rows.log_propensity[0])
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(N))
    assert world.law.effective_share == pytest.approx(0.3, rel=1e-6)
    law = world.rows_law(rows.people, rows.prompt_ids, "log").probabilities(slice(0, 40_000))
    second = (world.law.interventional**2 / law).sum(axis=1)
    assert abs(second.mean() - 1 / 0.3) < 4 * second.std() / np.sqrt(len(second))


def test_a_tilted_reader_has_the_tilted_letter_law():
    """The rule at one person equals ``LetterLaw`` with that person's tilt, written independently."""
    law, tilt = LetterLaw(three=0.3), (0.7, -1.2, 0.0, 0.4, 2.0, 0.0, -0.3)
    one = Features(("c",), lambda people: np.asarray(people["c"])[:, None])
    rule = TabulatedRule(
        law.vectors, law.probabilities[None], law.vectors.sum(axis=1) - 2, np.array(tilt)[:, None], one, 0.5
    )
    rows = rule.rows_law({"c": np.array([2.0, 0.0])}, np.zeros(2, dtype=int))
    assert rows.probabilities()[0] == pytest.approx(LetterLaw(three=0.3, tilt=tilt).probabilities)
    assert rows.probabilities()[1] == pytest.approx(law.probabilities)
    impossible = np.array([[1, 0, 0, 0, 0, 0, 0]] * 2)
    assert (rows.log_probability(impossible) == -np.inf).all()


def test_toggling_is_the_usual_contrast_where_attributes_are_independent():
    rng = np.random.default_rng(0)
    table, chances = rng.normal(size=(2, 3, 16)), rng.uniform(0.2, 0.8, (3, 4))
    usual = mean_contrasts(table, chances).mean(axis=1)
    assert toggled_contrasts(table, product_law(chances)) == pytest.approx(usual)


def test_published_effects_are_in_the_ratios_of_the_weights():
    """Away from the ends of the scale the slider is linear, ten points an index unit; the greatest is 1."""
    truth = make_world("letters", effects="published", strength=0).truth
    weights = np.array(list(ATTRIBUTE_WEIGHTS.values()))
    assert truth.effects == pytest.approx(10 * weights / weights.max(), rel=0.001)
    for strength in (0.5, 2.0):
        truth = make_world("letters", effects="published", strength=strength).truth
        bias = (truth.naive_effects - truth.effects).max()
        assert bias == pytest.approx(strength * truth.effects.max(), rel=1e-6)


def test_readers_answer_twice_in_one_wave():
    log = make_world("letters").draw(4000).log
    unit, wave, time = log.numbers("unit"), log.numbers("covariate.wave"), log.numbers("time")
    assert np.array_equal(np.unique(unit, return_counts=True)[1], np.full(2000, 2))
    assert np.array_equal(wave[::2], wave[1::2])
    assert np.array_equal(wave == 1, time >= 300)
    assert 0.4 < wave.mean() < 0.6


@pytest.mark.parametrize("index", [-6.0, -0.3, 0.0, 4.5])
def test_the_slider_cuts_off_at_both_ends(index):
    """Its mean against 400,000 draws, within 4 standard errors."""
    feedback = slider(1.5)
    drawn = feedback.draw(np.full(N, index), np.random.default_rng(1).random(N))
    assert abs(drawn.mean() - feedback.mean(np.array(index))) < 4 * drawn.std() / np.sqrt(N)


def test_truth_does_not_hang_on_the_quadrature():
    """Three times the nodes change no effect by a thousandth of the largest."""
    from dataclasses import replace

    world = make_world("letters", strength=2)
    factors = tuple(replace(f, nodes=3 * f.nodes if f.nodes > 1 else 1) for f in world.population.factors)
    finer = replace(world, population=replace(world.population, factors=factors))
    scale = np.abs(world.truth.effects).max()
    assert np.abs(finer.truth.effects - world.truth.effects).max() < 1e-3 * scale
    assert np.abs(finer.truth.naive_effects - world.truth.naive_effects).max() < 1e-3 * scale
