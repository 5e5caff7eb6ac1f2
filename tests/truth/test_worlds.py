"""Building worlds, reading texts, cards, and what happens on wrong input."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from worlds import make_world, written_domains

import simulators
from benchmark.contract import Streams, UsageError
from benchmark.tasks.prepare import check_scenario
from benchmark.tasks.scenario import Scenario
from simulators.catalogue import describe_scenarios

CARDS = simulators.list_families()


def test_unknown_family_suggests_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'observed'"):
        simulators.build("obseved", {}, Streams("s", "x", 0))


def test_unknown_parameter_suggests_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'strength'"):
        make_world("observed", strenght=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strength", -1),
        ("strength", "much"),
        ("strength", float("nan")),
        ("overlap", 0),
        ("overlap", 1.5),
        ("domain", "poems"),
        ("feedback", "smile"),
        ("strength", True),
    ],
)
def test_values_out_of_range_are_usage_errors(name, value):
    with pytest.raises(UsageError, match=name):
        make_world("observed", **{name: value})


@pytest.mark.parametrize("n", [0, -3, 2.5, True, "ten"])
def test_row_counts_must_be_positive_whole_numbers(n):
    with pytest.raises(UsageError, match="cannot draw"):
        make_world("observed").draw(n)


def test_unknown_data_is_a_usage_error():
    with pytest.raises(UsageError, match="no such data"):
        make_world("observed").draw(5, data="placebo")


def test_texts_off_the_grammar_are_worth_the_worst_text_of_their_prompt():
    world = make_world("observed")
    truth, prompts = world.truth, np.asarray(world.domain.prompts, dtype=object)
    rows = world.draw_rows(0, 200)
    texts = rows.texts[0].to_numpy(zero_copy_only=False)
    asked = prompts[rows.prompt_ids]
    honest = truth.reward(asked, texts)
    assert honest == pytest.approx(
        truth.rewards[0, rows.prompt_ids, rows.attributes[0].astype(int) @ 2 ** np.arange(9)]
    )
    worst = truth.rewards[0].min(axis=1)
    assert truth.reward(asked, [t + " " + t for t in texts]) == pytest.approx(worst[rows.prompt_ids])
    assert truth.reward(asked, [""] * 200) == pytest.approx(worst[rows.prompt_ids])
    elsewhere = (rows.prompt_ids + 1) % len(prompts)
    assert truth.reward(prompts[elsewhere], texts) == pytest.approx(worst[elsewhere])
    lowest = truth.naive_rewards[0].min(axis=1)
    assert truth.naive_reward(asked, [""] * 200) == pytest.approx(lowest[rows.prompt_ids])


def test_unknown_prompts_are_usage_errors():
    with pytest.raises(UsageError, match="no such prompt"):
        make_world("observed").truth.reward(["Write a sonnet."], ["Roses."])


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_cards_are_complete_plain_data(card):
    diagnosis = make_world(card.name).card()
    assert json.loads(json.dumps(diagnosis))["family"] == card.name
    assert card.situation.endswith(".")
    assert card.identified_by
    assert card.recover
    assert card.fail
    assert 0 <= diagnosis["effective_share"] <= 1 + 1e-9
    assert 0 <= diagnosis["confounding_share"] < 1
    for parameter in card.parameters:
        assert parameter.read(parameter.default) == parameter.default


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_truth_travels_between_processes(card):
    truth = make_world(card.name).truth
    again = pickle.loads(pickle.dumps(truth))
    assert np.array_equal(again.effects, truth.effects)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_values_are_ordered(card):
    truth = make_world(card.name).truth
    assert truth.value_optimal >= truth.value_reference - 1e-12
    assert (
        truth.effects.shape
        == truth.naive_effects.shape
        == truth.effects_mcse.shape
        == (len(truth.attributes),)
    )


def test_the_published_table_is_the_families_own():
    page = Path(__file__).parents[2] / "docs" / "scenarios.md"
    assert page.read_text(encoding="utf-8") == describe_scenarios(), "run python -m simulators.catalogue"


@pytest.mark.parametrize(
    ("family", "domain"), [(card.name, d) for card in CARDS for d in written_domains(card)]
)
def test_every_family_writes_in_each_of_its_domains(family, domain):
    world = make_world(family, domain=domain)
    assert np.isfinite(world.truth.rewards).all()
    assert np.isfinite(world.truth.naive_rewards).all()
    assert len(world.draw(20).log) == 20


@pytest.mark.parametrize(
    ("scenario", "now"), [("overlap[rho=0.9]", "correlation"), ("objective[rho=0.9]", "agreement")]
)
def test_an_old_name_of_a_parameter_is_answered_with_the_new_one(scenario, now):
    parsed = Scenario.parse(scenario)
    for refuse in (
        lambda: check_scenario(parsed),
        lambda: simulators.build(parsed.family, parsed.parameters, Streams("s", parsed.family, 0)),
    ):
        with pytest.raises(UsageError, match="another name now") as caught:
            refuse()
        assert caught.value.fix == f"write {now} for rho"
