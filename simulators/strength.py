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

MOST, ROUNDING = 1e3, 1e-9


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
        start = _limits(world, 0.0)
        gained = (_limits(world, 1.0) - start)[decoys]
        target = strength * (unit or world.roles.largest_effect)
        # what decoys look like without confounding: nothing, unless the log lacks some texts or phrases
        start = np.where(np.abs(start) > ROUNDING, start, 0.0)[decoys]
        if start.max() > target:
            raise _unreachable(strength, f"{start.max() / target * strength:.3g} without any confounding")
        delta = ((target - start) / np.maximum(gained, 1e-300)).min()
        if not delta < MOST:
            raise _unreachable(strength, f"no solution up to scale {delta:.3g}")
        return with_delta(world, float(delta))

    def excess(delta: float) -> float:
        truth = with_delta(world, delta).truth
        return float(truth.naive_effects[decoys].max() - strength * (unit or truth.effects.max()))

    high, most = 1.0, _largest_scale(world)
    while (beyond := excess(min(high, most))) < 0:
        if high >= most:
            reached = strength + beyond / (unit or with_delta(world, most).truth.effects.max())
            raise _unreachable(strength, f"at most {reached:.3g}")
        high *= 1.6
    return with_delta(world, brentq(excess, 0.0, min(high, most), xtol=1e-10, rtol=1e-10))


def _largest_scale(world: SimulatedWorld) -> float:
    """The largest scale of confounding at which outcomes are still measured as the link says."""
    law, outcome = world.law, world.outcome
    pushed = outcome.confounding(law.people).max()
    room = world.feedback.largest - world.mechanism.base.max() - outcome.prognoses(law.people).max()
    if world.wording is not None:
        room -= world.wording.span(len(world.roles.names))[1]
    return float(min(MOST / 10, room / max(pushed, 1e-300)))


def orient_confounding(world: SimulatedWorld) -> SimulatedWorld:
    """The world with confounding reversed if the decoy that it moves most would look bad.

    Strength is the naive limit of the decoy that looks best. Where signs are drawn by fair chance, reversing
    all of them at once is a draw as likely as the first.
    """
    decoys = np.flatnonzero(world.biasable & (world.roles.effects == 0))
    biased = (_limits(world, 1.0) - _limits(world, 0.0))[decoys]
    if not len(decoys) or biased[np.argmax(np.abs(biased))] >= 0:
        return world
    return replace(world, outcome=replace(world.outcome, coefficients=-world.outcome.coefficients))


def _limits(world: SimulatedWorld, delta: float) -> np.ndarray:
    return with_delta(world, delta).truth.naive_effects


def _unreachable(strength: float, found: str) -> UsageError:
    return UsageError(
        f"strength {strength:g} cannot be reached in this world",
        expected="a strength that some finite scale of confounding produces",
        found=found,
        fix="lower strength, or lower the overlap parameter so that texts respond more to people",
    )
