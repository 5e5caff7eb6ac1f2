"""brief: what the prompt asks for drives phrasing and score, and the prompt's text is the only record of it.

Every row has a brief of its own, so no prompt is seen twice and there is nothing to match. What a brief
asks for (its features, see ``simulators.text.briefs``) can be read from its words. Writers and readers
respond to every feature and to one drawn pair of them together. The naive limit pools briefs: it is
``E[Y | topic, text]``, where a regression on text features with prompts that never repeat ends up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, People, scaled_features
from simulators.law.recording import Recording
from simulators.law.roles import draw_roles
from simulators.parameters import OVERLAP, PROMPTS, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import apply_parameters, compose_world
from simulators.text import load_domain, name_domain
from simulators.text.briefs import FreshBriefs
from simulators.world import SimulatedWorld

FRESH = Parameter("prompts", "unique", "every row has a brief of its own", choices=("unique",))

CARD = FamilyCard(
    name="brief",
    situation="What a brief asks for decides which phrasing the copywriter chooses and how well it does; no "
    "brief comes twice, and nothing but its words is recorded.",
    parameters=(STRENGTH, OVERLAP, *(FRESH if p is PROMPTS else p for p in text_parameters())),
    strategies=("back-door",),
    recover="adjustment for a representation of the prompt's text",
    fail="regression on the text alone; covariate columns and pairs of one prompt, of which there are none",
)


@dataclass(frozen=True)
class _Asked:
    """Features of a brief, -1 or 1, and the product of two of them."""

    names: tuple[str, ...]
    pair: tuple[int, int]

    def __call__(self, people: People) -> np.ndarray:
        signs = np.stack([2.0 * np.asarray(people[name]) - 1 for name in self.names], axis=-1)
        return np.column_stack([signs, signs[:, self.pair[0]] * signs[:, self.pair[1]]])


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain = load_domain(name_domain(str(parameters["domain"]), "features"))
    writer = domain.prompt_writer
    assert isinstance(writer, FreshBriefs)
    names = writer.briefs.features
    factors = tuple(Factor(name, "bernoulli") for name in names)
    first, second = sorted(streams.rng("pair").choice(len(names), 2, replace=False).tolist())
    columns = (*names, f"{names[first]}_and_{names[second]}")
    roles = draw_roles(streams, len(domain.attributes), len(writer.briefs.topics))
    world = compose_world(
        card,
        parameters,
        streams,
        factors=factors,
        features=scaled_features(columns, factors, _Asked(names, (first, second))),
        domain=domain,
        roles=replace(roles, prompt_intercepts=roles.prompt_intercepts[domain.topic_ids]),
        recording=Recording(),
    )
    told = replace(world.prompt_law, told=names, telling=writer.features)
    return apply_parameters(replace(world, prompt_law=told))


FAMILY = Family(CARD, _compose)
