"""Which board a world belongs to, by what identifies the effect of texts in it.

The causal graph of a world says which strategies its log allows; nothing here is chosen by hand.
"""

from __future__ import annotations

import numpy as np

from simulators.identification import find_strategies
from simulators.protocols import World

EXACT = 1e-9


def place_world(world: World, kind: str) -> str:
    """The board of a world, one of ``benchmark.contract.records.BOARDS``.

    Comparisons have a board of their own. A log of outcomes goes to ``"recorded"`` where a back-door set is
    in it, to ``"auxiliary"`` where something else identifies the effect, and to ``"unidentified"`` where
    nothing does. A control is a world without effects, or one whose log is right at face value.

    Args:
        world: The world.
        kind: Kind of its log.

    Example:
        >>> from benchmark.contract import Streams
        >>> import simulators
        >>> place_world(simulators.build("instrument", {}, Streams("public-1", "instrument", 0)), "outcome")
        'auxiliary'
    """
    if kind != "outcome":
        return "preferences"
    effects = np.asarray(world.truth.effects)
    scale = float(np.abs(effects).max(initial=0.0))
    if scale <= EXACT:
        return "controls"
    strategies = {strategy.name for strategy in find_strategies(world.graph())}
    if "back-door" in strategies:
        return "recorded"
    if "randomised" in strategies:
        # Texts were assigned at random, yet what was written down need not be the outcome.
        wrong = float(np.abs(np.asarray(world.truth.naive_effects) - effects).max())
        return "auxiliary" if wrong > EXACT * scale else "controls"
    return "auxiliary" if strategies else "unidentified"
