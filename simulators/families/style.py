"""style: a writer can be told to use or avoid any attribute, and attributes are logged as columns.

Counterfactual prompting (Butcher 2024) is such an actuator, do(attribute); which attribute to
aim at is the question, and the log answers it wrongly where it is taken at face value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families import observed
from simulators.law.recording import Recording, attribute_columns
from simulators.parameters import OVERLAP, STRENGTH, Value, text_parameters
from simulators.world import SimulatedWorld

CARD = FamilyCard(
    name="style",
    situation="Any attribute can be written on demand, but the one that goes with high scores is not the one "
    "that causes them.",
    parameters=(STRENGTH, OVERLAP, *text_parameters()),
    strategies=("back-door", "propensity"),
    recover="counterfactual pairs that turn on the attribute of greatest causal effect",
    fail="counterfactual pairs that turn on the attribute of greatest correlation",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    world = observed.compose_observed(card, parameters, streams)
    names = world.domain.attributes
    logged = attribute_columns(names, range(len(names)))
    return replace(world, recording=Recording(world.recording.columns + logged))


FAMILY = Family(CARD, _compose)
