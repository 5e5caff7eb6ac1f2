"""Paraphrases by dynamic blocking (Niu et al. 2021) as augmentation of a log.

A paraphrase takes its source's outcome, people and all: surface forms multiply, confounding is
spread over them and not removed.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from benchmark.contract import Fitting, Harness, Log, Method, Sample, Tags
from methods.objectives.unpaired import SFT
from methods.posthoc.blocking import draw_blocks
from methods.recipe import Recipe
from methods.rows import make_tags

PAPER = "Niu et al. 2021, arXiv 2010.12885 (reconstruction)"


@dataclass(frozen=True)
class Paraphrased:
    """Fits a recipe on a log and on paraphrases of its rows.

    A row's active dictionary keeps each of its text's word pairs with chance ``rate``; at one of
    them the paraphrase leaves its source: the reference continues, the blocked successor
    rejected, which is its law with that word's probability set to zero for that step. Of several
    continuations the one nearest to the source in text features is kept.

    Source: Niu et al. 2021 (rate .5). They decode from a denoiser with the whole source before it and
    keep the best of several dictionaries by BERTScore and self-BLEU; the start inside the source and
    the nearness in word counts stand in for them here.

    Attributes:
        recipe: What is fitted; its name and tags are the method's.
        rate: Chance of a word pair to be blocked.
        candidates: Continuations a row.
    """

    recipe: Recipe
    rate: float = 0.5
    candidates: int = 8

    @property
    def name(self) -> str:
        """Name on the board."""
        return self.recipe.name

    @property
    def tags(self) -> Tags:
        """What it takes and claims."""
        return self.recipe.tags

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        rows, texts = yield from self._paraphrase(log, harness)
        if len(rows):
            table = log.take(rows).table
            place = table.column_names.index("text")
            table = table.set_column(place, "text", pa.array(texts, pa.string()))
            whole = pa.concat_tables([log.table, table.cast(log.table.schema)])
            log = Log(whole, log.feedback)
        result = self.recipe.fit(log, harness)
        return (yield from result) if isinstance(result, Generator) else result

    def _paraphrase(self, log: Log, harness: Harness) -> Any:
        """Rows that could be paraphrased, and their paraphrases."""
        rng = harness.rng("paraphrase")
        each = min(self.candidates, harness.budget.samples)
        rows = rng.permutation(len(log))[: harness.budget.samples // each]
        words = [text.split(" ") for text in log.texts[rows]]
        blocks = [draw_blocks(np.arange(len(w)), self.rate, rng) for w in words]
        kept = np.flatnonzero([len(b) > 0 for b in blocks])
        if not len(kept):
            return rows[kept], []
        ends = [int(blocks[i][rng.integers(len(blocks[i])), 1]) for i in kept]
        heads = [" ".join(words[i][:end]) for i, end in zip(kept, ends, strict=True)]
        rows = rows[kept]
        begun = np.array([f"{p} {h}" for p, h in zip(log.prompts[rows], heads, strict=True)], dtype=object)
        tails = np.asarray((yield Sample(harness.policy(), begun, each)), dtype=object)
        blocked = np.array([words[i][end] for i, end in zip(kept, ends, strict=True)], dtype=object)
        allowed = np.array(
            [[t.partition(" ")[0] != b for t in row] for row, b in zip(tails, blocked, strict=True)]
        )
        whole = np.array(
            [[f"{h} {t}".strip() for t in row] for row, h in zip(tails, heads, strict=True)], dtype=object
        )
        best = self._nearest(log, rows, whole, allowed, harness)
        found = allowed.any(axis=1)
        return rows[found], list(whole[np.arange(len(rows)), best][found])

    @staticmethod
    def _nearest(
        log: Log, rows: np.ndarray, whole: np.ndarray, allowed: np.ndarray, harness: Harness
    ) -> np.ndarray:
        """The allowed candidate nearest to its source, shape (len(rows),)."""
        each = whole.shape[1]
        prompts = log.prompts[rows]
        source = harness.encode(prompts, log.texts[rows])
        drawn = harness.encode(np.repeat(prompts, each), whole.ravel()).reshape(len(rows), each, -1)
        distance = ((drawn - source[:, None]) ** 2).sum(axis=2)
        return np.where(allowed, distance, np.inf).argmin(axis=1)


METHODS: tuple[Method, ...] = (
    Paraphrased(
        Recipe(
            "sft-paraphrased",
            objective=SFT(),
            tags=make_tags("SFT imitates logged texts and their paraphrases.", PAPER, policy=True),
        )
    ),
    Paraphrased(
        Recipe(
            "regression-paraphrased",
            tags=make_tags("An outcome regression reads the log and paraphrases of it.", PAPER),
        )
    ),
)
