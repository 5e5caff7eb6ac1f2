"""objective: what a user wants decides both what they ask and which text they prefer.

After Kobalczyk and van der Schaar (ICML 2025): ``P(type of prompt = objective)``, their rho, is the
parameter ``agreement``. Rewards are asked for at prompts whose type is not the user's objective, and the
objective comes with them as context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.assignment import PromptLaw
from simulators.law.feedback import preference
from simulators.law.outcome import additive_base
from simulators.law.population import Factor, People, no_features
from simulators.law.recording import Recording, factors
from simulators.parameters import Parameter, Value, text_parameters
from simulators.queries import QueryLaw
from simulators.standard import compose_world, randomise
from simulators.world import SimulatedWorld

OBJECTIVE = Factor("objective", "bernoulli")
AGREEMENT = Parameter(
    "agreement",
    0.9,
    "how often the type of prompt is the user's objective; 1 leaves no overlap",
    0.5,
    1.0,
    formerly="rho",
)
CAUSAL_TYPE = Parameter("causal_type", False, "whether the type of prompt itself changes what is preferred")

CARD = FamilyCard(
    name="objective",
    situation="Users bring the prompts that suit their objective, so what they prefer seems to belong to the "
    "prompt rather than to them.",
    parameters=(AGREEMENT, CAUSAL_TYPE, *text_parameters()),
    strategies=("randomised",),
    recover="a head for each objective; an adversary in between",
    fail="ignoring the objective; the adversary at agreement 1 or where the type is causal",
    log_kind="pairs",
)


class _Classes:
    """P(type of prompt | objective)."""

    def __init__(self, agreement: float) -> None:
        self.agreement = agreement

    def __call__(self, people: People) -> np.ndarray:
        wanted = np.asarray(people["objective"])[:, None] == np.arange(2)
        return np.where(wanted, self.agreement, 1 - self.agreement)


def _disagree(streams: Streams, effects: np.ndarray) -> np.ndarray:
    """Effects under the other objective: the prior's, given that the two correlate below -0.2."""
    rng = streams.rng("other objective")
    while True:
        other = rng.permutation(effects) * rng.uniform(0.7, 1.3, len(effects))
        if np.corrcoef(effects, other)[0, 1] < -0.2:
            return other


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(OBJECTIVE,),
        features=no_features(),
        coefficients=np.zeros(0),
        recording=Recording(factors("objective", group="context")),
        feedback=preference(),
    )
    n_attributes, n_prompts = len(world.domain.attributes), len(world.domain.prompts)
    other = _disagree(streams, world.roles.effects)
    classes = streams.rng("types").permutation(np.arange(n_prompts) % 2)
    both = (world.roles.effects, other)
    base = np.concatenate([additive_base(effects, world.roles.prompt_intercepts) for effects in both])
    if parameters["causal_type"]:
        moved = additive_base(
            0.7 * streams.rng("type effects").normal(size=n_attributes), np.zeros(n_prompts)
        )
        moved = moved / float(parameters["noise"])
        base = base + (2 * classes - 1)[None, :, None] * moved
    world = replace(
        world,
        prompt_law=PromptLaw(classes, _Classes(float(parameters["agreement"]))),
        outcome=replace(world.outcome, base=base),
        context="objective",
        query_law=QueryLaw(asked=classes[None] != np.arange(2)[:, None]),
    )
    return randomise(world)


FAMILY = Family(CARD, _compose)
