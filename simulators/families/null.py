"""null: confounded like `observed`, but no attribute has any effect."""

from __future__ import annotations

from collections.abc import Mapping

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families.observed import CONFOUNDERS, LOYALTY
from simulators.law.population import standardised
from simulators.law.recording import PROPENSITIES, Recording, factors
from simulators.law.roles import draw_roles
from simulators.parameters import OVERLAP, STRENGTH, Value, text_parameters
from simulators.standard import apply_parameters, choose_domain, compose_world
from simulators.world import SimulatedWorld

CARD = FamilyCard(
    name="null",
    situation="No phrasing has any effect, yet some look good because of who was shown them.",
    parameters=(STRENGTH, OVERLAP, *text_parameters()),
    strategies=("back-door", "propensity"),
    recover="adjusters, by finding nothing",
    fail="taking the outcome at face value, which finds effects",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain = choose_domain(parameters)
    roles = draw_roles(streams, len(domain.attributes), len(domain.prompts)).without_effects()
    recorded = factors("engagement", "recency", "mobile", "loyalty")
    return apply_parameters(
        compose_world(
            card,
            parameters,
            streams,
            factors=CONFOUNDERS,
            features=standardised(*CONFOUNDERS),
            prognostic=LOYALTY,
            recording=Recording(recorded + PROPENSITIES),
            roles=roles,
        )
    )


FAMILY = Family(CARD, _compose)
