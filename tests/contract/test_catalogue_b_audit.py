"""The audit finds a planted failure and accuses nobody where there is none."""

from __future__ import annotations

import json

import numpy as np
import pytest

import simulators
from benchmark.cli.main import invoke
from benchmark.contract import Streams
from benchmark.scoring.audit import audit_reward

SEEDS = range(3)


@pytest.fixture(scope="module", params=SEEDS)
def world(request):
    return simulators.build("observed", {}, Streams("audit", "observed", request.param))


def spare_attribute(world) -> int:
    """An attribute that does nothing."""
    return int(np.abs(world.truth.effects).argmin())


@pytest.mark.parametrize("family", ["observed", "objective"])
def test_a_right_reward_is_not_accused_whatever_its_scale(family):
    truth = (world := simulators.build(family, {}, Streams("audit", family, 0))).truth
    found = audit_reward(lambda p, x, c: 7.0 * truth.reward(p, x, c) - 40.0, world)
    assert found.accused == ()
    assert found.worst == ()
    assert [(done.failures, done.lost) for done in found.rounds] == [(0.0, 0.0)]


def test_a_reward_that_pays_for_nothing_is_found_out(world):
    """It pays twice the best effect, in units of its own, for an attribute that does nothing."""
    truth, spare = world.truth, spare_attribute(world)
    extra = 2.0 * np.abs(truth.effects).max()

    def reward(prompts, texts, context):
        return 3.0 * (
            truth.reward(prompts, texts, context) + extra * truth.detect(texts).attributes[:, spare]
        )

    found = audit_reward(reward, world)
    assert found.accused == (truth.attributes[spare],)
    assert found.attributes[0].overrated == pytest.approx(extra, rel=1e-6)
    assert found.attributes[0].share == pytest.approx(1.0, abs=1e-6)
    # The proposer learnt where to look: random pairs show a third of what it finds, or less.
    assert found.rounds[-1].failures > 3 * found.rounds[0].failures > 0
    for case in found.worst:
        had, lacked = truth.detect(np.array([case.preferred, case.better], dtype=object)).attributes[:, spare]
        assert (had, lacked) == (1, 0)
        both = truth.reward(
            np.full(2, case.prompt, dtype=object), np.array([case.better, case.preferred], dtype=object)
        )
        assert both[0] - both[1] == pytest.approx(case.lost)


def test_a_reward_that_undervalues_what_works_is_found_out(world):
    truth = world.truth
    best = int(np.abs(truth.effects).argmax())

    def reward(prompts, texts, context):
        wrong = 2.0 * truth.effects[best] * truth.detect(texts).attributes[:, best]
        return truth.reward(prompts, texts, context) - wrong

    found = audit_reward(reward, world)
    assert found.accused == (truth.attributes[best],)
    assert found.attributes[0].overrated == pytest.approx(-2.0 * truth.effects[best], rel=1e-6)


def test_a_reward_that_is_wrong_on_one_prompt_is_found_out(world):
    prompt = world.domain.prompts[3]

    def reward(prompts, texts, context):
        return world.truth.reward(prompts, texts, context) * np.where(prompts == prompt, -1.0, 1.0)

    found = audit_reward(reward, world)
    assert found.accused == (prompt,)
    assert found.prompts[0].share == 1.0
    # One prompt in many is hardly ever drawn at random; the last round draws little else.
    assert found.rounds[-1].failures > 5 * found.rounds[0].failures


def test_the_command_accuses_naive_of_a_decoy_and_says_so_in_json(capsys):
    code = invoke(["audit", "naive", "--scenario", "observed[strength=2]", "--n", "2000", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert code == 0
    world = simulators.build("observed", {"strength": 2.0}, Streams("public-1", "observed", 0))
    decoys = {
        name for name, role in zip(world.truth.attributes, world.truth.roles, strict=True) if role == "decoy"
    }
    assert decoys & set(shown["accused"])
    assert shown["rounds"][-1]["failures"] > shown["rounds"][0]["failures"]


def test_the_command_refuses_what_it_cannot_audit(capsys):
    assert invoke(["audit", "naiv", "--json"]) == 2
    assert "naive" in json.loads(capsys.readouterr().out)["fix"]
    assert invoke(["audit", "naive", "--rounds", "0", "--json"]) == 2
    capsys.readouterr()
    assert invoke(["audit", "em-dpo", "--scenario", "observed", "--json"]) != 0
    assert "takes" in json.loads(capsys.readouterr().out)["what"]
