"""Pair skew: how often the text with a marker wins a same-prompt pair of logged impressions.

For two impressions of one prompt, one with attribute k and one without,
``P(Y_on > Y_off) = E Phi((Delta base + delta Delta g) / (sqrt 2 sd))``, people following
their law given the attribute, the other attributes P_int. Exact for normal noise when the
marker alone responds to people.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from simulators.law.codes import all_attributes, encode, product_law
from simulators.strength import with_delta
from simulators.world import World


def pair_skew(world: World, attribute: int) -> float:
    """P(the impression with the attribute outscores the one without)."""
    chance = world.law.probabilities[:, attribute]
    weights = world.law.weights.sum(axis=1)
    on, off = weights * chance, weights * (1 - chance)
    pushed = world.outcome.delta * world.outcome.confounding(world.law.people)
    others = np.delete(np.arange(len(world.roles.names)), attribute)
    codes = encode(np.insert(all_attributes(len(others)), attribute, 0, axis=1))
    law = product_law(world.marginals[0, others])
    base = world.outcome.base[0, 0]
    left = (base[codes + (1 << attribute)][:, None] + pushed).ravel()
    right = (base[codes][:, None] + pushed).ravel()
    left_law = np.outer(law, on / on.sum()).ravel()
    right_law = np.outer(law, off / off.sum()).ravel()
    scale = np.sqrt(2 * world.feedback.noise_variance)
    return float(left_law @ ndtr((left[:, None] - right) / scale) @ right_law)


def limit_for_skew(world: World, attribute: int, skew: float) -> float:
    """The naive limit of an attribute at which its pair skew takes a value in (0.5, 1)."""
    delta = brentq(lambda d: pair_skew(with_delta(world, d), attribute) - skew, 0.0, 5.0, xtol=1e-9)
    return float(with_delta(world, delta).truth.naive_effects[attribute])
