"""Worlds whose attribute vectors are listed: a standard world gets a tabulated rule.

For domains that cannot write every attribute vector. A vector that cannot be written is worth the
worst that can, as any text off the grammar is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from benchmark.contract.errors import UsageError
from simulators.law.assignment import solve_overlap
from simulators.law.codes import encode
from simulators.law.roles import DECOY
from simulators.law.tabulated import TabulatedRule, worst_elsewhere
from simulators.standard import rule_of
from simulators.strength import solve_strength, with_delta
from simulators.world import SimulatedWorld


def list_vectors(
    world: SimulatedWorld, vectors: np.ndarray, base: np.ndarray, strata: np.ndarray
) -> SimulatedWorld:
    """The world with its rule over listed vectors, tilted as its plain rule's weights say.

    Args:
        world: A composed world with a plain rule.
        vectors: The vectors that exist, shape (V, K).
        base: Law of vectors by prompt class before anybody tilts it, shape (C, V).
        strata: Stratum of each vector, shape (V,).
    """
    plain = rule_of(world)
    rule = TabulatedRule(vectors, base, strata, plain.weights, plain.features)
    exists = np.zeros((len(base), world.outcome.base.shape[-1]))
    exists[:, encode(vectors)] = base
    held = worst_elsewhere(world.outcome.base, exists[world.prompt_law.classes])
    return replace(world, rule=rule, outcome=replace(world.outcome, base=held))


def apply_listed_parameters(world: SimulatedWorld) -> SimulatedWorld:
    """The world with its parameters for overlap and strength applied, and its unit of strength recorded.

    Strength is the naive limit of the worst decoy. Where no attribute is without effect it is
    the bias of the most flattered attribute, which for a decoy is the same thing.
    """
    rule, parameters = world.rule, world.parameters
    assert isinstance(rule, TabulatedRule)
    rule = solve_overlap(rule, world.population, world.prompt_law, float(parameters["overlap"]))
    world, strength = replace(world, rule=rule), float(parameters["strength"])
    if DECOY in world.roles.names:
        world = solve_strength(world, strength)
    else:
        world = _solve_bias(world, strength)
    # the outcome has a scale of its own, so the unit is known only now
    return replace(world, roles=replace(world.roles, largest_effect=float(world.truth.effects.max())))


def _solve_bias(world: SimulatedWorld, strength: float) -> SimulatedWorld:
    def excess(delta: float) -> float:
        truth = with_delta(world, delta).truth
        return float((truth.naive_effects - truth.effects).max() - strength * truth.effects.max())

    if strength == 0:
        return with_delta(world, 0.0)
    high = 1.0
    while excess(high) < 0:
        high *= 2
        if high > 100:
            raise UsageError(
                f"strength {strength:g} cannot be reached in this world",
                expected="a strength that some finite scale of confounding produces",
                fix="lower strength, or lower the overlap parameter so that texts respond more to people",
            )
    return with_delta(world, brentq(excess, 0.0, high, xtol=1e-10, rtol=1e-10))
