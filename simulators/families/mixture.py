"""mixture: a large confounded log with a small randomised slice in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.families.hidden import ALL_RESPONDING, compose_unrecorded
from simulators.law.assignment import Assignment, IndependentLaw, PromptLaw, TextLaw
from simulators.law.population import Factor, People, Population
from simulators.law.recording import Column, Recording, Rows
from simulators.parameters import STRENGTH, Parameter, Value, text_parameters
from simulators.standard import rule_of
from simulators.strength import solve_strength
from simulators.world import SimulatedWorld

# the randomised rows have weights of one, so the share of the whole log is a little larger
CONFOUNDED_OVERLAP = replace(
    ALL_RESPONDING, summary=f"{ALL_RESPONDING.summary}; of the rows not assigned at random"
)
SHARE = Parameter("share", 0.15, "share of rows whose text was assigned at random", 0.005, 0.9)

CARD = FamilyCard(
    name="mixture",
    situation="Much of what decides phrasing and score was not recorded, but for a small flagged share of "
    "rows the phrasing was assigned at random.",
    parameters=(STRENGTH, CONFOUNDED_OVERLAP, SHARE, *text_parameters()),
    strategies=("slice",),
    recover="combiners of slice and log",
    fail="the log alone, which is biased; the slice alone, which is small",
)


@dataclass(frozen=True, eq=False)
class SlicedAssignment:
    """A rule that gives some rows, marked by a bernoulli factor, texts at random.

    Attributes:
        rule: Followed where the factor is 0.
        factor: Name of the factor.
        marginals: P(a_k = 1) where the factor is 1, shape (K,): the rule's own marginals.
    """

    rule: Assignment
    factor: str
    marginals: np.ndarray

    @property
    def responds(self) -> np.ndarray:
        """Which attributes respond to people at all, shape (K,), bool."""
        return self.rule.responds

    def probabilities(self, people: People) -> np.ndarray:
        """P(a_k = 1 | person), shape (n, K)."""
        chosen = self.rule.probabilities(people)
        return np.where((people[self.factor] == 1)[:, None], self.marginals, chosen)

    def rows_law(self, people: People, classes: np.ndarray) -> IndependentLaw:
        """The law of rows with these people, whatever their prompt classes."""
        return IndependentLaw(self.probabilities(people))

    def integrate(self, population: Population, prompt_law: PromptLaw) -> TextLaw:
        """The rule over a population."""
        return TextLaw.of(self, population, prompt_law)


def _flag(rows: Rows) -> np.ndarray:
    return np.asarray(rows.people["trial"]).astype(np.int8)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    world = compose_unrecorded(card, parameters, streams)
    trial = Factor("trial", "bernoulli", (float(parameters["share"]),))
    columns = (*world.recording.columns, Column("randomised", _flag))
    world = replace(
        world,
        population=replace(world.population, factors=(*world.population.factors, trial)),
        rule=SlicedAssignment(rule_of(world), "trial", world.marginals[0]),
        recording=Recording(columns),
    )
    return solve_strength(world, float(parameters["strength"]))


FAMILY = Family(CARD, _compose)
