"""selection: the outcome is seen only where the reader answered, and phrasing moves who answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import Streams
from simulators.dials import STRENGTH, Dial, DialValue, domain_dial
from simulators.family import Family, FamilyCard
from simulators.population import Factor, standardised
from simulators.recording import Column, Recording, Rows, factors
from simulators.roles import DECOY
from simulators.selection import OutcomeSelection, Selection
from simulators.standard import compose_world, randomise
from simulators.strength import solve_strength
from simulators.world import World

MOOD, MOBILE = Factor("mood"), Factor("mobile", "bernoulli", (0.4,))
REACH, ANSWER = Factor("reach"), Factor("answer", "uniform", nodes=1)
RULE = Dial(
    "rule",
    "clicked",
    "clicked: mood and phrasing decide who answers, and the chance is logged; extreme: the score itself and "
    "phrasing decide, and a shadow variable is logged",
    choices=("clicked", "extreme"),
)
RESPONSE = Dial("response", 1.0, "how strongly phrasing moves who answers", 0.2, 3.0)
WILLINGNESS, SPREAD, HARDER = 0.3, 2.0, 3.75

CARD = FamilyCard(
    name="selection",
    situation="Texts were assigned at random, but only readers who answered left a score, and some phrasings "
    "are answered by the well-disposed alone.",
    dials=(STRENGTH, RULE, RESPONSE, domain_dial()),
    identified_by="the logged chance of an answer, or a shadow variable that moves scores and not answering",
    recover="weighting answers by one over their chance",
    fail="using the answered rows as they are",
)


@dataclass(frozen=True, eq=False)
class _Answers:
    """Who answered, how likely that was, and the scores left."""

    by: Selection | OutcomeSelection

    def flag(self, rows: Rows) -> np.ndarray:
        shown = rows.attributes[0]
        if isinstance(self.by, Selection):
            return self.by.recorded(rows.people, shown).astype(np.int8)
        return self.by.recorded(rows.people, shown, rows.outcomes[0]).astype(np.int8)

    def chance(self, rows: Rows) -> np.ndarray:
        assert isinstance(self.by, Selection)
        return self.by.probabilities(rows.people, rows.attributes[0])

    def score(self, rows: Rows) -> np.ndarray:
        return np.where(self.flag(rows) == 1, rows.outcomes[0], np.nan)


def _clicked(world: World, response: float) -> World:
    # a phrasing answered by the well-disposed looks good among the answers
    rule = Selection(WILLINGNESS, standardised(MOOD), np.ones(1), response * world.roles.directions, "answer")
    answers = _Answers(rule)
    late = (Column("observed", answers.flag), Column("observation_propensity", answers.chance))
    recording = Recording((*factors("mobile"), *late), outcome=answers.score)
    return solve_strength(replace(world, selection=rule, recording=recording), float(world.dials["strength"]))


def _extreme(world: World, response: float) -> World:
    # a phrasing that keeps low scores from being left looks good among the answers
    decoys = world.roles.which(DECOY)
    pushes = np.zeros(len(world.roles.names))
    pushes[decoys] = -HARDER * response
    intercept = 1.0 - float(pushes @ world.marginals[0])
    # scores vary around their text's mean by the shadow variable and by noise
    (reach, reach_weights), (noise, noise_weights) = REACH.grid(), np.polynomial.hermite_e.hermegauss(40)
    world = replace(world, outcome=replace(world.outcome, prognosis=np.array([SPREAD])))
    offsets = np.add.outer(SPREAD * reach, noise).ravel()
    weights = np.multiply.outer(reach_weights, noise_weights / noise_weights.sum()).ravel()

    def selected(slope: float) -> World:
        return replace(
            world, face_value=OutcomeSelection(intercept, slope, pushes, offsets, weights, "answer")
        )

    strength = float(world.dials["strength"])

    def excess(slope: float) -> float:
        return (
            float(selected(slope).truth.naive_effects[decoys].max()) - strength * world.roles.largest_effect
        )

    # bias grows with the slope, then falls as answering becomes a threshold: take the first crossing
    slopes = np.linspace(0.0, 4.0, 41)
    reached = np.array([excess(slope) for slope in slopes])
    if reached.max() < 0:
        raise UsageError(
            f"strength {strength:g} cannot be reached by selection on the outcome",
            expected=f"at most {strength + reached.max() / world.roles.largest_effect:.2f} in this world",
            found=f"{strength:g}",
            fix="lower strength or raise response",
        )
    first = int(np.argmax(reached >= 0))
    world = selected(brentq(excess, slopes[first - 1], slopes[first], xtol=1e-12) if strength else 0.0)
    assert isinstance(world.face_value, OutcomeSelection)
    answers = _Answers(world.face_value)
    columns = (*factors("mobile"), *factors("reach", group="shadow"), Column("observed", answers.flag))
    return replace(world, recording=Recording(columns, outcome=answers.score))


def _compose(card: FamilyCard, dials: Mapping[str, DialValue], streams: Streams) -> World:
    world = randomise(
        compose_world(
            card,
            dials,
            streams,
            factors=(MOOD, MOBILE, ANSWER),
            features=standardised(MOOD),
            coefficients=np.ones(1),
            prognostic=REACH if dials["rule"] == "extreme" else None,
            recording=Recording(),
        )
    )
    rule = _clicked if dials["rule"] == "clicked" else _extreme
    return rule(world, float(dials["response"]))


FAMILY = Family(CARD, _compose)
