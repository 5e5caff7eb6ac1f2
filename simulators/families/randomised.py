"""randomised: the control. The same world as `observed`, its texts assigned at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families import observed
from simulators.parameters import Value
from simulators.standard import randomise
from simulators.world import SimulatedWorld

BORROWED = ("strength", "overlap")
PARAMETERS = tuple(
    replace(parameter, summary=f"{parameter.summary}; of `observed`, whose people and noise these are")
    if parameter.name in BORROWED
    else parameter
    for parameter in observed.CARD.parameters
)

CARD = FamilyCard(
    name="randomised",
    situation="Texts were assigned at random: the outcome can be taken at face value.",
    parameters=PARAMETERS,
    strategies=("randomised", "propensity"),
    recover="everything; adjusters may gain precision",
    fail="nothing",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    # the streams of `observed`, so that this is the same world with the same people and noise
    return randomise(observed.compose_observed(card, parameters, replace(streams, family=observed.CARD.name)))


FAMILY = Family(CARD, _compose)
