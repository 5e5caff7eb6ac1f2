"""Tasks: what a method may see, in what order, and who holds the truth."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from benchmark.contract import Log, Streams, UsageError
from benchmark.tasks.prepare import (
    build_world,
    check_scenario,
    digest_log,
    domain_of,
    make_task,
    shuffle_rows,
    strength_of,
    view_track,
)
from benchmark.tasks.pretraining import draw_attributes
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite

SUITE = check_suite(
    {
        "name": "t",
        "version": "1",
        "n": 300,
        "queries": {"pairs": 64, "contrasts": 8, "pool": 32, "samples": 4},
        "cells": [{"scenarios": ["observed"]}],
    }
)
OBSERVED = Scenario.parse("observed[strength=1]")


@pytest.fixture(scope="module")
def task():
    return make_task(OBSERVED, 0, SUITE)


def make_log():
    n = 6
    return Log(
        pa.table(
            {
                "text": [f"t{i}" for i in range(n)],
                "outcome": np.arange(n, dtype=float),
                "propensity": np.full(n, 0.5),
                "target_propensity": np.full(n, 0.5),
                "randomised": [0, 1] * 3,
                "covariate.z": np.arange(n, dtype=float),
            }
        ),
        "count",
    )


@pytest.mark.parametrize(
    ("track", "granted"),
    [
        ("log", set()),
        ("propensity", {"propensity", "target_propensity"}),
        ("slice", {"propensity", "target_propensity", "randomised"}),
        ("oracle", {"propensity", "target_propensity"}),
    ],
)
def test_tracks_grant_columns(track, granted):
    seen = view_track(make_log(), track)
    assert set(seen.table.column_names) == {"text", "outcome", "covariate.z", *granted}
    assert seen.feedback == "count"


def test_unknown_track():
    with pytest.raises(UsageError, match="did you mean 'oracle'"):
        view_track(make_log(), "oracel")


def test_shuffling_keeps_rows_together_and_is_repeatable():
    log = make_log()
    shuffled = shuffle_rows(log, "a")
    assert shuffled.texts.tolist() != log.texts.tolist()
    assert [f"t{int(y)}" for y in shuffled.outcomes] == shuffled.texts.tolist()
    assert sorted(shuffled.texts) == sorted(log.texts)
    assert shuffle_rows(log, "a").texts.tolist() == shuffled.texts.tolist()
    assert shuffle_rows(log, "b").texts.tolist() != shuffled.texts.tolist()


def test_a_task_is_the_worlds_log_in_another_order(task):
    drawn = task.world.draw(300).log
    assert Counter(task.log.outcomes) == Counter(drawn.outcomes)
    assert task.log.outcomes.tolist() != drawn.outcomes.tolist()
    # the same rows, shuffled: the correlation of order with any logged time would be 1 otherwise
    assert set(zip(task.log.texts, task.log.outcomes, strict=True)) == set(
        zip(drawn.texts, drawn.outcomes, strict=True)
    )


def test_tasks_are_repeatable_and_differ_by_seed(task):
    assert digest_log(make_task(OBSERVED, 0, SUITE).log) == digest_log(task.log)
    assert digest_log(make_task(OBSERVED, 1, SUITE).log) != digest_log(task.log)


def test_a_secret_draws_another_world(task):
    assert digest_log(make_task(OBSERVED, 0, SUITE, secret=b"x" * 16).log) != digest_log(task.log)


def test_only_the_ceiling_sees_the_twin(task):
    log, twin = task.view("log"), task.view("log", "complete")
    assert not log.has("propensity")
    assert task.view("propensity").has("propensity")
    assert set(log.outcomes) != set(twin.outcomes)
    assert log.has("covariate")
    assert twin.has("covariate")


def test_what_methods_get_holds_no_truth(task):
    truths = {float(v) for v in np.round(task.truth.reward(task.log.prompts, task.log.texts), 12)}
    for view in (task.view("slice"), task.view("slice", "twin"), task.view("slice", "complete")):
        for name in view.table.column_names:
            assert not name.startswith(("hidden", "reward", "attribute"))
        numbers = [view.numbers(c) for c in view.table.column_names if c not in ("prompt", "text")]
        assert not any({float(v) for v in np.round(column, 12)} == truths for column in numbers)


def test_the_key_knows_the_naive_limit(task):
    assert 0 < task.key.naive_rho < 1
    assert task.key.effect_scale == pytest.approx(np.abs(task.truth.effects).max())


def test_scenarios_are_checked_without_building_worlds():
    check_scenario(OBSERVED)
    for text, named in (("obsrved", "observed"), ("observed[strenth=1]", "strength")):
        with pytest.raises(UsageError, match=f"did you mean '{named}'"):
            check_scenario(Scenario.parse(text))
    with pytest.raises(UsageError):
        check_scenario(Scenario.parse("observed[strength=much]"))


def test_defaults_of_families():
    assert strength_of(Scenario.parse("observed")) == 1
    assert strength_of(Scenario.parse("observed[strength=0.5]")) == 0.5
    assert domain_of(Scenario.parse("marker")) == "answers"
    assert domain_of(Scenario.parse("marker[domain=headlines]")) == "headlines"


def test_pretraining_texts_have_every_attribute_in_half():
    from benchmark.contract import make_rng
    from simulators.text import load_domain

    drawn = draw_attributes(load_domain("headlines"), make_rng("test"), 20_000)
    # 5 standard errors of a proportion at one half
    assert drawn.mean(axis=0) == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(20_000))


def test_backbones_are_made_once_and_again_when_unreadable(tmp_path, monkeypatch):
    from benchmark.tasks import pretraining

    monkeypatch.setattr(pretraining, "PRETRAINING_TEXTS", 300)
    pretraining.hash_backbone.cache_clear()
    home = pretraining.make_backbone("headlines", folder=tmp_path)
    written = (home / "backbone.json").stat().st_mtime_ns
    assert pretraining.make_backbone("headlines", folder=tmp_path) == home
    assert (home / "backbone.json").stat().st_mtime_ns == written
    (home / "backbone.json").write_text("{}")
    assert pretraining.make_backbone("headlines", folder=tmp_path) == home
    assert pretraining.is_readable(home)
    assert not list(tmp_path.glob(".making-*"))
    pretraining.hash_backbone.cache_clear()


def test_backbone_hashes_follow_what_they_are_made_from(monkeypatch):
    from benchmark.tasks import pretraining

    pretraining.hash_backbone.cache_clear()
    here = {pretraining.hash_backbone(domain) for domain in ("headlines", "answers")}
    monkeypatch.setattr(pretraining, "PRETRAINING_TEXTS", 301)
    pretraining.hash_backbone.cache_clear()
    there = {pretraining.hash_backbone(domain) for domain in ("headlines", "answers")}
    assert len(here | there) == 4
    pretraining.hash_backbone.cache_clear()


def test_the_oracle_asks_fresh_people_and_is_right_on_average():

    task = make_task(OBSERVED, 0, SUITE)
    oracle = task.world.oracle()
    prompts, texts = np.repeat(task.queries.prompts[:2], 20_000), np.repeat(task.queries.texts[:2], 20_000)
    outcomes = oracle(prompts, texts, {}).reshape(2, -1)
    assert len(np.unique(outcomes)) == outcomes.size
    expected = task.truth.reward(task.queries.prompts[:2], task.queries.texts[:2])
    # five standard errors of the mean of 20,000 outcomes
    error = 5 * outcomes.std(axis=1).max() / np.sqrt(20_000)
    assert outcomes.mean(axis=1) == pytest.approx(expected, abs=error)
    assert oracle(prompts[:5], texts[:5], {}).tolist() != outcomes[0, :5].tolist()
    assert not set(outcomes[0]) & set(task.log.outcomes)
    worst = oracle(prompts[:20_000], np.full(20_000, "no such text", dtype=object), {})
    floor = task.truth.reward(prompts[:1], np.array(["no such text"], dtype=object))[0]
    assert worst.mean() == pytest.approx(floor, abs=error)


def test_the_row_order_of_a_verified_season_needs_its_secret():
    """Whoever knows scenario and seed can undo a public shuffle and read what the order of drawing tells."""
    secret, scenario = b"0123456789abcdef", OBSERVED.with_rows(300)
    season = f"{SUITE.season}/{scenario.id}"
    rows = build_world(scenario, Streams(season, "observed", 0, secret)).draw(300).log
    packed = make_task(OBSERVED, 0, SUITE, secret).log.outcomes.tolist()
    assert packed == shuffle_rows(rows, season, "observed", 0, secret=secret).outcomes.tolist()
    assert packed != shuffle_rows(rows, season, "observed", 0).outcomes.tolist()
