"""Cases small enough to derive by hand with Bayes' rule, compared to 1e-9."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from worlds import make_world

from simulators.families.marker import SCORES
from simulators.law.assignment import Assignment, TextLaw, solve_overlap
from simulators.law.feedback import binary
from simulators.law.outcome import Outcome, additive_base
from simulators.law.population import Factor, Population, standardised
from simulators.law.selection import Selection
from simulators.standard import randomise
from simulators.strength import solve_strength

COIN = Factor("coin", "bernoulli", (0.5,))
OTHER = Factor("other", "bernoulli", (0.5,))
GAMMA, DELTA, TIGHT = 1.3, 0.7, 1e-9


def make_coin_world(effects, factors=(COIN,), text_factors=(COIN,), pull=(1.0,)):
    """One coin moves attribute 0 and the outcome; the other attributes are fair and inert."""
    world = make_world("observed")
    n_attributes = len(world.domain.attributes)
    weights = np.zeros((n_attributes, len(text_factors)))
    weights[0] = pull
    effects = np.asarray(effects + [0.0] * (n_attributes - len(effects)))
    roles = replace(world.roles, effects=effects, largest_effect=max(effects.max(), 0.5))
    base = additive_base(effects, np.zeros(len(world.domain.prompts)))
    return replace(
        world,
        roles=roles,
        population=Population(factors),
        rule=Assignment(np.zeros(n_attributes), weights, standardised(*text_factors), GAMMA),
        outcome=Outcome(base, standardised(COIN), np.ones(1), delta=DELTA),
    )


def test_observed_naive_limit_is_bayes_rule():
    """c = +-1 fair, P(a=1|c) = s(gamma c), Y = tau a + delta c + noise.

    P(a=1) = 1/2, so P(c=1|a=1) = s(gamma) and E[c|a=1] = 2 s(gamma) - 1 = tanh(gamma/2);
    by symmetry E[c|a=0] = -tanh(gamma/2). Hence L = tau + 2 delta tanh(gamma/2).
    """
    truth = make_coin_world([0.4]).truth
    assert truth.effects[0] == pytest.approx(0.4, abs=TIGHT)
    assert truth.naive_effects[0] == pytest.approx(0.4 + 2 * DELTA * np.tanh(GAMMA / 2), abs=TIGHT)
    assert np.abs(truth.naive_effects[1:]).max() < TIGHT


def test_effective_share_and_its_inverse():
    """w = (1/2) / P(a|c), E[w^2] = (1/4) / (s (1 - s)) with s = s(gamma): ESS/n = 4 s (1 - s)."""
    world = make_coin_world([0.4])
    s = expit(GAMMA)
    assert world.law.effective_share == pytest.approx(4 * s * (1 - s), abs=TIGHT)
    solved = solve_overlap(world.rule, world.population, world.prompt_law, 4 * s * (1 - s))
    assert solved.gamma == pytest.approx(GAMMA, abs=1e-8)
    assert world.law.minimum_propensity == pytest.approx(1 - s, abs=TIGHT)


def test_null_naive_limit_is_all_bias():
    """With tau = 0 the naive limit is 2 delta tanh(gamma/2), and every text is worth the same."""
    truth = make_coin_world([0.0]).truth
    assert truth.naive_effects[0] == pytest.approx(2 * DELTA * np.tanh(GAMMA / 2), abs=TIGHT)
    assert np.abs(truth.effects).max() < TIGHT
    assert truth.value_optimal == pytest.approx(truth.value_reference, abs=TIGHT)


def test_strength_inverts_the_naive_limit():
    """strength s solves 2 delta tanh(gamma/2) = s unit for a decoy; here the unit is 0.6."""
    world = make_coin_world([0.0, 0.6])
    solved = solve_strength(world, 1.5)
    assert solved.outcome.delta == pytest.approx(1.5 * 0.6 / (2 * np.tanh(GAMMA / 2)), abs=TIGHT)


def test_randomised_naive_limit_is_the_effect():
    """Texts independent of c: E[c|a] = 0, so L = tau whatever delta."""
    truth = randomise(make_coin_world([0.4])).truth
    assert truth.naive_effects == pytest.approx(truth.effects, abs=TIGHT)
    assert truth.effects[0] == pytest.approx(0.4, abs=TIGHT)


def test_hidden_naive_limit_is_bayes_rule():
    """u, z = +-1 fair and independent, P(a=1|z,u) = s(gamma (z + u)), Y = delta u + noise.

    P(a=1|u=1) = [s(2 gamma) + 1/2] / 2 and P(a=1|u=-1) = [1/2 + s(-2 gamma)] / 2, so P(a=1) = 1/2 and
    E[u|a=1] = P(a=1|u=1) - P(a=1|u=-1) = [2 s(2 gamma) - 1] / 2 = tanh(gamma) / 2; L = delta tanh(gamma).
    """
    world = make_coin_world([0.0], (COIN, OTHER), (COIN, OTHER), (1.0, 1.0))
    assert world.truth.naive_effects[0] == pytest.approx(DELTA * np.tanh(GAMMA), abs=TIGHT)


def test_deterministic_marker_is_the_monday_contrast():
    """Greeting exactly on Mondays: L = delta (score_Mon - mean of the other days).

    Scores sum to 0, so the other days average -score_Mon / 6 and L = delta score_Mon 7/6.
    Strength 1 makes L the largest effect. Weights do not exist: ESS is 0.
    """
    world = make_world("marker", rule="deterministic", domain="headlines")
    expected = world.roles.largest_effect / (SCORES[0] * 7 / 6)
    assert world.outcome.delta == pytest.approx(expected, abs=TIGHT)
    assert world.law.effective_share == 0


def test_stochastic_marker_is_bayes_rule():
    """P(a=1|Monday) = p, P(a=1|other day) = q. E[score|a] = score_Mon (P(Mon|a) - P(other|a) / 6)."""
    world = make_world("marker", domain="headlines", strength=1)
    k = int(np.flatnonzero(world.rule.responds)[0])
    p, q = world.law.probabilities[[0, 1], k]
    monday_on, monday_off = p / (p + 6 * q), (1 - p) / ((1 - p) + 6 * (1 - q))
    contrast = SCORES[0] * (monday_on - monday_off) * 7 / 6
    limit = world.truth.naive_effects[k]
    assert limit == pytest.approx(world.outcome.delta * contrast, abs=TIGHT)
    assert limit == pytest.approx(world.roles.largest_effect, abs=TIGHT)


def test_click_truth_averages_the_link():
    """Binary outcome, c = +-1 fair: r*(do a) = [s(f + delta) + s(f - delta)] / 2, never s(f)."""
    from simulators.law.feedback import KINDS

    world = replace(make_coin_world([0.4, -0.8]), feedback=KINDS["binary"]())
    base = world.outcome.base[0, 0]
    expected = (expit(base + DELTA) + expit(base - DELTA)) / 2
    assert world.truth.rewards[0, 0] == pytest.approx(expected, abs=TIGHT)
    # naive: c given a = 1 is +1 with probability s(gamma)
    on = np.arange(len(base)) % 2 == 1
    up = np.where(on, expit(GAMMA), 1 - expit(GAMMA))
    naive = up * expit(base + DELTA) + (1 - up) * expit(base - DELTA)
    assert world.truth.naive_rewards[0, 0] == pytest.approx(naive, abs=TIGHT)


def test_codes_the_rule_never_shows_are_extrapolated_additively():
    """Two attributes that always move together: the log cannot split them, least squares halves the sum."""
    world = make_coin_world([0.6, 0.2], pull=(1.0,))
    weights = world.rule.weights.copy()
    weights[1] = weights[0]
    rule = Assignment(world.rule.intercepts, weights, world.rule.features, np.inf)
    world = replace(world, rule=rule, outcome=world.outcome.scaled(0.0))
    assert TextLaw.of(rule, world.population, world.prompt_law).effective_share == 0
    assert world.truth.naive_effects[:2] == pytest.approx([0.4, 0.4], abs=1e-7)


def test_selection_bias_is_bayes_rule():
    """c = +-1 fair, texts at random, P(recorded|a,c) = s(b + c q (a - 1/2)).

    Given a = 1, c = +1 is recorded with s(b + q/2) and c = -1 with s(b - q/2), so
    E[c|a=1] = (s(b + q/2) - s(b - q/2)) / (s(b + q/2) + s(b - q/2)), and a = 0 mirrors it:
    L = tau + 2 delta E[c|a=1].
    """
    world = randomise(make_coin_world([0.4]))
    b, q = 0.3, 1.7
    by_attribute = np.zeros(len(world.roles.names))
    by_attribute[0] = q
    rule = Selection(b, standardised(COIN), np.ones(1), by_attribute, "answer")
    up, down = expit(b + q / 2), expit(b - q / 2)
    truth = replace(world, selection=rule).truth
    assert truth.effects[0] == pytest.approx(0.4, abs=TIGHT)
    assert truth.naive_effects[0] == pytest.approx(0.4 + 2 * DELTA * (up - down) / (up + down), abs=TIGHT)


def make_textured_coin_world():
    """Effects .4 and .3; one interaction, of attributes 0 and 1; one phrase of attribute 2 that stands out.

    Every attribute is on in half of the texts. The effects have variance (.16 + .09) / 4 = 1/16 within
    prompts. With surface and wording a quarter each, both have variance (1/16) (1/4) / (1/2) = 1/32.
    """
    world = make_coin_world([0.4, 0.3])
    drawn = make_world("observed", surface=0.25, wording=0.25).texture
    pairs = np.zeros_like(drawn.interactions.pairs)
    pairs[0, 1] = 1.0
    slot = int(np.flatnonzero(drawn.paraphrases.phrases.deciders == 2)[0])
    on = drawn.paraphrases.phrases.of_slot(slot)[1]
    effects = np.zeros_like(drawn.paraphrases.effects)
    effects[slot, on] = -1 / (len(on) - 1)
    effects[slot, on[0]] = 1.0
    texture = replace(
        drawn,
        interactions=replace(
            drawn.interactions, pairs=pairs, by_topic=np.zeros_like(drawn.interactions.by_topic)
        ),
        paraphrases=replace(drawn.paraphrases, effects=effects),
    )
    return replace(world, texture=texture), len(on), world.domain.slots[slot].on[0]


def textured_coin_texts(world, phrase):
    """Texts of the first prompt with attributes 0 and 2 alone, and whether they say the phrase."""
    vectors = np.tile(np.eye(9, dtype=np.int8)[0] + np.eye(9, dtype=np.int8)[2], (400, 1))
    prompt_ids = np.zeros(400, dtype=int)
    choices = world.domain.draw_choices(400, np.random.default_rng(0))
    texts = world.domain.write(vectors, prompt_ids, choices).to_pylist()
    return [world.domain.prompts[0]] * 400, texts, np.array([phrase in text for text in texts])


def test_textured_rewards_are_arithmetic():
    """(a0 - 1/2)(a1 - 1/2) is +-1/4, so the interaction is +-sqrt(1/32): + where the two agree.

    Of the m phrases that say attribute 2 one is worth k and the others -k / (m - 1). Their variance is
    k^2 / (m - 1), in half of the texts: k^2 / (2 (m - 1)) = 1/32, so k^2 = (m - 1) / 16.
    Bayes' rule as without texture: E[c | a0] = +-tanh(gamma / 2), whatever the phrase.
    """
    world, m, phrase = make_textured_coin_world()
    truth, s, k = world.truth, np.sqrt(1 / 32), np.sqrt((m - 1) / 16)
    assert truth.effects[:3] == pytest.approx([0.4, 0.3, 0.0], abs=TIGHT)
    assert truth.naive_effects[0] == pytest.approx(0.4 + 2 * DELTA * np.tanh(GAMMA / 2), abs=TIGHT)
    assert truth.rewards[0, 0, :4] == pytest.approx([s, 0.4 - s, 0.3 - s, 0.7 + s], abs=TIGHT)
    assert truth.value_reference == pytest.approx(0.35, abs=TIGHT)
    assert truth.value_optimal == pytest.approx(0.7 + s + k, abs=TIGHT)
    prompts, texts, stands_out = textured_coin_texts(world, phrase)
    assert 0 < stands_out.mean() < 1
    worth = 0.4 - s + np.where(stands_out, k, -k / (m - 1))
    assert truth.reward(prompts, texts) == pytest.approx(worth, abs=TIGHT)
    looks = worth + DELTA * np.tanh(GAMMA / 2)
    assert truth.naive_reward(prompts, texts) == pytest.approx(looks, abs=TIGHT)


def test_textured_clicks_average_the_logistic():
    """The reward is the mean of sigma(index + delta c) over the coin, its table that over the m phrases."""
    world, m, phrase = make_textured_coin_world()
    world = replace(world, feedback=binary())
    s, k = np.sqrt(1 / 32), np.sqrt((m - 1) / 16)
    given_on = expit(GAMMA)

    def clicks(shift, up):
        return up * expit(0.4 - s + shift + DELTA) + (1 - up) * expit(0.4 - s + shift - DELTA)

    prompts, texts, stands_out = textured_coin_texts(world, phrase)
    shifts = np.where(stands_out, k, -k / (m - 1))
    assert world.truth.reward(prompts, texts) == pytest.approx(clicks(shifts, 0.5), abs=TIGHT)
    assert world.truth.naive_reward(prompts, texts) == pytest.approx(clicks(shifts, given_on), abs=TIGHT)
    average = (clicks(k, 0.5) + (m - 1) * clicks(-k / (m - 1), 0.5)) / m
    assert world.truth.rewards[0, 0, 0b101] == pytest.approx(average, abs=TIGHT)
