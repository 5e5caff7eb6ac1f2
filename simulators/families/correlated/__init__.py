"""correlated: two latent features of a text go together, so pairs that trade one for the other are rare.

After the first experiment of Kobalczyk and van der Schaar (ICML 2025): ``r = 1/4 z_1 + 3/4 z_2`` up to
scale, ``corr(z_1, z_2)`` a parameter in the log, rewards asked for on pairs in which one text has more of
the first feature and the other more of the second (quadrants II and IV of the differences). There
features are a judge's grades and labels have no noise; here a feature is how many of three
attributes a text has, and labels are Bradley-Terry. Nothing is confounded: the variance is the trouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families.correlated.joint import JointRule, tie_features
from simulators.law.codes import all_attributes
from simulators.law.feedback import preference
from simulators.law.population import Factor, no_features
from simulators.law.recording import Recording
from simulators.law.roles import BENEFICIAL, INERT, draw_roles
from simulators.parameters import Parameter, Value, text_parameters
from simulators.queries import QueryLaw
from simulators.standard import choose_domain, compose_world
from simulators.world import SimulatedWorld

SIZE, SCALE = 3, 2.0
CORRELATION = Parameter("correlation", 0.6, "correlation of the two features in the log", 0.0, 0.95)
FIRST = Parameter("first", 0.25, "weight of the first feature; the second has the rest", 0.0, 1.0)
PAIRS = Parameter(
    "pairs",
    "opposed",
    "which pairs are asked about: opposed, one text ahead in each feature; logged, as in the log",
    choices=("opposed", "logged"),
)

CARD = FamilyCard(
    name="correlated",
    situation="Two qualities of a text nearly always come together, so few pairs tell how people trade one "
    "for the other.",
    parameters=(CORRELATION, FIRST, PAIRS, *text_parameters()),
    strategies=("randomised",),
    recover="any preference learner on enough pairs; penalties that split the features cost rows",
    fail="learners judged on pairs like the log's, which hide what was not learnt",
    log_kind="pairs",
)


@dataclass(frozen=True, eq=False)
class _Opposed:
    """1 where one text is ahead in the first feature and the other in the second, else 0."""

    counts: np.ndarray

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        levels = all_attributes(self.counts.shape[1]) @ self.counts.T
        return ((levels[first] - levels[second]).prod(axis=1) < 0).astype(np.float64)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain = choose_domain(parameters)
    n_attributes = len(domain.attributes)
    members = streams.rng("features").permutation(n_attributes)[: 2 * SIZE].reshape(2, SIZE)
    counts = np.zeros((2, n_attributes))
    np.put_along_axis(counts, members, 1.0, axis=1)
    weights = np.array([float(parameters["first"]), 1 - float(parameters["first"])])
    # a feature of independent fair attributes has standard deviation sqrt(SIZE) / 2
    effects = SCALE * (weights @ counts) * 2 / np.sqrt(SIZE)
    roles = replace(
        draw_roles(streams, n_attributes, len(domain.prompts)),
        names=tuple(BENEFICIAL if effect > 0 else INERT for effect in effects),
        effects=effects,
        directions=np.zeros(n_attributes),
        largest_effect=float(effects.max()),
    )
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(Factor("annotator", nodes=1),),
        features=no_features(),
        coefficients=np.zeros(0),
        recording=Recording(),
        roles=roles,
        feedback=preference(),
    )
    chances = np.where(counts.any(axis=0), 0.5, 1 / (1 + np.exp(-roles.intercepts)))
    opposed = parameters["pairs"] == "opposed"
    return replace(
        world,
        rule=JointRule(tie_features(chances, counts, float(parameters["correlation"]))),
        query_law=QueryLaw(pair_weights=_Opposed(counts)) if opposed else QueryLaw(as_logged=True),
    )


FAMILY = Family(CARD, _compose)
