"""The core suite is as large as promised, holds everything, and ranks nobody on cells of their own."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache

import pytest

import benchmark
import simulators
from benchmark.tasks.prepare import make_task
from benchmark.tasks.suite import check_suite, load_suite
from methods import load

# Worlds that are judged in tables of their own; see docs/statistics.md.
UNRANKED = {"null", "impossible"}
PROMISED = 7_000
SHORT = {"name": "short", "version": "1", "queries": {"pairs": 16, "contrasts": 1, "pool": 8, "samples": 1}}


@pytest.fixture(scope="module")
def plan():
    return benchmark.plan("core", device="cpu").plan


@pytest.mark.parametrize("name", ["core", "full"])
def test_every_family_is_there(name):
    families = {scenario.family for scenario in load_suite(name).scenarios}
    assert {card.name for card in simulators.list_families()} <= families


def test_every_method_has_the_cells_that_are_ranked(plan):
    cells = defaultdict(set)
    for group in plan.groups:
        cells[group.entrant.name, group.entrant.role].update(
            (cell.scenario.id, cell.seed)
            for cell in group.cells
            if cell.scenario.family not in UNRANKED and not group.control
        )
    ranked = cells["naive", "naive"]
    assert ranked
    assert all(own == ranked for own in cells.values())


def test_every_fit_on_a_ranked_log_has_its_twin(plan):
    fitted = defaultdict(set)
    for group in plan.groups:
        if group.entrant.role != "ceiling":
            fitted[group.fitted_on].update(
                (group.entrant.name, cell.scenario.id, cell.seed)
                for cell in group.cells
                if cell.scenario.family not in UNRANKED
            )
    assert fitted["log"] == fitted["twin"]


@pytest.mark.parametrize("name", ["quick", "core", "core-tiny"])
def test_every_block_says_why_it_is_there(name):
    suite = load_suite(name)
    assert suite.own_twin
    assert all(product.reason.endswith(".") for product in suite.cells)


def test_the_references_have_every_cell(plan):
    every, own = set(), defaultdict(set)
    for group in plan.groups:
        held = {(cell.scenario.id, cell.seed) for cell in group.cells}
        every |= held
        own[group.entrant.role] |= held
    assert own["naive"] == own["ceiling"] == every


def test_the_impossible_worlds_are_many(plan):
    """A mean regret below .5 - 3 SE invalidates a run only over a hundred signs or more."""
    signs = defaultdict(set)
    for group in plan.groups:
        for cell in group.cells:
            if cell.scenario.family == "impossible":
                signs[group.entrant.name].add(cell.seed)
    assert {len(seeds) for seeds in signs.values()} == {100}
    assert sum(group.entrant.policy for group in plan.groups if "impossible" in group.cells[0].scenario.id)


def test_there_are_as_many_alignments_as_promised(figures, plan):
    """What no method declines, by the columns of a log of every world."""
    # The noise of a lifelike world depends on its rows, so that these are the suite's own.
    short = check_suite({**SHORT, "n": load_suite("core").n, "cells": [{"scenarios": ["observed"]}]})
    able = cache(lambda name, scenario, arm: load(name).tags.reason_to_refuse(view(scenario, arm)) is None)

    @cache
    def task(scenario):
        return make_task(scenario, 0, short)

    def view(scenario, arm):
        return task(scenario).view(*arm)

    def count():
        found = Counter()
        for group in plan.groups:
            entrant = group.entrant
            arm = (entrant.track, group.data)
            for cell in group.cells:
                found[entrant.policy] += able(entrant.name, cell.scenario, arm)
        return found

    found = figures.benchmark.pedantic(count, rounds=1)
    figures.note("alignments of the core suite that train a policy", found[True], "")
    figures.note("alignments of the core suite", found.total(), "", PROMISED)
    assert found.total() >= PROMISED
