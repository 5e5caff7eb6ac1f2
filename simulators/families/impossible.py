"""impossible: a log whose law does not depend on the truth. A method that beats chance is cheating.

``a_k = u_k`` in the log, u hidden, and ``Y = sum_k eps t_k a_k + sum_k (c_k - eps t_k) u_k + noise``:
in the log the sign eps cancels and ``Y = sum_k c_k u_k + noise``. eps is a fair coin of its own
stream, so over signs the mean regret of any method is at least one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.assignment import Assignment
from simulators.law.outcome import additive_base
from simulators.law.population import Factor, standardised
from simulators.law.recording import Recording, factors
from simulators.law.roles import BENEFICIAL, EFFECT_RANGE, HARMFUL, draw_roles
from simulators.parameters import Value, text_parameters
from simulators.standard import choose_domain, compose_world
from simulators.strength import with_delta
from simulators.world import SimulatedWorld

MOBILE = Factor("mobile", "bernoulli", (0.4,))

CARD = FamilyCard(
    name="impossible",
    situation="Who sees which phrasing is decided entirely by something unrecorded that also moves the "
    "score, and a coin outside the log decides whether phrasings help or harm.",
    parameters=text_parameters(texture=False),
    strategies=(),
    recover="no method",
    fail="every method; a mean regret below one half over many signs invalidates a run",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain = choose_domain(parameters)
    n_attributes = len(domain.attributes)
    roles = draw_roles(streams, n_attributes, len(domain.prompts))
    rng = streams.rng("apparent")
    sizes, signs = rng.uniform(*EFFECT_RANGE, (2, n_attributes)), rng.choice([-1.0, 1.0], (2, n_attributes))
    (unsigned, apparent), chances = sizes * signs, rng.uniform(0.35, 0.65, n_attributes)
    effects = streams.rng("sign").choice([-1.0, 1.0]) * unsigned
    names = tuple(BENEFICIAL if effect > 0 else HARMFUL for effect in effects)
    urges = tuple(Factor(f"urge_{k + 1}", "bernoulli", (float(p),)) for k, p in enumerate(chances))
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(*urges, MOBILE),
        features=standardised(*urges),
        coefficients=(apparent - effects) * np.sqrt(chances * (1 - chances)),
        roles=replace(roles, names=names, effects=effects, largest_effect=float(np.abs(effects).max())),
        recording=Recording(factors("mobile")),
    )
    rule = Assignment(np.zeros(n_attributes), np.eye(n_attributes), standardised(*urges), np.inf)
    base = additive_base(effects, roles.prompt_intercepts - chances @ effects)
    return with_delta(replace(world, rule=rule, outcome=replace(world.outcome, base=base)), 1.0)


FAMILY = Family(CARD, _compose)
