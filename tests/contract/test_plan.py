"""Plans: fixed groups, keys that change when results could, shards that cover everything once."""

import time
from dataclasses import dataclass, replace

import pytest

from benchmark.contract import UsageError
from benchmark.runs.entrants import Entrant, describe_recipe
from benchmark.runs.plan import make_plan
from benchmark.tasks.suite import check_suite

NAIVE, CEILING = Entrant("naive", "naive", "n"), Entrant("ceiling", "ceiling", "c")
DPO, RIDGE = Entrant("dpo", fingerprint="d", policy=True), Entrant("ridge", fingerprint="r")
ENTRANTS = (CEILING, DPO, NAIVE, RIDGE)


def make_suite(scenarios=("observed[strength=1]", "null"), methods=("*",), **more):
    product = {"scenarios": list(scenarios), "methods": list(methods)}
    return check_suite(
        {"name": "t", "version": "1", "n": 100, "seeds": 5, "group_size": 4, "cells": [product], **more}
    )


def cells_of(plan):
    return sorted((g.entrant.name, c.scenario.id, c.seed) for g in plan.groups for c in g.cells)


def test_a_plan_is_the_product_of_its_parts():
    plan = make_plan(make_suite(), ENTRANTS)
    assert plan.n_cells == 4 * 2 * 5
    assert len(set(cells_of(plan))) == plan.n_cells
    assert max(len(group.cells) for group in plan.groups) == 4
    assert {len({g.entrant.name}) for g in plan.groups} == {1}


def test_naive_and_ceiling_join_whatever_is_asked():
    for plan in (
        make_plan(make_suite(methods=["ridge"]), ENTRANTS),
        make_plan(make_suite(), ENTRANTS, methods=["ri*"]),
    ):
        assert {g.entrant.name for g in plan.groups} == {"naive", "ceiling", "ridge"}


def test_plans_are_deterministic_and_long_work_goes_first():
    plan = make_plan(make_suite(), ENTRANTS)
    assert plan == make_plan(make_suite(), ENTRANTS[::-1])
    first = [g.entrant.name for g in plan.groups if g.chunk == 0]
    assert first[0] == "dpo"
    assert [g.chunk for g in plan.groups] == sorted(g.chunk for g in plan.groups)


def test_filters():
    suite = make_suite(("observed[strength=1]", "observed[strength=2]", "null"))
    names = {
        c.scenario.id for g in make_plan(suite, ENTRANTS, scenarios=["observed"]).groups for c in g.cells
    }
    assert names == {"observed[strength=1,n=100]", "observed[strength=2,n=100]"}
    one = make_plan(suite, ENTRANTS, scenarios=["observed[strength=2]"], seeds=2)
    assert {(c.scenario.id, c.seed) for g in one.groups for c in g.cells} == {
        ("observed[strength=2,n=100]", 0),
        ("observed[strength=2,n=100]", 1),
    }
    added = make_plan(suite, ENTRANTS, scenarios=["marker[n=7]"])
    assert {c.scenario.id for g in added.groups for c in g.cells} == {"marker[n=7]"}
    by_shape = make_plan(suite, ENTRANTS, scenarios=["observed[strength=?,*"])
    assert {c.scenario.family for g in by_shape.groups for c in g.cells} == {"observed"}


@pytest.mark.parametrize(
    "options", [{"methods": ["rigde"]}, {"scenarios": ["nul*x"]}, {"seeds": 0}, {"seeds": -3}]
)
def test_filters_that_match_nothing_are_usage_errors(options):
    with pytest.raises(UsageError) as caught:
        make_plan(make_suite(), ENTRANTS, **options)
    assert caught.value.found is not None


def keys(plan):
    return {(g.entrant.name, g.chunk): g.key for g in plan.groups}


@pytest.mark.parametrize(
    "change",
    [
        {"n": 101},
        {"queries": {"pairs": 7}},
        {"budget": {"steps": 7}},
        {"season": "other"},
        {"seeds": [5, 6, 7, 8, 9]},
    ],
)
def test_every_key_changes_with_what_decides_results(change):
    before, after = keys(make_plan(make_suite(), ENTRANTS)), keys(make_plan(make_suite(**change), ENTRANTS))
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


def test_keys_change_with_the_context_and_the_recipe_alone():
    base = keys(make_plan(make_suite(), ENTRANTS))
    moved = keys(make_plan(make_suite(), ENTRANTS, context={"device": "cuda"}))
    assert not set(base.values()) & set(moved.values())
    other = keys(make_plan(make_suite(), (CEILING, DPO, NAIVE, replace(RIDGE, fingerprint="r2"))))
    assert {k for k in base if base[k] != other[k]} == {k for k in base if k[0] == "ridge"}
    sent = keys(make_plan(make_suite(), (CEILING, DPO, NAIVE, replace(RIDGE, submission="ab"))))
    assert {k for k in base if base[k] != sent[k]} == {k for k in base if k[0] == "ridge"}


def test_keys_do_not_depend_on_who_else_is_planned():
    everyone, few = (
        keys(make_plan(make_suite(), ENTRANTS)),
        keys(make_plan(make_suite(), ENTRANTS, methods=["dpo"])),
    )
    assert few.items() <= everyone.items()


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_shards_cover_every_group_once(n):
    plan = make_plan(make_suite(), ENTRANTS)
    parts = [plan.shard(f"{i}/{n}") for i in range(1, n + 1)]
    assert sorted(g.key for part in parts for g in part.groups) == sorted(g.key for g in plan.groups)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2", ""])
def test_malformed_shards(text):
    with pytest.raises(UsageError, match="shard"):
        make_plan(make_suite(), ENTRANTS).shard(text)


def test_a_hundred_thousand_cells_are_planned_in_seconds():
    scenarios = [f"observed[strength={i}]" for i in range(50)]
    entrants = (NAIVE, CEILING, *(Entrant(f"m{i}", fingerprint=str(i)) for i in range(38)))
    begun = time.perf_counter()
    plan = make_plan(make_suite(scenarios, seeds=50, group_size=64), entrants)
    assert plan.n_cells == 100_000
    assert time.perf_counter() - begun < 10


@dataclass(frozen=True)
class Step:
    size: float
    inside: object = None


def double(x):
    return 2 * x


def triple(x):
    return 3 * x


def test_recipes_are_described_by_content():
    assert describe_recipe(Step(1.0, double)) == describe_recipe(Step(1.0, double))
    described = [
        Step(1.0),
        Step(2.0),
        Step(1.0, double),
        Step(1.0, triple),
        Step(1.0, Step(1.0)),
        Step(1.0, {"a": 1}),
    ]
    assert len({describe_recipe(step) for step in described}) == len(described)
    assert "0x" not in describe_recipe(Step(1.0, (double, object)))
    assert describe_recipe(frozenset({"b", "a"})) == describe_recipe(frozenset({"a", "b"}))


def test_the_packaged_suites_name_families_parameters_and_methods_that_exist():
    from fnmatch import fnmatchcase

    from benchmark.runs.entrants import list_entrants
    from benchmark.tasks.prepare import check_scenario
    from benchmark.tasks.suite import list_suites, load_suite

    names = [entrant.name for entrant in list_entrants()]
    for suite in map(load_suite, list_suites()):
        for scenario in suite.scenarios:
            check_scenario(scenario)
        for pattern in {pattern for product in suite.cells for pattern in product.methods or suite.methods}:
            assert any(fnmatchcase(name, pattern) for name in names), (suite.name, pattern)


def test_a_submission_joins_a_suite_that_cannot_know_its_name():
    mine = Entrant("mine", fingerprint="m", submission="0" * 64)
    plan = make_plan(make_suite(methods=["ridge"]), [mine])
    assert plan.n_cells == 2 * 5
