"""randomised: the control. The same world as `observed`, its texts assigned at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmark.contract.seeding import Streams
from simulators.dials import DialValue
from simulators.families import observed
from simulators.family import Family, FamilyCard
from simulators.standard import randomise
from simulators.world import World

BORROWED = ("strength", "overlap")
DIALS = tuple(
    replace(dial, summary=f"{dial.summary}; of `observed`, whose people and noise these are")
    if dial.name in BORROWED
    else dial
    for dial in observed.CARD.dials
)

CARD = FamilyCard(
    name="randomised",
    situation="Texts were assigned at random: the outcome can be taken at face value.",
    dials=DIALS,
    identified_by="randomisation",
    recover="everything; adjusters may gain precision",
    fail="nothing",
)


def _compose(card: FamilyCard, dials: Mapping[str, DialValue], streams: Streams) -> World:
    # the streams of `observed`, so that this is the same world with the same people and noise
    return randomise(observed.compose_observed(card, dials, replace(streams, family=observed.CARD.name)))


FAMILY = Family(CARD, _compose)
