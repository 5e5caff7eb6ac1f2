"""Diagnostics card: how hard a world is and why, in numbers and one sentence.

For maintainers and readers; holds the truth, so methods never see it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulators.law.codes import all_attributes
from simulators.law.comparison import borda_regret
from simulators.world import World


def confounding_share(world: World) -> float:
    """Share of the index's variance that is due to confounding, when texts are randomised.

    Prognostic columns are standardised and independent; measurement noise counts with the
    variance of its latent scale.
    """
    law, outcome = world.law, world.outcome
    weights = law.weights.sum(axis=1)
    pushed, modifiers = outcome.confounding(law.people), outcome.modifiers(law.people)
    by_code = world.text_law.mean(axis=0)
    if modifiers is None:
        confounded = weights @ (pushed - weights @ pushed) ** 2
    else:
        total = pushed[:, None] + modifiers @ all_attributes(modifiers.shape[1]).T
        confounded = float((weights @ total**2) @ by_code - ((weights @ total) @ by_code) ** 2)
    confounded *= outcome.delta**2
    text_law = world.text_law[None] * world.truth.context_weights[:, None, None]
    text_law = text_law / text_law.sum()
    mean = (text_law * outcome.base).sum()
    textual = (text_law * (outcome.base - mean) ** 2).sum()
    rest = float(outcome.prognosis @ outcome.prognosis) + world.feedback.noise_variance
    return float(confounded / (confounded + textual + rest))


def _borda_regret(world: World) -> float | None:
    """How far the Borda count misleads about mean utility; None where nothing is compared."""
    if world.feedback.slots == 1:
        return None
    contexts = world.contexts_of(world.law.people)
    return borda_regret(world.law, world.prompt_law, world.outcome, contexts)


def diagnose(world: World) -> dict[str, Any]:
    """The card of a world, as plain data."""
    truth, law, card = world.truth, world.law, world.family
    named = dict(zip(truth.attributes, range(len(truth.attributes)), strict=True))
    naive, effects = truth.naive_effects, truth.effects
    return {
        "family": card.name,
        "situation": card.situation,
        "dials": dict(world.dials),
        "domain": world.domain.name,
        "feedback": world.feedback.kind,
        "roles": {name: truth.roles[k] for name, k in named.items()},
        "effects": {name: float(effects[k]) for name, k in named.items()},
        "naive_limit": {name: float(naive[k]) for name, k in named.items()},
        "responds": [name for name, k in named.items() if law.responds[k]],
        "effective_share": law.effective_share,
        "minimum_propensity": law.minimum_propensity,
        "confounding_share": confounding_share(world),
        "delta": world.outcome.delta,
        "sign_flips": int(np.sum(np.sign(np.round(naive, 9)) * np.sign(np.round(effects, 9)) < 0)),
        "borda_regret": _borda_regret(world),
        "recorded": [column.role for column in world.recording.columns],
        "identified_by": card.identified_by,
        "should_recover": card.recover,
        "should_fail": card.fail,
    }
