"""prefix: an opening that does nothing was added to texts after they were compared, mostly to the winners.

The simulator of Factored Causal Representation Learning (arXiv 2601.21350): a fixed opening is put
before the chosen text with probability .8 and before the rejected with .2; tested at .3 and .3. By
Bayes' rule the log is a Bradley-Terry log in which the opening is worth ``logit .8 - logit .2 = log 16``
and everything else what it truly is; hence the exact naive limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.assignment import constant_assignment
from simulators.law.codes import all_attributes
from simulators.law.feedback import preference
from simulators.law.population import Factor, no_features
from simulators.law.recording import LogEdits, Recording
from simulators.law.roles import draw_roles, mark_roles
from simulators.parameters import Parameter, Value, text_parameters
from simulators.standard import choose_domain, compose_world
from simulators.world import SimulatedWorld

CHOSEN = Parameter("chosen", 0.8, "share of chosen texts given the opening", 0.02, 0.98)
REJECTED = Parameter("rejected", 0.2, "share of rejected texts given the opening", 0.02, 0.98)
TESTED = Parameter("tested", 0.3, "share of the texts asked about that have the opening", 0.02, 0.98)

CARD = FamilyCard(
    name="prefix",
    situation="An opening that nobody cares for was put before texts after they had been compared, and "
    "mostly before the winners.",
    parameters=(CHOSEN, REJECTED, TESTED, *text_parameters("answers")),
    strategies=(),
    recover="rewards that cannot see the opening",
    fail="every reward learnt from the pairs as they are",
    log_kind="pairs",
)


@dataclass(frozen=True)
class _Opening:
    """What the opening does to a log, in rows and in the limit."""

    attribute: int
    chosen: float
    rejected: float

    def add(self, attributes: np.ndarray, outcomes: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        written = attributes.copy()
        share = np.where(outcomes == outcomes.max(axis=0), self.chosen, self.rejected)
        written[..., self.attribute] = uniforms[..., self.attribute] < share
        return written

    def limit(self, utilities: np.ndarray) -> np.ndarray:
        shown = all_attributes(utilities.shape[-1].bit_length() - 1)[:, self.attribute]
        return utilities + (logit(self.chosen) - logit(self.rejected)) * shown


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain = choose_domain(parameters)
    drawn = draw_roles(streams, len(domain.attributes), len(domain.prompts))
    roles, marker = mark_roles(drawn, domain.attributes)
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
    opening = _Opening(marker, float(parameters["chosen"]), float(parameters["rejected"]))
    logged = expit(roles.intercepts)
    logged[marker] = (opening.chosen + opening.rejected) / 2
    tested = logged.copy()
    tested[marker] = float(parameters["tested"])
    return replace(
        world,
        # the opening came after the choice, so nothing about it was weighed
        texture=None if world.texture is None else world.texture.without(marker),
        rule=replace(constant_assignment(logged), tested=tested),
        edits=LogEdits(recorded_mean=opening.limit, rewrite=opening.add),
    )


FAMILY = Family(CARD, _compose)
