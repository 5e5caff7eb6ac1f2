"""selection: the outcome is seen only where the reader answered, and phrasing moves who answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families.selection.answers import STEEPEST, Answers, solve_slope
from simulators.families.selection.outcome import OutcomeSelection
from simulators.law.population import Factor, standardised
from simulators.law.recording import LogEdits, Recording, factors
from simulators.law.selection import Selection
from simulators.parameters import STRENGTH, Parameter, Value, text_parameters
from simulators.standard import compose_world, randomise
from simulators.strength import solve_strength
from simulators.world import SimulatedWorld

MOOD, MOBILE = Factor("mood"), Factor("mobile", "bernoulli", (0.4,))
REACH, ANSWER = Factor("reach"), Factor("answer", "uniform", nodes=1)
RULE = Parameter(
    "rule",
    "clicked",
    "clicked: mood and phrasing decide who answers, and the chance is logged; extreme: the score itself and "
    "phrasing decide, and a shadow variable is logged",
    choices=("clicked", "extreme"),
)
RESPONSE = Parameter("response", 1.0, "how strongly phrasing moves who answers", 0.2, 3.0)
WILLINGNESS, SPREAD, HARDER = 0.3, 2.0, 3.75

CARD = FamilyCard(
    name="selection",
    situation="Texts were assigned at random, but only readers who answered left a score, and some phrasings "
    "are answered by the well-disposed alone.",
    parameters=(STRENGTH, RULE, RESPONSE, *text_parameters()),
    strategies=("selection-weights",),
    recover="weighting answers by one over their chance",
    fail="using the answered rows as they are",
)


def _clicked(world: SimulatedWorld, response: float) -> SimulatedWorld:
    # a phrasing answered by the well-disposed looks good among the answers
    rule = Selection(WILLINGNESS, standardised(MOOD), np.ones(1), response * world.roles.directions, "answer")
    answers = Answers(rule)
    recording = Recording((*factors("mobile"), answers.flag, answers.chance), outcome=answers.score)
    return solve_strength(
        replace(world, selection=rule, recording=recording), float(world.parameters["strength"])
    )


def _extreme(world: SimulatedWorld, response: float) -> SimulatedWorld:
    # a phrasing that keeps low scores from being left looks good among the answers; two phrasings do
    # something of the kind, for with more of them no rule of this form reaches a strength of 1
    roles, rng = world.roles, world.streams.rng("answering")
    good_looking = np.flatnonzero((roles.effects == 0) & (roles.directions > 0))
    decoy = rng.choice(good_looking)
    other = rng.choice(np.setdiff1d(np.flatnonzero(roles.directions), decoy))
    pushes = np.where(np.isin(np.arange(len(roles.names)), (decoy, other)), roles.directions, 0.0)
    pushes = -HARDER * response * pushes
    intercept = 1.0 - float(pushes @ world.marginals[0])
    # scores vary around their text's mean by the shadow variable and by noise
    (reach, reach_weights), (noise, noise_weights) = REACH.grid(), np.polynomial.hermite_e.hermegauss(40)
    world = replace(world, outcome=replace(world.outcome, prognosis=np.array([SPREAD])))
    scale = float(np.sqrt(world.feedback.noise_variance))
    offsets = np.add.outer(SPREAD * reach, scale * noise).ravel()
    weights = np.multiply.outer(reach_weights, noise_weights / noise_weights.sum()).ravel()
    seen = (*factors("mobile"), *factors("reach", group="shadow"))

    def selected(slope: float) -> SimulatedWorld:
        rule = OutcomeSelection(intercept, slope, pushes, offsets, weights, "answer")
        answers = Answers(rule)
        recording = Recording((*seen, answers.flag), outcome=answers.score)
        return replace(world, edits=LogEdits(recorded_mean=rule), recording=recording)

    return solve_slope(selected, float(world.parameters["strength"]), STEEPEST / scale)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    world = randomise(
        compose_world(
            card,
            parameters,
            streams,
            factors=(MOOD, MOBILE, ANSWER),
            features=standardised(MOOD),
            coefficients=np.ones(1),
            prognostic=REACH if parameters["rule"] == "extreme" else None,
            recording=Recording(),
        )
    )
    rule = _clicked if parameters["rule"] == "clicked" else _extreme
    return rule(world, float(parameters["response"]))


FAMILY = Family(CARD, _compose)
