"""The oracle of a task: shows texts to fresh random people and returns what is measured, once each.

Only the oracle track has one. People and noise come from streams of their own, so that no
answer repeats a row of the log.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmark.contract.errors import ContractError
from benchmark.contract.seeding import Streams
from simulators.law.assignment import PromptLaw
from simulators.law.codes import encode
from simulators.law.feedback import Feedback
from simulators.law.outcome import Outcome
from simulators.law.population import Population, read_contexts
from simulators.law.wording import Wording
from simulators.protocols import Domain, Oracle

PEOPLE, NOISE = "oracle", "oracle.noise"


def make_oracle(
    domain: Domain,
    population: Population,
    outcome: Outcome,
    feedback: Feedback,
    context: str | None,
    streams: Streams,
    wording: Wording | None = None,
    prompt_law: PromptLaw | None = None,
) -> Oracle:
    """An oracle; each call goes on with people who were not asked before.

    A text off the grammar is answered as the worst text of its prompt. For preferences and
    rankings the answer is a person's noisy utility.

    Args:
        domain: Reads the texts.
        population: The people who are asked.
        outcome: What a text leads to.
        feedback: How it is measured.
        context: Name of the context, or None.
        streams: The world's random streams.
        wording: Effects of phrases; None where they have none.
        prompt_law: What prompts tell of the people who are asked; None for nothing.

    Returns:
        ``(prompts, texts, context) -> outcomes``; it raises ``ContractError`` where a prompt or a
        context is none of the world's, and no people are used up then.
    """
    asked = 0
    lowest = (
        outcome.base if wording is None else outcome.base + wording.by_prompt(np.min, len(domain.attributes))
    )

    def ask(prompts: np.ndarray, texts: np.ndarray, setting: Mapping[str, np.ndarray]) -> np.ndarray:
        nonlocal asked
        if not len(texts):
            return np.zeros(0)
        ids = find_prompts(prompts, domain)
        chosen = check_context(setting, context, len(outcome.base), len(texts))
        start, asked = asked, asked + len(texts)
        people = population.draw(streams, start, asked, part=PEOPLE)
        if prompt_law is not None:
            people = {**prompt_law.as_told(people, ids)}
        if chosen is not None:
            people = {**people, str(context): chosen}
        contexts = read_contexts(people, context)
        read = domain.detect(texts)
        written = read.on_grammar & (read.topics == domain.topic_ids[ids])
        worst = lowest.argmin(axis=-1)[contexts, ids]
        codes = np.where(written, encode(read.attributes), worst)
        index = outcome.index(people, contexts, ids, codes)
        if wording is not None:
            least = (lowest - outcome.base)[contexts, ids, codes]
            index = index + np.where(written, wording.shift(domain.read_phrases(texts)), least)
        noise = streams.draw_rows(NOISE, start, asked, lambda rng, n: rng.random(n))
        return np.asarray(feedback.draw(index, noise), dtype=np.float64)

    return ask


def find_prompts(prompts: np.ndarray, domain: Domain) -> np.ndarray:
    """Prompt ids, shape (n,), int64.

    Raises:
        ContractError: If a prompt is unknown.
    """
    ids = domain.prompt_writer.read([str(prompt) for prompt in prompts])
    if (ids < 0).any():
        raise ContractError(
            "the oracle does not know this prompt",
            expected="prompts of the log or the queries",
            found=repr(str(prompts[ids.argmin()]))[:80],
        )
    return ids


def check_context(
    context: Mapping[str, np.ndarray], name: str | None, settings: int, n: int
) -> np.ndarray | None:
    """The context that was asked for, shape (n,), float64; None where people bring their own.

    Args:
        context: What came with the question.
        name: Name of the world's context, or None where it has none.
        settings: How many settings the context has.
        n: Number of texts.

    Raises:
        ContractError: If its values are no settings of the world's context.
    """
    if name is None or name not in context:
        return None
    try:
        values = np.asarray(context[name], dtype=np.float64)
    except (TypeError, ValueError):
        values = np.full(n, np.nan)
    if values.shape != (n,) or not np.isin(values, np.arange(settings)).all():
        raise ContractError(
            f"the oracle cannot set the context {name!r}",
            expected=f"{n} whole numbers from 0 to {settings - 1}",
            found=f"shape {values.shape}",
        )
    return values
