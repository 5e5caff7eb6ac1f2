"""Strength: how much confounding makes the worst decoy look as good as ``s`` best attributes.

``strength = s`` solves ``max over decoys L_k(delta) = s max_j tau_j(delta)``. Under the
identity link L is affine in delta; otherwise the root is searched.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from benchmark.contract.errors import UsageError
from simulators.world import SimulatedWorld

MOST = 1e3


def with_delta(world: SimulatedWorld, delta: float) -> SimulatedWorld:
    """The world with another scale of confounding."""
    return replace(world, outcome=world.outcome.scaled(delta))


def solve_strength(world: SimulatedWorld, strength: float, unit: float | None = None) -> SimulatedWorld:
    """The world whose worst decoy has naive limit ``strength`` times the unit.

    Args:
        world: A world with its logging rule fixed.
        strength: s, at least 0.
        unit: Replaces the largest true effect as the unit.

    Raises:
        UsageError: If the strength is negative or no scale of confounding reaches it.
    """
    if not strength >= 0:
        raise UsageError("strength cannot be negative", expected="a number >= 0", found=strength)
    if strength == 0:
        return with_delta(world, 0.0)
    decoys = np.flatnonzero(world.biasable & (world.roles.effects == 0))
    if not len(decoys):
        raise UsageError("no attribute without effect responds to people, so strength has no meaning here")
    if world.feedback.linear:
        biased = _limits(world, 1.0) - _limits(world, 0.0)
        delta = strength * (unit or world.roles.largest_effect) / max(biased[decoys].max(), 1e-300)
        if not delta < MOST:
            raise _unreachable(strength, delta)
        return with_delta(world, delta)

    def excess(delta: float) -> float:
        truth = with_delta(world, delta).truth
        return float(truth.naive_effects[decoys].max() - strength * (unit or truth.effects.max()))

    high = 1.0
    while excess(high) < 0:
        high *= 1.6
        if high > MOST / 10:
            raise _unreachable(strength, high)
    return with_delta(world, brentq(excess, 0.0, high, xtol=1e-10, rtol=1e-10))


def _limits(world: SimulatedWorld, delta: float) -> np.ndarray:
    return with_delta(world, delta).truth.naive_effects


def _unreachable(strength: float, delta: float) -> UsageError:
    return UsageError(
        f"strength {strength:g} cannot be reached in this world",
        expected="a strength that some finite scale of confounding produces",
        found=f"no solution up to scale {delta:.3g}",
        fix="lower strength, or lower the overlap parameter so that texts respond more to people",
    )
