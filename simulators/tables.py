"""Values of texts: what they are worth, and look worth in the log, by attribute vector and wording.

Where paraphrases have effects, tables hold averages over wording and the values themselves are kept
beside them, as functions of the phrases a text uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulators.law.assignment import PromptLaw
from simulators.law.comparison import disagree, preference_table
from simulators.law.exact import Law, naive_table, posteriors, reward_table
from simulators.law.feedback import Feedback
from simulators.law.outcome import Outcome
from simulators.law.selection import Selection
from simulators.law.worded import Worded, pool, respond, transform
from simulators.law.wording import Wording

Recorded = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Values:
    """What texts of a world are worth.

    Attributes:
        rewards: r*(v, p, a), averaged over wording, shape (V, P, 2**K).
        naive: E[Y | v, p, a] under the log, averaged over wording alike, same shape.
        worded_rewards: Rewards by wording; None where wording does nothing.
        worded_naive: The same of the naive limit.
    """

    rewards: np.ndarray
    naive: np.ndarray
    worded_rewards: Worded | None = None
    worded_naive: Worded | None = None


def tabulate(
    law: Law,
    prompt_law: PromptLaw,
    outcome: Outcome,
    feedback: Feedback,
    contexts: np.ndarray,
    *,
    selection: Selection | None = None,
    recorded_mean: Recorded | None = None,
    wording: Wording | None = None,
) -> Values:
    """Rewards and naive limits of a world.

    Args:
        law: The logging rule over people.
        prompt_law: Who asks for what.
        outcome: What follows a text.
        feedback: How it is measured.
        contexts: Context of each quadrature node, shape (m,).
        selection: Whose outcomes are recorded; None for all.
        recorded_mean: Mean outcomes to the means of what is recorded in their place.
        wording: Effects of phrases; None where they have none.
    """
    if wording is None:
        rewards = reward_table(law, prompt_law, outcome, feedback, contexts)
        if feedback.slots > 1:
            naive = preference_table(law, prompt_law, outcome, contexts, feedback)
        else:
            naive = naive_table(law, prompt_law, outcome, feedback, contexts, selection)
        return Values(rewards, naive if recorded_mean is None else recorded_mean(naive))
    if feedback.linear:
        worth = Worded(reward_table(law, prompt_law, outcome, feedback, contexts), wording)
        if feedback.slots > 1 and disagree(law, outcome, contexts, feedback):
            looks = pool(law, prompt_law, outcome, contexts, feedback, wording.seen)
        elif feedback.slots > 1:
            looks = Worded(preference_table(law, prompt_law, outcome, contexts, feedback), wording.seen)
        else:
            naive = naive_table(law, prompt_law, outcome, feedback, contexts, selection)
            looks = Worded(naive, wording.seen)
    else:
        everybody = law.weights.sum(axis=1)[:, None]
        alone = np.zeros(outcome.base.shape[1:], dtype=np.int64)
        worth = respond(Worded(outcome.base, wording), law, outcome, feedback, everybody, alone)
        given, groups = posteriors(law, prompt_law, outcome.base.shape[-1], selection)
        looks = respond(Worded(outcome.base, wording.seen), law, outcome, feedback, given, groups)
    if recorded_mean is not None:
        looks = transform(looks, recorded_mean)
    return Values(worth.mean, looks.mean, worth, looks)
