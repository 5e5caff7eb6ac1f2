"""style: a writer can be told to use or avoid any attribute, and attributes are logged as columns.

Counterfactual prompting (Butcher 2024) is such an actuator, do(attribute); which attribute to
aim at is the question, and the log answers it wrongly where it is taken at face value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmark.contract.seeding import Streams
from simulators.dials import OVERLAP, STRENGTH, DialValue, domain_dial
from simulators.families import observed
from simulators.family import Family, FamilyCard
from simulators.law.recording import Recording, attribute_columns
from simulators.world import World

CARD = FamilyCard(
    name="style",
    situation="Any attribute can be written on demand, but the one that goes with high scores is not the one "
    "that causes them.",
    dials=(STRENGTH, OVERLAP, domain_dial()),
    identified_by="back-door adjustment for the covariates, attribute by attribute",
    recover="counterfactual pairs that turn on the attribute of greatest causal effect",
    fail="counterfactual pairs that turn on the attribute of greatest correlation",
)


def _compose(card: FamilyCard, dials: Mapping[str, DialValue], streams: Streams) -> World:
    world = observed.compose_observed(card, dials, streams)
    names = world.domain.attributes
    logged = attribute_columns(names, range(len(names)))
    return replace(world, recording=Recording(world.recording.columns + logged))


FAMILY = Family(CARD, _compose)
