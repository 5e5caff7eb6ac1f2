"""The oracle of a task: shows texts to fresh random people and returns what is measured, once each.

Only the oracle track has one. People and noise come from streams of their own, so that no
answer repeats a row of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

PEOPLE, NOISE = "oracle", "oracle.noise"

Oracle = Callable[[np.ndarray, np.ndarray, Mapping[str, np.ndarray]], np.ndarray]


def make_oracle(world: Any) -> Oracle:
    """An oracle; each call goes on with people who were not asked before.

    A text off the grammar is answered as the worst text of its prompt. For preferences and
    rankings the answer is a person's noisy utility.

    Args:
        world: The world whose people are asked.
    """
    from simulators.codes import encode

    asked = 0
    prompt_ids = {prompt: index for index, prompt in enumerate(world.domain.prompts)}

    def ask(prompts: np.ndarray, texts: np.ndarray, context: Mapping[str, np.ndarray]) -> np.ndarray:
        nonlocal asked
        if not len(texts):
            return np.zeros(0)
        start, asked = asked, asked + len(texts)
        people = world.population.draw(world.streams, start, asked, part=PEOPLE)
        if world.context is not None and world.context in context:
            people = {**people, world.context: np.asarray(context[world.context], dtype=np.float64)}
        contexts = world.contexts_of(people)
        ids = np.array([prompt_ids[prompt] for prompt in prompts])
        read = world.domain.detect(texts)
        worst = world.outcome.base.argmin(axis=-1)[contexts, ids]
        codes = np.where(read.on_grammar & (read.topics == ids), encode(read.attributes), worst)
        index = world.outcome.index(people, contexts, ids, codes)
        noise = world.streams.draw_rows(NOISE, start, asked, lambda rng, n: rng.random(n))
        return np.asarray(world.feedback.draw(index, noise), dtype=np.float64)

    return ask
