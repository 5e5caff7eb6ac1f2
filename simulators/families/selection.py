"""selection: the outcome is seen only where the reader answered, and phrasing moves who answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.dials import STRENGTH, Dial, DialValue, domain_dial
from simulators.family import Family, FamilyCard
from simulators.population import Factor, standardised
from simulators.recording import Column, Recording, Rows, factors
from simulators.selection import Selection
from simulators.standard import compose_world, randomise
from simulators.strength import solve_strength
from simulators.world import World

MOOD, MOBILE = Factor("mood"), Factor("mobile", "bernoulli", (0.4,))
ANSWER = Factor("answer", "uniform", nodes=1)
RESPONSE = Dial("response", 1.5, "how strongly phrasing and mood move who answers", 0.2, 4.0)

CARD = FamilyCard(
    name="selection",
    situation="Texts were assigned at random, but only readers who answered left a score, and some phrasings "
    "are answered by the well-disposed alone.",
    dials=(STRENGTH, RESPONSE, domain_dial()),
    identified_by="the logged chance of an answer",
    recover="weighting answers by one over their chance",
    fail="using the answered rows as they are",
)


def _compose(card: FamilyCard, dials: Mapping[str, DialValue], streams: Streams) -> World:
    world = randomise(
        compose_world(
            card,
            dials,
            streams,
            factors=(MOOD, MOBILE, ANSWER),
            features=standardised(MOOD),
            coefficients=np.ones(1),
            recording=Recording(),
        )
    )
    # a phrasing that keeps the ill-disposed from answering looks good among the answers
    response = float(dials["response"])
    selection = Selection(
        0.3, standardised(MOOD), np.array([response]), -response * world.roles.directions, "answer"
    )

    def chance(rows: Rows) -> np.ndarray:
        return selection.probabilities(rows.people, rows.attributes[0])

    def answered(rows: Rows) -> np.ndarray:
        return selection.recorded(rows.people, rows.attributes[0]).astype(np.int8)

    def outcome(rows: Rows) -> np.ndarray:
        return np.where(answered(rows) == 1, rows.outcomes[0], np.nan)

    late = (Column("observed", answered), Column("observation_propensity", chance))
    recording = Recording((*factors("mobile"), *late), outcome=outcome)
    world = replace(world, selection=selection, recording=recording)
    return solve_strength(world, float(dials["strength"]))


FAMILY = Family(CARD, _compose)
