"""mixture: a large confounded log with a small randomised slice in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.dials import OVERLAP, STRENGTH, Dial, DialValue, domain_dial
from simulators.family import Family, FamilyCard
from simulators.law.assignment import SlicedAssignment
from simulators.law.population import Factor, standardised
from simulators.law.recording import Column, Recording, Rows, factors
from simulators.standard import apply_overlap, compose_world, rule_of
from simulators.strength import solve_strength
from simulators.world import World

MOOD, MOBILE = Factor("mood"), Factor("mobile", "bernoulli", (0.4,))
# the randomised rows have weights of one, so the share of the whole log is a little larger
CONFOUNDED_OVERLAP = replace(OVERLAP, summary=f"{OVERLAP.summary}; of the rows not assigned at random")
SHARE = Dial("share", 0.15, "share of rows whose text was assigned at random", 0.005, 0.9)

CARD = FamilyCard(
    name="mixture",
    situation="What decides phrasing and score was not recorded, but for a small flagged share of rows the "
    "phrasing was assigned at random.",
    dials=(STRENGTH, CONFOUNDED_OVERLAP, SHARE, domain_dial()),
    identified_by="the randomised slice; the rest of the log can lend it precision",
    recover="combiners of slice and log",
    fail="the log alone, which is biased; the slice alone, which is small",
)


def _flag(rows: Rows) -> np.ndarray:
    return np.asarray(rows.people["trial"]).astype(np.int8)


def _compose(card: FamilyCard, dials: Mapping[str, DialValue], streams: Streams) -> World:
    world = apply_overlap(
        compose_world(
            card,
            dials,
            streams,
            factors=(MOOD, MOBILE),
            features=standardised(MOOD),
            coefficients=np.ones(1),
            text_features=standardised(MOOD, MOBILE),
            aim=np.array([1.0, 0.4]),
            recording=Recording((*factors("mobile"), Column("randomised", _flag))),
        )
    )
    trial = Factor("trial", "bernoulli", (float(dials["share"]),))
    world = replace(
        world,
        population=replace(world.population, factors=(*world.population.factors, trial)),
        rule=SlicedAssignment(rule_of(world), "trial", world.marginals[0]),
    )
    return solve_strength(world, float(dials["strength"]))


FAMILY = Family(CARD, _compose)
