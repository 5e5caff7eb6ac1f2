"""Queries: texts to be scored, drawn from the interventional text law.

Drawn independently of outcomes, effects, strength and the number of rows, so reference
log-probabilities can be cached across strengths. Items are distinct and shuffled;
contrast ids are permuted; nothing in their order tells what they are for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract.errors import UsageError
from benchmark.contract.queries import Queries
from simulators.law.codes import all_attributes, encode, toggles
from simulators.world import World

CANDIDATES = 32


@dataclass(frozen=True)
class QuerySizes:
    """How much is asked.

    Attributes:
        pairs: Same-prompt pairs in all.
        contrasts: Single-attribute contrasts for each attribute.
        pool: Common reference texts for each prompt.
        samples: Texts to sample for each prompt.
        prompts: How many prompts to ask about; None for all of them.
    """

    pairs: int = 2048
    contrasts: int = 64
    pool: int = 1024
    samples: int = 64
    prompts: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("pairs", 1), ("contrasts", 1), ("pool", 2), ("samples", 0)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"query size {name!r} is too small", expected=f">= {least}", found=getattr(self, name)
                )
        if self.prompts is not None and self.prompts < 1:
            raise UsageError("queries need a prompt", expected=">= 1", found=self.prompts)


def draw_queries(world: World, sizes: QuerySizes) -> Queries:
    """The queries of a world; equal for worlds that differ in strength alone."""
    domain, rng = world.domain, world.streams.rng("queries")
    n_prompts, n_attributes = len(domain.prompts), len(domain.attributes)
    n_asked = min(sizes.prompts or n_prompts, n_prompts)
    asked = np.sort(rng.permutation(n_prompts)[:n_asked])
    n_contexts = len(world.outcome.base)

    # one pool for each prompt and context asked about
    row_prompts = np.repeat(asked, n_contexts)
    row_contexts = np.tile(np.arange(n_contexts), n_asked)
    if world.asked is not None:
        kept = world.asked[row_contexts, row_prompts]
        row_prompts, row_contexts = row_prompts[kept], row_contexts[kept]
    pool_prompts = np.repeat(row_prompts, sizes.pool)
    pool_contexts = np.repeat(row_contexts, sizes.pool)
    drawn = _draw_attributes(world, pool_prompts, rng)
    pool_texts = domain.write(drawn, pool_prompts, domain.draw_choices(len(drawn), rng))

    rows = rng.integers(len(row_prompts), size=sizes.pairs)
    first = rng.integers(sizes.pool, size=sizes.pairs)
    second = (first + rng.integers(1, sizes.pool, size=sizes.pairs)) % sizes.pool
    pairs = np.stack([rows * sizes.pool + first, rows * sizes.pool + second], axis=1)
    if world.pair_weights is not None:
        pairs = _choose_pairs(world, encode(drawn), sizes, len(row_prompts))

    n_contrasts = sizes.contrasts * n_attributes
    ids = np.repeat(np.arange(n_attributes), sizes.contrasts)
    chosen_rows, on, off = _draw_toggled(world, row_prompts, ids, rng)
    contrast_prompts, contrast_contexts = row_prompts[chosen_rows], row_contexts[chosen_rows]
    wording = domain.draw_choices(n_contrasts, rng)
    on_texts = domain.write(on, contrast_prompts, wording)
    off_texts = domain.write(off, contrast_prompts, wording)

    texts = np.concatenate([t.to_numpy(zero_copy_only=False) for t in (pool_texts, on_texts, off_texts)])
    prompt_ids = np.concatenate([pool_prompts, contrast_prompts, contrast_prompts])
    contexts = np.concatenate([pool_contexts, contrast_contexts, contrast_contexts])
    items, where = _distinct(prompt_ids, contexts, texts)
    shuffle = rng.permutation(len(items))
    places = np.empty_like(shuffle)
    places[shuffle] = np.arange(len(items))
    item_of, chosen = places[where], items[shuffle]

    n_pool = len(pool_prompts)
    opaque = rng.permutation(n_attributes)[ids]
    contrasts = np.stack(
        [opaque, item_of[n_pool : n_pool + n_contrasts], item_of[n_pool + n_contrasts :]], axis=1
    )[rng.permutation(n_contrasts)]
    pairs = item_of[pairs]
    context = {} if world.context is None else {world.context: contexts[chosen].astype(np.float64)}
    prompts = np.asarray(domain.prompts, dtype=object)
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


def _draw_attributes(world: World, prompt_ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    uniforms = rng.random((len(prompt_ids), len(world.domain.attributes)))
    return world.rows_law({}, prompt_ids, world.asked_arm).draw(uniforms)


def _choose_pairs(world: World, codes: np.ndarray, sizes: QuerySizes, n_pools: int) -> np.ndarray:
    """Same-pool pairs by the world's own weights, shape (pairs, 2): a weighted choice among candidates."""
    assert world.pair_weights is not None
    rng, n = world.streams.rng("query pairs"), CANDIDATES * sizes.pairs
    start = rng.integers(n_pools, size=n) * sizes.pool
    first = rng.integers(sizes.pool, size=n)
    second = (first + rng.integers(1, sizes.pool, size=n)) % sizes.pool
    pairs = start[:, None] + np.stack([first, second], axis=1)
    weights = world.pair_weights(codes[pairs[:, 0]], codes[pairs[:, 1]])
    kept = np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(sizes.pairs), side="right")
    return pairs[np.minimum(kept, n - 1)]


def _draw_toggled(
    world: World, row_prompts: np.ndarray, ids: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows asked about, and vectors there with and without the attribute of each contrast."""
    if not world.tabulated:
        chosen = rng.integers(len(row_prompts), size=len(ids))
        on = _draw_attributes(world, row_prompts[chosen], rng)
        off = on.copy()
        on[np.arange(len(ids)), ids], off[np.arange(len(ids)), ids] = 1, 0
        return chosen, on, off
    chosen, codes = np.zeros(len(ids), dtype=np.int64), np.zeros((2, len(ids)), dtype=np.int64)
    for k in np.unique(ids):
        on_codes, off_codes, weight = toggles(world.text_law[row_prompts], k)
        cumulative = np.cumsum(weight)
        rows = np.flatnonzero(ids == k)
        cells = np.searchsorted(cumulative, rng.random(len(rows)) * cumulative[-1], side="right")
        chosen[rows], pairs = np.divmod(cells, len(on_codes))
        codes[:, rows] = on_codes[pairs], off_codes[pairs]
    vectors = all_attributes(len(world.domain.attributes)).astype(np.int8)
    return chosen, vectors[codes[0]], vectors[codes[1]]


def _distinct(
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
