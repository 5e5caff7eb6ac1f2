"""robust: covariates are recorded through a distortion, and each nuisance is linear in them or not (2 x 2).

After Kang and Schafer (2007, doi:10.1214/07-STS227): what is recorded is an invertible but distorting
transform of what people are like. With z a person's habit the log holds ``x = sinh(z)``, which exaggerates
the extremes. A nuisance that is well specified responds to x, in log odds (texts) or in the mean (outcomes);
one that is not responds to ``z**2 + z / 2``: those far from the average, on either side, stand out.

A regression on x is itself right where texts respond linearly *on the probability scale*, so attributes are
rare or common (in log odds -2 or 2 for the average person), where log odds that are linear in x curve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, Features, People, scaled_features
from simulators.law.recording import PROPENSITIES, Column, Recording, Rows
from simulators.law.roles import draw_roles
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import apply_parameters, choose_domain, compose_world, draw_coefficients
from simulators.world import SimulatedWorld

HABITS = tuple(Factor(name, "normal", nodes=24) for name in ("visits", "spending", "tenure"))
RARITY = 2.0
WRONG = Parameter(
    "wrong",
    "outcome",
    "which responses are not linear in what is recorded",
    choices=("none", "outcome", "propensity", "both"),
)
LOGGED = Parameter("logged", False, "whether propensities are logged")

CARD = FamilyCard(
    name="robust",
    situation="What readers are like was recorded in units that exaggerate the extremes, so a linear model "
    "of who is shown what, or of who scores how, may be wrong.",
    parameters=(STRENGTH, OVERLAP, WRONG, LOGGED, *text_parameters()),
    strategies=("back-door",),
    recover="doubly robust learners unless both are wrong; flexible nuisances always",
    fail="linear outcome models where outcome is wrong, estimated weights where propensity is wrong",
)


def _recorded(people: People) -> np.ndarray:
    return np.sinh(np.stack([np.asarray(people[habit.name]) for habit in HABITS], axis=-1))


def _distorted(people: People) -> np.ndarray:
    habits = np.arcsinh(_recorded(people))
    return habits**2 + habits / 2


def _columns(recorded: bool) -> Features:
    names = tuple(habit.name + ("" if recorded else "_extremity") for habit in HABITS)
    return scaled_features(names, HABITS, _recorded if recorded else _distorted)


@dataclass(frozen=True)
class _Exaggerated:
    habit: str

    def __call__(self, rows: Rows) -> np.ndarray:
        return np.sinh(rows.people[self.habit])


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain, wrong = choose_domain(parameters), str(parameters["wrong"])
    roles = draw_roles(streams, len(domain.attributes), len(domain.prompts))
    sides = np.where(streams.rng("rarity").random(len(roles.names)) < 0.5, RARITY, -RARITY)
    # a responding attribute is rare where it is to look good: its chances then bend the way outcomes do
    intercepts = np.where(roles.directions != 0, -RARITY * roles.directions, sides)
    recorded = tuple(Column(f"covariate.{habit.name}", _Exaggerated(habit.name)) for habit in HABITS)
    return apply_parameters(
        compose_world(
            card,
            parameters,
            streams,
            factors=HABITS,
            features=_columns(wrong in ("none", "propensity")),
            text_features=_columns(wrong in ("none", "outcome")),
            coefficients=np.abs(draw_coefficients(streams, len(HABITS))),
            domain=domain,
            roles=replace(roles, intercepts=intercepts),
            recording=Recording(recorded + (PROPENSITIES if parameters["logged"] else ())),
        )
    )


FAMILY = Family(CARD, _compose)
