"""interaction: effects differ between people; the target is their average over everyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families.observed import CONFOUNDERS
from simulators.law.population import standardised
from simulators.law.recording import PROPENSITIES, Recording, factors
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import apply_parameters, change_rule, compose_world, rule_of
from simulators.world import SimulatedWorld

MODIFICATION = Parameter(
    "modification", 1.0, "size of effect modification, relative to additive confounding", 0.0, 4.0
)
SKEW = -1.2

CARD = FamilyCard(
    name="interaction",
    situation="Phrasings are shown mostly to the readers they suit, so their average effect is not the "
    "effect seen among those who were shown them.",
    parameters=(STRENGTH, OVERLAP, MODIFICATION, *text_parameters()),
    strategies=("back-door", "propensity"),
    recover="outcome models averaged over covariates, doubly robust, logged propensities",
    fail="subtracting an additive function of the covariates",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    world = compose_world(
        card,
        parameters,
        streams,
        factors=CONFOUNDERS,
        features=standardised(*CONFOUNDERS),
        recording=Recording(factors("engagement", "recency", "mobile") + PROPENSITIES),
    )
    # attributes are rare, so that those who gain most by one differ most in whether they are shown it
    rule = rule_of(world)
    world = change_rule(world, intercepts=SKEW + rule.intercepts)
    modification = float(parameters["modification"]) * rule.weights.T
    return apply_parameters(replace(world, outcome=replace(world.outcome, modification=modification)))


FAMILY = Family(CARD, _compose)
