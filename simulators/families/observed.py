"""observed: every confounder is recorded and confounding is additive."""

from __future__ import annotations

from collections.abc import Mapping

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, standardised
from simulators.law.recording import PROPENSITIES, Recording, factors
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import apply_parameters, compose_world
from simulators.world import SimulatedWorld

CONFOUNDERS = (
    Factor("engagement", "normal"),
    Factor("recency", "uniform", nodes=16),
    Factor("mobile", "bernoulli", (0.4,)),
)
LOYALTY = Factor("loyalty", "normal", nodes=1)
FEEDBACK = Parameter(
    "feedback", "scalar", "what is measured", choices=("scalar", "binary", "count", "rating")
)

CARD = FamilyCard(
    name="observed",
    situation="Readers who score everything higher are also shown some phrasings more often, and all that "
    "drives this is recorded.",
    parameters=(STRENGTH, OVERLAP, FEEDBACK, *text_parameters()),
    strategies=("back-door", "propensity"),
    recover="covariate regression, partial-out, inverse propensity weights, doubly robust, matching",
    fail="taking the outcome at face value; subtracting the marginal fit of the outcome on covariates",
)


def compose_observed(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    """The world before its card is its own; shared with the randomised control."""
    recorded = factors("engagement", "recency", "mobile")
    if parameters.get("feedback", "scalar") == "scalar":
        recorded += factors("loyalty")
    return apply_parameters(
        compose_world(
            card,
            parameters,
            streams,
            factors=CONFOUNDERS,
            features=standardised(*CONFOUNDERS),
            prognostic=LOYALTY,
            recording=Recording(recorded + PROPENSITIES),
        )
    )


FAMILY = Family(CARD, compose_observed)
