"""heterogeneous: annotators of a few latent types rank texts, and the types disagree.

The truth is mean utility over types. Pairs do not identify the types of annotators, rankings
of three do (EM-DPO, arXiv 2510.15716).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.feedback import Feedback, preference
from simulators.law.population import Factor, Features, People
from simulators.law.recording import Column, Recording, Rows
from simulators.parameters import Parameter, Value, text_parameters
from simulators.standard import compose_world, randomise
from simulators.strength import with_delta
from simulators.world import SimulatedWorld

ROWS_EACH = 8
TYPES = Parameter("types", 2, "how many latent types of annotators", 2, 4)
DISAGREEMENT = Parameter(
    "disagreement", 1.0, "standard deviation of attribute effects across types", 0.0, 4.0
)
FEEDBACK = Parameter("feedback", "ranking", "what annotators give", choices=("ranking", "preference"))
FLIPS = Parameter("flips", 0.0, "share of pairs written down the wrong way round", 0.0, 0.45)
TIES = Parameter("ties", 0.0, "difference in felt utility below which a pair is recorded as a tie", 0.0, 3.0)

CARD = FamilyCard(
    name="heterogeneous",
    situation="Annotators come in types that want different things, nobody recorded who is which, and a "
    "reward for all of them serves some badly.",
    parameters=(TYPES, DISAGREEMENT, FEEDBACK, FLIPS, TIES, *text_parameters()),
    strategies=("randomised",),
    recover="mixtures of rewards, by their worst group",
    fail="one reward for all",
    log_kind="rankings",
)


class _Types:
    """Centred indicators of the first types but one."""

    def __init__(self, shares: np.ndarray) -> None:
        self.shares = shares

    def __call__(self, people: People) -> np.ndarray:
        kinds = np.asarray(people["type"]).astype(int)
        return (kinds[:, None] == np.arange(len(self.shares))) - self.shares


def _unit(rows: Rows) -> np.ndarray:
    return (rows.start + np.arange(len(rows))) // ROWS_EACH


def _tie(rows: Rows, feedback: Feedback) -> np.ndarray:
    return feedback.tied(rows.outcomes).astype(np.int8)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    n_types, flips, ties = int(parameters["types"]), float(parameters["flips"]), float(parameters["ties"])
    slots = 3 if parameters["feedback"] == "ranking" else 2
    if slots == 3 and (flips or ties):
        raise UsageError("rankings have neither flips nor ties", fix="set feedback=preference")
    feedback = preference(slots, flips, ties)
    shares = np.linspace(1.5, 1.0, n_types)
    shares = shares / shares.sum()
    kind = Factor("type", "categorical", tuple(shares), repeat=ROWS_EACH)
    tie = (Column("tie", partial(_tie, feedback=feedback)),) if ties else ()
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(kind,),
        features=Features(tuple(f"type_{i + 1}" for i in range(n_types)), _Types(shares)),
        coefficients=np.zeros(n_types),
        aim=np.ones(n_types),
        recording=Recording((Column("unit", _unit), *tie)),
        feedback=feedback,
    )
    tastes = streams.rng("tastes").normal(size=(n_types, len(world.roles.names)))
    tastes = tastes - shares @ tastes
    tastes *= float(parameters["disagreement"]) / float(parameters["noise"]) / np.sqrt(shares @ tastes**2)
    world = replace(
        world,
        outcome=replace(world.outcome, modification=tastes),
        latent="type",
    )
    return with_delta(randomise(world), 1.0)


FAMILY = Family(CARD, _compose)
