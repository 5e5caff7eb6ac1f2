"""brief: the words of a prompt confound, and nothing else is recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from worlds import make_world, randomised_contrasts

from simulators.identification import find_strategies
from simulators.law.codes import encode
from simulators.standard import change_rule

N = 100_000
SETTINGS = [("headlines", 1.7, 0.2), ("replies", 0.4, 0.5)]


def test_every_row_has_a_brief_of_its_own_and_nothing_else_is_recorded():
    log = make_world("brief").draw(4000).log
    assert len(np.unique(log.prompts.astype(str))) > 3990
    assert log.table.column_names == ["prompt", "text", "outcome"]


def test_a_prompt_says_what_the_row_responds_to():
    world = make_world("brief")
    rows, prompts = world.draw_rows(0, 2000), world.draw(2000).log.prompts
    read = world.domain.prompt_writer.briefs.read(prompts)
    people = np.stack([rows.people[name] for name in world.prompt_law.told], axis=1)
    assert np.array_equal(read.attributes, people)
    assert np.array_equal(world.domain.prompt_writer.read(prompts), rows.prompt_ids)


def test_the_prompt_is_the_back_door_set():
    (found,) = find_strategies(make_world("brief").graph())
    assert (found.name, found.columns) == ("back-door", ("prompt",))


@pytest.mark.parametrize(("domain", "strength", "overlap"), SETTINGS)
def test_truth_and_naive_limit_match_brute_force(domain, strength, overlap):
    world = make_world("brief", seed=6, domain=domain, strength=strength, overlap=overlap)
    truth, decoys = world.truth, world.roles.effects == 0
    assert truth.naive_effects[decoys].max() == pytest.approx(strength * world.roles.largest_effect, rel=0.02)
    assert world.law.effective_share == pytest.approx(overlap, rel=0.02)
    twin = world.draw_rows(0, 2 * N, "twin")
    estimates, errors = randomised_contrasts(twin.attributes[0], twin.outcomes[0])
    assert np.abs((estimates - truth.effects) / errors).max() < 4
    log = world.draw_rows(0, 2 * N)
    for rows, table in ((twin, truth.rewards), (log, truth.naive_rewards)):
        rest = rows.outcomes[0] - table[0, rows.prompt_ids, encode(rows.attributes[0])]
        for column in rows.attributes[0].T:
            for value in (0, 1):
                chosen = rest[column == value]
                assert abs(chosen.mean()) < 4 * chosen.std() / np.sqrt(len(chosen))


def test_rewards_hold_what_a_brief_itself_is_worth():
    """Within any feature's rows of the log, outcomes less rewards average 0: rewards know the brief."""
    world = make_world("brief", seed=6)
    rows = world.draw_rows(0, N)
    rest = rows.outcomes[0] - world.truth.rewards[0, rows.prompt_ids, encode(rows.attributes[0])]
    for column in (*world.outcome.features(rows.people).T, *rows.attributes[0].T):
        for side in (column > 0, column <= 0):
            assert abs(rest[side].mean()) < 4.5 * rest[side].std() / np.sqrt(side.sum())


def test_the_naive_limit_of_one_feature_is_bayes_rule_and_its_reward_is_its_own():
    """One feature z = +-1 with P(a_0 = 1 | z) = s(gamma z) and g = z: L_0 - tau_0 = 2 delta tanh(gamma / 2).

    Pooled over briefs, P(a_0 = 1) = 1/2; a brief with z = 1 is worth 2 delta more than one with z = -1.
    """
    world = make_world("brief")
    weights = np.zeros_like(world.rule.weights)
    weights[0, 0] = 1.0
    world = change_rule(world, weights=weights, intercepts=np.zeros(len(weights)), gamma=1.3)
    only = np.zeros(len(world.outcome.coefficients))
    only[0] = 1.0
    world = replace(world, outcome=replace(world.outcome, coefficients=only, delta=0.7))
    truth = world.truth
    bias = truth.naive_effects - truth.effects
    assert bias[0] == pytest.approx(2 * 0.7 * np.tanh(1.3 / 2), abs=1e-9)
    assert bias[0] == pytest.approx(2 * 0.7 * (2 * expit(1.3) - 1), abs=1e-9)
    assert np.abs(bias[1:]).max() < 1e-9
    assert truth.rewards[0, 1] - truth.rewards[0, 0] == pytest.approx(1.4, abs=1e-9)
    assert truth.naive_rewards[0, 1] == pytest.approx(truth.naive_rewards[0, 0], abs=1e-9)


def test_people_who_are_asked_are_those_of_the_brief():
    world = make_world("brief", seed=6)
    queries, ask = world.queries(), world.oracle()
    prompt, text = queries.prompts[0], queries.texts[0]
    asked = ask(np.array([prompt] * 4000, dtype=object), np.array([text] * 4000, dtype=object), {})
    worth = world.truth.reward([prompt], [text])[0]
    assert abs(asked.mean() - worth) < 4 * asked.std() / np.sqrt(4000)
    assert asked.std() == pytest.approx(1.0, rel=0.05)


def test_lifelike_briefs_stay_unique():
    world = make_world("brief", texture="lifelike")
    assert world.parameters["prompts"] == "unique"
    assert world.domain.name == "headlines-features"
