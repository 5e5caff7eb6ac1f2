"""What the generators of whole worlds identify, beside what their designs intend."""

from __future__ import annotations

import pytest

import simulators
from benchmark.contract import Streams
from simulators.identification import build_graph, find_strategies
from simulators.identification.draw import draw_graph

HIDDEN_ON_LOG = ("propensity", "target_propensity", "randomised")

# family, parameters: strategies of the log track, then those that a fuller track adds
INTENDED = {
    ("observed", ()): (["back-door"], ["propensity"]),
    ("observed", (("strength", 0.0),)): (["randomised"], ["propensity"]),
    ("randomised", ()): (["randomised"], ["propensity"]),
    ("null", ()): (["back-door"], ["propensity"]),
    ("style", ()): (["back-door"], ["propensity"]),
    ("nonlinear", ()): (["back-door"], ["propensity"]),
    ("interaction", ()): (["back-door"], ["propensity"]),
    ("drift", ()): (["back-door"], ["propensity"]),
    ("badcontrol", ()): (["back-door"], ["propensity"]),
    ("badcontrol", (("labelled", False),)): (["back-door"], ["propensity"]),
    ("marker", ()): (["back-door"], ["propensity"]),
    ("letters", ()): (["back-door"], ["propensity"]),
    ("position", ()): (["back-door"], ["propensity"]),
    ("overlap", ()): (["back-door"], ["propensity"]),
    ("overlap", (("rho", 1.0),)): ([], []),
    ("instrument", ()): (["instrument"], []),
    ("instrument", (("direct", 1.0),)): ([], []),
    ("instrument", (("dependent", 1.0),)): ([], []),
    ("entangled", ()): (["confounder-instrument", "proxies"], []),
    # the reputation itself moves the outcome then, and nothing measures it
    ("entangled", (("endogeneity", 1.0),)): ([], []),
    # subtracting fails, but placement and measured popularity are still two measurements of popularity
    ("entangled", (("reaction", 0.5),)): (["proxies"], []),
    ("proxy", ()): (["proxies"], []),
    ("selection", ()): (["selection-weights"], []),
    ("selection", (("rule", "extreme"),)): (["shadow"], []),
    ("judge", ()): (["randomised"], []),
    ("corrupt", ()): ([], ["slice"]),
    ("impossible", ()): ([], []),
    ("prefix", ()): ([], []),
    ("objective", ()): (["randomised"], []),
    ("correlated", ()): (["randomised"], []),
    ("heterogeneous", ()): (["randomised"], []),
}


@pytest.mark.parametrize(("setting", "intended"), INTENDED.items(), ids=str)
def test_the_generator_identifies_what_the_design_intends(setting, intended):
    family, parameters = setting
    graph = build_graph(simulators.build(family, dict(parameters), Streams("graphs", family, seed=1)))
    alone = [strategy.name for strategy in find_strategies(graph, HIDDEN_ON_LOG)]
    every = [strategy.name for strategy in find_strategies(graph)]
    assert (alone, [name for name in every if name not in alone]) == intended


def test_every_family_has_an_expectation():
    assert {family for family, _ in INTENDED} >= {card.name for card in simulators.list_families()}


def test_back_door_sets_hold_no_late_column():
    world = simulators.build("badcontrol", {"labelled": False}, Streams("graphs", "badcontrol", seed=1))
    strategy = find_strategies(build_graph(world), HIDDEN_ON_LOG)[0]
    assert strategy.columns == ("covariate.engagement", "covariate.recency", "covariate.mobile")


def test_a_drawing_is_the_same_twice_and_names_every_cause():
    graph = build_graph(simulators.build("entangled", {}, Streams("graphs", "entangled", seed=1)))
    drawn = draw_graph(graph, "entangled")
    assert drawn == draw_graph(graph, "entangled")
    assert all(name in drawn for name in ("reputation", "placement", "popularity error", "text", "outcome"))
