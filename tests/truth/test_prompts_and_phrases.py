"""Parameters ``prompts`` and ``phrases``: every grammar family keeps its exact truth and propensities."""

from __future__ import annotations

import numpy as np
import pytest

import simulators
from benchmark.contract import Streams
from benchmark.contract.errors import ContractError, UsageError
from simulators.law.codes import encode
from simulators.protocols import QuerySizes

FAMILIES = [
    card.name
    for card in simulators.list_families()
    if any(p.name == "prompts" and "200" in p.choices for p in card.parameters)
]
every_family = pytest.mark.parametrize("family", FAMILIES)
SMALL = QuerySizes(pairs=64, contrasts=4, pool=16)


def build(family: str, seed: int = 0, **parameters: object):  # type: ignore[no-untyped-def]
    return simulators.build(family, parameters, Streams("tests prompts", family, seed))


def test_every_family_with_a_grammar_has_the_parameters() -> None:
    without = {card.name for card in simulators.list_families()} - {*FAMILIES}
    assert without == {"letters", "brief"}


# -- prompts ------------------------------------------------------------------
@every_family
@pytest.mark.parametrize("prompts", ["200", "unique"])
def test_the_truth_of_a_row_is_read_from_its_strings(family: str, prompts: str) -> None:
    world = build(family, prompts=prompts, phrases=0.5)
    drawn = world.draw(400)
    column = next(name for name in ("text", "chosen", "first") if drawn.log.has(name))
    context = {} if world.context is None else {world.context: drawn.log.numbers(f"context.{world.context}")}
    reward = world.truth.reward(drawn.log.prompts, drawn.log.strings(column), context)
    np.testing.assert_allclose(reward, drawn.truth["reward"].to_numpy(), atol=1e-12)
    if prompts == "unique":
        assert len(set(drawn.log.prompts)) == len(drawn.log)
    else:
        assert set(drawn.log.prompts) <= set(world.domain.prompts)
        assert len(set(drawn.log.prompts)) > 100


@pytest.mark.parametrize("prompts", ["6", "200", "unique"])
def test_log_and_twin_share_prompts_and_a_longer_log_begins_with_the_shorter(prompts: str) -> None:
    world = build("observed", prompts=prompts, phrases=0.5)
    long = world.draw(5000).log
    assert (world.draw(5000, "twin").log.prompts == long.prompts).all()
    assert (world.draw(300).log.prompts == long.prompts[:300]).all()
    later = world.draw(700, start=4000).log
    assert (later.prompts == long.prompts[4000:4700]).all()
    assert (later.texts == long.texts[4000:4700]).all()


@pytest.mark.parametrize("prompts", ["200", "unique"])
def test_questions_are_about_prompts_that_the_truth_knows(prompts: str) -> None:
    world = build("observed", prompts=prompts)
    queries = world.queries(SMALL)
    asked = set(queries.prompts)
    assert asked == set(queries.generate)
    assert len(asked) == (24 if prompts == "200" else 20)
    assert np.isfinite(world.truth.reward(queries.prompts, queries.texts)).all()
    assert len(set(world.queries(QuerySizes(4, 4, 16, prompts=3)).prompts)) == 3
    seen = set(world.draw(4000).log.prompts)
    assert (asked <= seen) if prompts == "200" else not (asked & seen)
    # another strength asks the same
    again = build("observed", prompts=prompts, strength=2.0).queries(SMALL)
    assert (again.prompts == queries.prompts).all()
    assert (again.texts == queries.texts).all()


def test_a_text_about_another_topic_is_worth_the_worst_of_its_prompt() -> None:
    world = build("observed", prompts="unique")
    log = world.draw(200).log
    topics = world.domain.prompt_writer.read(log.prompts)
    other = np.array([np.flatnonzero(topics != topic)[0] for topic in topics])
    worst = world.truth.rewards[0].min(axis=1)[topics]
    np.testing.assert_allclose(world.truth.reward(log.prompts, log.texts[other]), worst)
    ask = world.oracle()
    assert np.isfinite(ask(log.prompts, log.texts, {})).all()


def test_what_is_no_brief_is_refused() -> None:
    world = build("observed", prompts="unique")
    text = world.draw(1).log.texts
    with pytest.raises(UsageError, match="no such prompt"):
        world.truth.reward(["Write a headline."], text)
    with pytest.raises(ContractError, match="does not know this prompt"):
        world.oracle()(np.array(["Write a headline."], dtype=object), text, {})


@pytest.mark.parametrize("prompts", ["200", "unique"])
@pytest.mark.parametrize("feedback", ["scalar", "binary"])
def test_the_twin_shows_the_true_effects(prompts: str, feedback: str) -> None:
    """Differences of means in 200,000 rows of the twin, each attribute on against off, |z| < 4."""
    world = build("observed", 3, prompts=prompts, phrases=0.4, feedback=feedback, strength=1.7, overlap=0.41)
    drawn = world.draw(200_000, "twin")
    outcomes = drawn.log.outcomes
    for name, effect in zip(world.truth.attributes, world.truth.effects, strict=True):
        on = drawn.truth[f"attribute.{name}"].to_numpy() == 1
        difference = outcomes[on].mean() - outcomes[~on].mean()
        error = np.sqrt(outcomes[on].var() / on.sum() + outcomes[~on].var() / (~on).sum())
        assert abs(difference - effect) < 4 * error, name


# -- phrases ------------------------------------------------------------------
def allowed_share(world, attributes: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Share of the wordings of each row that the world's writers use."""
    table = world.domain.phrase_table()
    used = world.domain.phrase_table(world.usage)
    shares, k = np.ones(len(attributes)), 0
    for slot, sides in enumerate(table.sides):
        if world.domain.slots[slot].name in world.domain.attributes:
            share = [np.mean(used.probabilities[slot][sides == side] > 0) for side in (0, 1)]
            shares *= np.array(share)[attributes[:, k]]
            k += 1
    return shares


@pytest.mark.parametrize("share", [0.05, 0.34, 0.5])
@pytest.mark.parametrize("domain", ["answers", "headlines", "replies"])
def test_propensities_hold_the_writers_wording_and_targets_every_wording(domain: str, share: float) -> None:
    world = build("observed", domain=domain, phrases=share, prompts="200")
    rows = world.draw_rows(0, 3000)
    attributes = rows.attributes[0]
    classes = world.prompt_law.classes[rows.prompt_ids]
    shown = world.rule.rows_law(rows.people, classes).log_probability(attributes)
    wanted = np.log(world.text_law[rows.prompt_ids, encode(attributes)])
    phrases = world.domain.read_phrases(rows.texts[0])
    slots = np.arange(phrases.shape[1])
    used = np.log(world.domain.phrase_table(world.usage).probabilities[slots, phrases]).sum(axis=1)
    every = np.log(world.domain.phrase_table().probabilities[slots, phrases]).sum(axis=1)
    np.testing.assert_allclose(rows.log_propensity[0], shown + used)
    np.testing.assert_allclose(rows.log_target[0], wanted + every)
    np.testing.assert_allclose(every - used, np.log(allowed_share(world, attributes)))


def test_weights_of_the_log_add_up_to_the_part_of_the_target_that_it_can_show() -> None:
    """E_log[P_int(x) / P_log(x)] = P_int(a text of the writers' phrases), within 4 standard errors."""
    world = build("observed", 1, phrases=0.7, overlap=0.6, prompts="unique")
    rows = world.draw_rows(0, 100_000)
    weights = np.exp(rows.log_target[0] - rows.log_propensity[0])
    vectors = (np.arange(512)[:, None] >> np.arange(9)) & 1
    exact = float(world.text_law.mean(axis=0) @ allowed_share(world, vectors))
    assert abs(weights.mean() - exact) < 4 * weights.std() / np.sqrt(len(weights))
    assert 0.01 < exact < 0.1  # four of six phrases in nine slots: (2 / 3) ** 9 = .026


def test_writers_of_log_and_twin_use_the_same_phrases_and_questions_use_all() -> None:
    world = build("observed", phrases=0.5)
    used = world.domain.phrase_table(world.usage).probabilities > 0
    exists = world.domain.phrase_table().sides >= 0
    slots = np.arange(used.shape[0])

    def spoken(texts) -> np.ndarray:  # type: ignore[no-untyped-def]
        found = np.zeros_like(used)
        for row in world.domain.read_phrases(texts):
            found[slots, row] = True
        return found

    for data in ("log", "twin"):
        assert (spoken(world.draw(4000, data).log.texts) == used).all()
    assert (spoken(world.queries(QuerySizes(64, 16, 256)).texts) == exists).all()
    assert not (used == exists).all()


def test_the_phrases_in_use_are_drawn_for_each_seed() -> None:
    drawn = [build("observed", seed, phrases=0.5) for seed in range(2)]
    tables = [world.domain.phrase_table(world.usage).probabilities for world in drawn]
    assert (tables[0] != tables[1]).any()


@every_family
def test_the_defaults_name_the_plain_world(family: str) -> None:
    world = build(family)
    assert world.usage is None
    assert world.domain.writer is None
    assert len(world.domain.prompts) == 6
