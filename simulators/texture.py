"""Texture: what makes texts of a world more than the sum of their attributes.

Interactions (``surface``) and effects of paraphrases (``wording``) are drawn once for a world and
scaled to shares of the reward's variance within prompts, once the logging rule is fixed: with v the
variance of what the family draws, interactions have ``v surface / (1 - surface - wording)`` and
paraphrases ``v wording / (1 - surface - wording)``. Effects stay what the family drew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import Streams
from simulators.law.codes import product_law
from simulators.law.outcome import Outcome
from simulators.law.surface import Surface, draw_surface, variance_within
from simulators.law.wording import BY_TOPIC, FREE, Phrases, Wording, draw_wording
from simulators.protocols import Domain
from simulators.text.domain import GrammarDomain
from simulators.text.phrasebook import Usage
from simulators.text.slots import AttributeSlot, TopicSlot


@dataclass(frozen=True, eq=False)
class Texture:
    """Interactions and effects of paraphrases, before they are scaled.

    Attributes:
        surface: Share of the reward's variance from interactions.
        wording: Share from the choice of paraphrase.
        interactions: The interactions.
        paraphrases: The effects of paraphrases.
    """

    surface: float
    wording: float
    interactions: Surface
    paraphrases: Wording

    def apply(self, outcome: Outcome, marginals: np.ndarray, contexts: np.ndarray) -> tuple[Outcome, Wording]:
        """The outcome with its interactions, and the scaled effects of paraphrases.

        Args:
            outcome: As the family draws it.
            marginals: P_int(a_k = 1 | p), shape (P, K).
            contexts: Share of each context, shape (V,).
        """
        law = product_law(marginals)
        unit = variance_within(outcome.base, law, contexts) / (1 - self.surface - self.wording)
        moved = np.sqrt(unit * self.surface) * self.interactions.table(marginals)
        by_code = self.paraphrases.by_prompt(np.var, marginals.shape[1])
        worded = float((by_code * law).sum(axis=1).mean())
        scale = np.sqrt(unit * self.wording / worded) if worded > 0 else 0.0
        return replace(outcome, base=outcome.base + moved), self.paraphrases.scaled(scale)

    def without(self, attribute: int) -> Texture:
        """The texture with one attribute in no interaction and its phrases without effect."""
        return replace(
            self,
            interactions=self.interactions.without(attribute),
            paraphrases=self.paraphrases.without(attribute),
        )


def draw_texture(
    streams: Streams, domain: Domain, surface: float, wording: float, usage: Usage | None = None
) -> Texture | None:
    """The texture of a world; None where it has none.

    Args:
        streams: The world's streams.
        domain: What can be written.
        surface: Share of the reward's variance from interactions, in [0, 1).
        wording: Share from the choice of paraphrase, in [0, 1).
        usage: The paraphrases that the log's writers use; None for all of them.

    Raises:
        UsageError: If the shares leave nothing for the effects of attributes.
    """
    if surface + wording >= 1:
        raise UsageError(
            "surface and wording leave no variance to the effects of attributes",
            expected="surface + wording < 1",
            found=f"{surface:g} + {wording:g}",
        )
    if surface == 0 and wording == 0:
        return None
    if not isinstance(domain, GrammarDomain):
        raise UsageError(f"the texts of {domain.name!r} have no slots whose wording could count")
    phrases = list_phrases(domain, usage)
    interactions = draw_surface(streams, phrases.topics, len(domain.attributes))
    return Texture(surface, wording, interactions, draw_wording(streams, phrases))


def list_phrases(domain: GrammarDomain, usage: Usage | None = None) -> Phrases:
    """The phrases of a domain, slot by slot.

    Args:
        domain: What can be written.
        usage: The paraphrases that the log's writers use; None for all of them.
    """
    deciders, attribute = [], 0
    for slot in domain.slots:
        if isinstance(slot, AttributeSlot):
            deciders.append(attribute)
            attribute += 1
        else:
            deciders.append(BY_TOPIC if isinstance(slot, TopicSlot) else FREE)
    used = domain.phrase_table(usage).probabilities > 0
    return Phrases(domain.phrase_table().sides, np.array(deciders), used, domain.topic_ids)
