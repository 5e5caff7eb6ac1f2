"""The page on estimators in long logs has a row for every world, on the side where its graph puts it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

import methods
from benchmark.tasks.scenario import Scenario
from simulators.identification import find_strategies
from simulators.identification.page import SETTINGS, example_graph
from simulators.registry import list_families

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "consistency.py"
specification = importlib.util.spec_from_file_location("consistency", EXAMPLE)
consistency = importlib.util.module_from_spec(specification)
sys.modules["consistency"] = consistency
specification.loader.exec_module(consistency)

WORLDS = [*((card.name, {}) for card in list_families()), *SETTINGS]
IDENTIFIED = {Scenario.parse(name).id: row for name, row in consistency.IDENTIFIED.items()}
OTHERS = {Scenario.parse(name).id for name in (*consistency.UNIDENTIFIED, *consistency.WITHOUT_ORDER)}


@pytest.mark.parametrize(("family", "parameters"), WORLDS, ids=str)
def test_every_world_has_the_row_that_its_graph_calls_for(family, parameters):
    named = ",".join(f"{name}={value}" for name, value in parameters.items())
    world = Scenario.parse(f"{family}[{named}]" if named else family).id
    strategies = {strategy.name for strategy in find_strategies(example_graph(family, parameters))}
    if family in consistency.WITHOUT_ORDER:
        assert world in OTHERS
    elif strategies:
        assert IDENTIFIED[world].strategy in strategies
        methods.load(IDENTIFIED[world].method)
    else:
        assert world in OTHERS
