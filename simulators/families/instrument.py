"""instrument: the confounder is unrecorded, but every attribute has its own random nudge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, Features, People
from simulators.law.recording import Recording, factors
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import apply_parameters, change_rule, choose_domain, compose_world, rule_of
from simulators.world import SimulatedWorld

PUSH = Parameter("push", 1.2, "how hard a nudge pushes its attribute, relative to the confounder", 0.05, 3.0)
DIRECT = Parameter("direct", 0.0, "effect of nudges on the outcome itself (breaks exclusion)", 0.0, 2.0)
DEPENDENT = Parameter(
    "dependent", 0.0, "how far nudges go with the confounder (breaks independence)", 0.0, 2.0
)

CARD = FamilyCard(
    name="instrument",
    situation="What decides both phrasing and score was not recorded, but for every attribute an independent "
    "coin nudged the writer towards it.",
    parameters=(STRENGTH, OVERLAP, PUSH, DIRECT, DEPENDENT, *text_parameters()),
    strategies=("instrument",),
    recover="two-stage least squares",
    fail="all that ignores the nudges; two-stage least squares where a nudge acts directly or is no coin",
)


@dataclass(frozen=True)
class _Drivers:
    """Mood (which goes with the nudges where they are dependent), then each nudge as +-1."""

    nudges: tuple[str, ...]
    dependent: float

    def __call__(self, people: People) -> np.ndarray:
        signs = np.stack([2 * np.asarray(people[name]) - 1 for name in self.nudges], axis=-1)
        common = signs.sum(axis=-1) / np.sqrt(len(self.nudges))
        mood = (np.asarray(people["mood"]) + self.dependent * common) / np.sqrt(1 + self.dependent**2)
        return np.concatenate([mood[:, None], signs], axis=-1)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    nudges = tuple(f"nudge_{k + 1}" for k in range(len(choose_domain(parameters).attributes)))
    n_nudges, direct = len(nudges), float(parameters["direct"])
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(Factor("mood", nodes=12), *(Factor(name, "bernoulli") for name in nudges)),
        features=Features(("mood", *nudges), _Drivers(nudges, float(parameters["dependent"]))),
        coefficients=np.array([1.0] + [direct / np.sqrt(n_nudges)] * n_nudges),
        aim=np.array([1.0] + [0.0] * n_nudges),
        spread=0.0,
        recording=Recording(factors(*nudges, group="instrument")),
    )
    weights = rule_of(world).weights.copy()
    weights[:, 1:] = float(parameters["push"]) * np.eye(n_nudges)
    return apply_parameters(change_rule(world, weights=weights))


FAMILY = Family(CARD, _compose)
