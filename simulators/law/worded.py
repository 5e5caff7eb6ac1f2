"""Worded values: what texts are worth, and look worth, where the choice of paraphrase counts too.

A text's value is a smooth function of its index ``base(v, p, a) + W``: the identity, or a curve. The
average over wording is exact for the polynomial that stands for the curve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulators.law.assignment import PromptLaw
from simulators.law.codes import all_attributes
from simulators.law.comparison import utilities_of_kinds
from simulators.law.curves import NODES, Curves, place_nodes
from simulators.law.exact import Law
from simulators.law.feedback import Feedback
from simulators.law.outcome import Outcome
from simulators.law.worded_pairs import project_worded_pairs
from simulators.law.wording import Wording

STEPS, PAIR_STEPS = 24, 16


@dataclass(frozen=True, eq=False)
class Worded:
    """Values of texts.

    Attributes:
        index: Index of texts without their wording, shape (V, P, 2**K).
        wording: Effects of the phrases, as this value counts them.
        curves: Values as functions of index + W; None where that is the value.
        which: Curve of each prompt and code, shape (P, 2**K).
    """

    index: np.ndarray
    wording: Wording
    curves: Curves | None = None
    which: np.ndarray | None = None

    @property
    def n_attributes(self) -> int:
        """K."""
        return int(self.index.shape[-1]).bit_length() - 1

    def at(
        self, contexts: np.ndarray, prompts: np.ndarray, codes: np.ndarray, phrases: np.ndarray
    ) -> np.ndarray:
        """Values of texts, shape (n,).

        Args:
            contexts: Shape (n,).
            prompts: Prompt ids, shape (n,).
            codes: Shape (n,).
            phrases: Phrase of each slot, shape (n, S).
        """
        return self._value(prompts, codes, self.index[contexts, prompts, codes] + self.wording.shift(phrases))

    @cached_property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Values with the worst and the best wording, each of shape (V, P, 2**K); curves are monotone."""
        prompts, codes = np.indices(self.index.shape[1:])[:2]
        ends = [
            np.stack([self._value(prompts, codes, index + extreme) for index in self.index])
            for extreme in (self.wording.by_prompt(pick, self.n_attributes) for pick in (np.min, np.max))
        ]
        return np.minimum(*ends), np.maximum(*ends)

    @property
    def mean(self) -> np.ndarray:
        """Values averaged over wording, phrases uniform over their sides, shape (V, P, 2**K)."""
        if self.curves is None or self.which is None:
            return np.asarray(self.index + self.wording.by_prompt(np.mean, self.n_attributes))
        span = self.wording.span(self.n_attributes)
        weights = self.wording.law(self.n_attributes, STEPS, span)
        low, high = float(self.index.min()), float(self.index.max())
        grid = place_nodes(NODES, (low, high))[:, None] + place_nodes(STEPS, span)
        n_curves = len(self.curves.series)
        every = self.curves.at(
            np.arange(n_curves)[:, None, None], np.broadcast_to(grid, (n_curves, *grid.shape))
        )
        # prompts of one topic with the same curves share one averaged curve a code
        keys, kind = np.unique(
            np.column_stack([self.wording.phrases.topics, self.which]), axis=0, return_inverse=True
        )
        blurred = np.concatenate([np.einsum("cxs,cs->cx", every[key[1:]], weights[key[0]]) for key in keys])
        chosen = kind.ravel()[:, None] * self.index.shape[-1] + np.arange(self.index.shape[-1])
        curves = Curves.through(blurred, (low, high))
        return np.stack([curves.at(chosen, index) for index in self.index])

    def _value(self, prompts: np.ndarray, codes: np.ndarray, index: np.ndarray) -> np.ndarray:
        if self.curves is None or self.which is None:
            return index
        return self.curves.at(self.which[prompts, codes], index)


def respond(
    plain: Worded, law: Law, outcome: Outcome, feedback: Feedback, posterior: np.ndarray, groups: np.ndarray
) -> Worded:
    """Mean outcomes under a link, people distributed as the posterior of each prompt's and code's group.

    Args:
        plain: The index of texts and what their wording adds to it.
        law: Supplies the quadrature over people.
        outcome: The structural equation.
        feedback: The link.
        posterior: P(node | group), shape (m, G), columns summing to 1.
        groups: Group of each prompt and code, shape (P, 2**K).
    """
    low, high = plain.wording.span(plain.n_attributes)
    span = float(plain.index.min()) + low, float(plain.index.max()) + high
    nodes = place_nodes(NODES, span)[:, None]
    offsets = outcome.prognoses(law.people) + outcome.delta * outcome.confounding(law.people)
    modifiers = outcome.modifiers(law.people)
    if modifiers is None:
        return Worded(
            plain.index,
            plain.wording,
            Curves.through((feedback.mean(nodes + offsets) @ posterior).T, span),
            groups,
        )
    pairs, which = np.unique(groups * groups.shape[1] + np.arange(groups.shape[1]), return_inverse=True)
    vectors = all_attributes(plain.n_attributes)
    values = [
        feedback.mean(nodes + offsets + outcome.delta * (modifiers @ vectors[pair % groups.shape[1]]))
        @ posterior[:, pair // groups.shape[1]]
        for pair in pairs
    ]
    curves = Curves.through(np.stack(values), span)
    return Worded(plain.index, plain.wording, curves, which.reshape(groups.shape))


def transform(plain: Worded, function: Callable[[np.ndarray], np.ndarray]) -> Worded:
    """Values that are a function of others and of the code.

    Args:
        plain: Values that are their own index.
        function: Tables of values, shape (..., 2**K), to tables of that shape, elementwise.
    """
    low, high = plain.wording.span(plain.n_attributes)
    span = float(plain.index.min()) + low, float(plain.index.max()) + high
    n_codes = plain.index.shape[-1]
    nodes = np.broadcast_to(place_nodes(NODES, span)[None, :, None], (1, NODES, n_codes))
    values, which = np.unique(function(nodes)[0].T, axis=0, return_inverse=True)
    by_code = np.broadcast_to(which.ravel(), plain.index.shape[1:])
    return Worded(plain.index, plain.wording, Curves.through(values, span), by_code)


def pool(
    law: Law,
    prompt_law: PromptLaw,
    outcome: Outcome,
    contexts: np.ndarray,
    feedback: Feedback,
    wording: Wording,
) -> Worded:
    """The Bradley-Terry projection of the log's pairs where people disagree, the same for every context.

    Everybody must be shown texts from one law, worded with the phrases that writers use.

    Args:
        law: The logging rule over people.
        prompt_law: Who asks for what.
        outcome: The structural equation.
        contexts: Context of each quadrature node, shape (m,).
        feedback: How comparisons are written down.
        wording: Effects of phrases as the log shows them.
    """
    utilities, nodes, shares = utilities_of_kinds(law, outcome, contexts)
    n_prompts, n_codes = outcome.base.shape[1:]
    n_attributes = n_codes.bit_length() - 1
    span = wording.span(n_attributes)
    shifts = place_nodes(PAIR_STEPS, span)
    wordings = wording.of_writers.law(n_attributes, PAIR_STEPS, span)
    values = np.empty((n_prompts, n_codes, PAIR_STEPS))
    solved: dict[bytes, np.ndarray] = {}
    for p in range(n_prompts):
        c = prompt_law.classes[p]
        shown = law.given(np.arange(n_attributes), c)[nodes][0][:, None] * wordings[wording.phrases.topics[p]]
        share = shares[:, c] / shares[:, c].sum()
        own = utilities[:, p] - utilities[0, p, 0]
        # an intercept of the prompt cancels, so prompts of one topic and class share one problem
        key = np.concatenate([own.ravel().round(12), [c, wording.phrases.topics[p]]]).tobytes()
        if key not in solved:
            solved[key] = project_worded_pairs(own, share, shown, shifts, feedback.prefers)
        values[p] = solved[key] + utilities[0, p, 0]
    curves = Curves.through(values.reshape(-1, PAIR_STEPS), span)
    which = np.arange(n_prompts * n_codes).reshape(n_prompts, n_codes)
    return Worded(np.zeros_like(outcome.base), wording, curves, which)
