"""Queries: texts to be scored, drawn from the interventional text law.

They are drawn independently of outcomes, effects, strength and the number of rows, so reference
log-probabilities can be cached across strengths. Items are distinct and shuffled;
contrast ids are permuted; nothing in their order tells what they are for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmark.contract.queries import Queries
from benchmark.contract.seeding import Streams
from simulators.law.assignment import RowsLaw
from simulators.law.codes import all_attributes, encode, toggles
from simulators.protocols import Domain, QuerySizes

CANDIDATES = 32
ASKED_BRIEFS = 24
"""Prompts asked about by default where more prompts than topics exist."""


@dataclass(frozen=True, eq=False)
class QueryLaw:
    """Which texts a family asks about, where it does not ask about all of them alike.

    Attributes:
        asked: Which (context, prompt) are asked about, shape (V, P), bool; None for all.
        as_logged: Whether texts follow the law of the log instead of the interventional law; only
            where the writer's law is the same for all people.
        pair_weights: Relative weight of a pair, from the codes of its two texts; None for all alike.
    """

    asked: np.ndarray | None = None
    as_logged: bool = False
    pair_weights: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class AskedTexts:
    """The prompts, contexts and texts of a world that questions are about.

    Attributes:
        domain: Writes the texts.
        context: Name of the context, or None.
        asked: Which (context, prompt) are asked about, shape (V, P), bool.
        rows_law: Prompt ids to the law of the attributes of such texts.
        text_law: P_int(code | p), shape (P, 2**K), where attribute vectors are listed; else None.
        pair_weights: As in ``QueryLaw``.
    """

    domain: Domain
    context: str | None
    asked: np.ndarray
    rows_law: Callable[[np.ndarray], RowsLaw]
    text_law: np.ndarray | None
    pair_weights: Callable[[np.ndarray, np.ndarray], np.ndarray] | None

    def draw_attributes(self, prompt_ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Attributes of texts with these prompts, shape (n, K), int8."""
        uniforms = rng.random((len(prompt_ids), len(self.domain.attributes)))
        return self.rows_law(prompt_ids).draw(uniforms)

    def draw_toggled(
        self, row_prompts: np.ndarray, ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows asked about, and vectors there with and without the attribute of each contrast."""
        if self.text_law is None:
            chosen = rng.integers(len(row_prompts), size=len(ids))
            on = self.draw_attributes(row_prompts[chosen], rng)
            off = on.copy()
            on[np.arange(len(ids)), ids], off[np.arange(len(ids)), ids] = 1, 0
            return chosen, on, off
        chosen, codes = np.zeros(len(ids), dtype=np.int64), np.zeros((2, len(ids)), dtype=np.int64)
        for k in np.unique(ids):
            on_codes, off_codes, weight = toggles(self.text_law[row_prompts], k)
            cumulative = np.cumsum(weight)
            rows = np.flatnonzero(ids == k)
            places = np.searchsorted(cumulative, rng.random(len(rows)) * cumulative[-1], side="right")
            chosen[rows], pairs = np.divmod(places, len(on_codes))
            codes[:, rows] = on_codes[pairs], off_codes[pairs]
        vectors = all_attributes(len(self.domain.attributes)).astype(np.int8)
        return chosen, vectors[codes[0]], vectors[codes[1]]


def draw_queries(source: AskedTexts, streams: Streams, sizes: QuerySizes) -> Queries:
    """The queries of a world; equal for worlds that differ in strength alone."""
    domain, rng = source.domain, streams.rng("queries")
    n_prompts, n_attributes = len(domain.prompts), len(domain.attributes)
    most = sizes.prompts or (n_prompts if len(np.unique(domain.topic_ids)) == n_prompts else ASKED_BRIEFS)
    chosen_prompts = np.sort(rng.permutation(n_prompts)[: min(most, n_prompts)])

    # one pool for each prompt and context asked about
    places, row_contexts = np.nonzero(source.asked.T[chosen_prompts])
    row_prompts = chosen_prompts[places]
    pool_prompts = np.repeat(row_prompts, sizes.pool)
    pool_contexts = np.repeat(row_contexts, sizes.pool)
    drawn = source.draw_attributes(pool_prompts, rng)
    pool_texts = domain.write(drawn, pool_prompts, domain.draw_choices(len(drawn), rng))

    pairs = _draw_pairs(rng, len(row_prompts), sizes.pool, sizes.pairs)
    if source.pair_weights is not None:
        weigh, codes, rng_pairs = source.pair_weights, encode(drawn), streams.rng("query pairs")
        pairs = _draw_pairs(rng_pairs, len(row_prompts), sizes.pool, CANDIDATES * sizes.pairs)
        weights = weigh(codes[pairs[:, 0]], codes[pairs[:, 1]])
        cumulative = np.cumsum(weights) / weights.sum()
        kept = np.searchsorted(cumulative, rng_pairs.random(sizes.pairs), side="right")
        pairs = pairs[np.minimum(kept, len(pairs) - 1)]

    n_contrasts = sizes.contrasts * n_attributes
    ids = np.repeat(np.arange(n_attributes), sizes.contrasts)
    chosen_rows, on, off = source.draw_toggled(row_prompts, ids, rng)
    contrast_prompts, contrast_contexts = row_prompts[chosen_rows], row_contexts[chosen_rows]
    wording = domain.draw_choices(n_contrasts, rng)
    on_texts = domain.write(on, contrast_prompts, wording)
    off_texts = domain.write(off, contrast_prompts, wording)

    texts = np.concatenate([t.to_numpy(zero_copy_only=False) for t in (pool_texts, on_texts, off_texts)])
    prompt_ids = np.concatenate([pool_prompts, contrast_prompts, contrast_prompts])
    contexts = np.concatenate([pool_contexts, contrast_contexts, contrast_contexts])
    items, where = _find_distinct(prompt_ids, contexts, texts)
    shuffle = rng.permutation(len(items))
    item_of, chosen = np.argsort(shuffle)[where], items[shuffle]

    n_pool = len(pool_prompts)
    opaque = rng.permutation(n_attributes)[ids]
    contrasts = np.stack(
        [opaque, item_of[n_pool : n_pool + n_contrasts], item_of[n_pool + n_contrasts :]], axis=1
    )[rng.permutation(n_contrasts)]
    pairs = item_of[pairs]
    context = {} if source.context is None else {source.context: contexts[chosen].astype(np.float64)}
    prompts = np.asarray(domain.prompts, dtype=object)
    prompts[chosen_prompts] = _write_prompts(domain, chosen_prompts, streams)
    return Queries(
        prompts=prompts[prompt_ids[chosen]],
        texts=texts[chosen].astype(object),
        pairs=pairs[pairs[:, 0] != pairs[:, 1]],
        contrasts=contrasts,
        pools=item_of[:n_pool].reshape(len(row_prompts), sizes.pool),
        generate=prompts[row_prompts],
        n_samples=sizes.samples,
        context=context,
    )


def _write_prompts(domain: Domain, prompt_ids: np.ndarray, streams: Streams) -> np.ndarray:
    """A prompt for each id, shape (n,), object; briefs are new ones, in no row of the log but by chance."""
    writer = domain.prompt_writer
    choices = writer.draw_choices(len(prompt_ids), streams.rng("query briefs"))
    return np.asarray(writer.write(prompt_ids, choices).to_numpy(zero_copy_only=False), dtype=object)


def _draw_pairs(rng: np.random.Generator, n_pools: int, size: int, n: int) -> np.ndarray:
    """Pairs of different texts of one pool, as places among the texts of all pools, shape (n, 2)."""
    start = rng.integers(n_pools, size=n) * size
    first = rng.integers(size, size=n)
    second = (first + rng.integers(1, size, size=n)) % size
    return start[:, None] + np.stack([first, second], axis=1)


def _find_distinct(
    prompt_ids: np.ndarray, contexts: np.ndarray, texts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First occurrence of each distinct item, and the distinct item of each row."""
    seen: dict[tuple[int, int, str], int] = {}
    where = np.array(
        [
            seen.setdefault(key, len(seen))
            for key in zip(prompt_ids.tolist(), contexts.tolist(), texts, strict=True)
        ]
    )
    return np.unique(where, return_index=True)[1], where
