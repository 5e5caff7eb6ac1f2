"""Prompts of a domain as strings: a list, or briefs of which every row has its own.

Tables of a world have one row a *prompt id*. Where prompts are listed an id is one prompt; where every
row has a brief of its own an id is what such briefs have in common (their topic, or topic and features),
and ``domain.prompts`` holds one example of each.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulators.text.domain import Domain
from simulators.text.reading import Strings, as_strings


def draw_prompt_choices(domain: Domain, n: int, rng: np.random.Generator) -> np.ndarray:
    """Uniforms that decide the prompt strings of n rows, shape (n, choices); no choices where listed."""
    if domain.briefs is None or domain.listed:
        return np.zeros((n, 0))
    return domain.briefs.draw_choices(n, rng)


def write_prompts(domain: Domain, prompt_ids: np.ndarray, choices: np.ndarray) -> pa.StringArray:
    """The prompt of each row, shape (n,).

    Args:
        domain: Whose prompts.
        prompt_ids: Shape (n,).
        choices: What ``draw_prompt_choices`` returned.
    """
    if domain.briefs is None or domain.listed:
        return pa.array(domain.prompts, pa.string()).take(pa.array(prompt_ids))
    topics, codes = np.divmod(prompt_ids, _codes(domain))
    features = None
    if _codes(domain) > 1:
        features = (codes[:, None] >> np.arange(len(domain.briefs.features))) & 1
    return domain.briefs.write(topics, choices, features)


def read_prompts(domain: Domain, strings: Strings) -> np.ndarray:
    """Prompt ids of any strings, shape (n,) int64; -1 where the string is no prompt of the domain."""
    distinct = as_strings(strings).dictionary_encode()
    if domain.briefs is None or domain.listed:
        found = pc.index_in(distinct.dictionary, value_set=pa.array(domain.prompts, pa.string()))
        ids = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    else:
        read = domain.briefs.read(distinct.dictionary)
        codes = read.attributes.astype(np.int64) @ (1 << np.arange(len(domain.briefs.features)))
        ids = np.where(read.on_grammar, read.topics * _codes(domain) + codes % _codes(domain), -1)
    return ids[distinct.indices.to_numpy()]


def features_of(domain: Domain) -> np.ndarray:
    """Features that all prompts with an id share, shape (P, F) int8; F = 0 where they share none."""
    if domain.briefs is None or not (domain.listed or _codes(domain) > 1):
        return np.zeros((len(domain.prompts), 0), dtype=np.int8)
    return domain.briefs.read(domain.prompts).attributes


def _codes(domain: Domain) -> int:
    """Prompt ids of each topic where every row has its own brief."""
    assert domain.briefs is not None
    return len(domain.prompts) // len(domain.briefs.topics)
