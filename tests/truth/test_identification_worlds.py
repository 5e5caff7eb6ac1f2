"""What the generators of whole worlds identify, beside what their designs intend."""

from __future__ import annotations

from pathlib import Path

import pytest

import simulators
from benchmark.contract import Streams
from simulators.identification import build_graph, find_strategies
from simulators.identification.draw import draw_graph
from simulators.identification.page import DRAWN, describe_identification, example_graph

DOCS = Path(__file__).resolve().parents[2] / "docs"

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
    # the day decides about the greeting, so no day is seen with and without it
    ("marker", (("rule", "deterministic"),)): ([], []),
    ("letters", ()): (["back-door"], ["propensity"]),
    ("position", ()): (["back-door"], ["propensity"]),
    ("robust", ()): (["back-door"], []),
    # answers that move the text alone, and their echoes, are instruments
    ("wide", ()): (["back-door", "instrument"], []),
    # the words of a prompt tell all that confounds
    ("brief", ()): (["back-door"], []),
    ("overlap", ()): (["back-door"], ["propensity"]),
    ("overlap", (("correlation", 1.0),)): ([], []),
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
    # recorded columns move text and outcome both
    ("hidden", ()): ([], []),
    ("mixture", ()): ([], ["slice"]),
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


@pytest.mark.parametrize("card", simulators.list_families(), ids=lambda card: card.name)
def test_a_card_names_the_strategies_that_its_generator_allows(card):
    alone, further = INTENDED[card.name, ()]
    assert list(card.strategies) == alone + further


def test_back_door_sets_hold_no_late_column():
    world = simulators.build("badcontrol", {"labelled": False}, Streams("graphs", "badcontrol", seed=1))
    strategy = find_strategies(build_graph(world), HIDDEN_ON_LOG)[0]
    assert strategy.columns == ("covariate.engagement", "covariate.recency", "covariate.mobile")


def test_a_drawing_is_the_same_twice_and_names_every_cause():
    graph = build_graph(simulators.build("entangled", {}, Streams("graphs", "entangled", seed=1)))
    drawn = draw_graph(graph, "entangled")
    assert drawn == draw_graph(graph, "entangled")
    assert all(name in drawn for name in ("reputation", "placement", "popularity error", "text", "outcome"))


def test_the_page_and_its_drawings_are_what_the_worlds_say():
    assert (DOCS / "identification.md").read_text("utf-8") == describe_identification()
    for card in simulators.list_families():
        drawing = (DOCS / "graphs" / f"{card.name}.svg").read_text("utf-8")
        linked = {
            name.replace("_", " ")
            for edge in example_graph(card.name, DRAWN.get(card.name)).edges
            for name in edge
        }
        written = drawing.replace("\n", " ")
        assert all(name.split(" ")[0].split(".")[0] in written for name in linked)
