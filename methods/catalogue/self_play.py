"""SAPO (Yin et al. 2024): good texts against the policy's own rewriting of a part of them.

Not Soft Adaptive Policy Optimization, which TRL calls ``sapo``. No text is ever judged: the contrast
teaches the wording of the texts taken for good, so everything hangs on how those were chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.contract import Fitting, Harness, Incompatible, Log, Method, Sample, Tags, Texts, Train
from benchmark.harness.training.model import blend
from methods.adjust.partial import Raw
from methods.adjust.scored import Adjust
from methods.objectives.pairwise import ORPO
from methods.objectives.weights import filter_top
from methods.rows import make_tags, on_residuals

PAPER = "Yin et al. 2024, arXiv 2405.20830"


@dataclass(frozen=True)
class SelfPlay:
    """Segment self-play with an averaged policy as the opponent.

    Each round: the opponent moves towards the policy, ``ema <- decay * ema + (1 - decay) * policy``;
    it rewrites a window of good texts, ``A|B|C`` to ``A|B'|C`` with B' as long as B (C is dropped where
    the rewriting ended early); the pairs join a first-in first-out buffer; ORPO trains on pairs drawn
    from it with chances of 1 / (times used + 1).

    Of the paper's two losses, ORPO needs no reference and holds on to the good texts by their
    likelihood. DPO does not: a rewriting is as good a text as the reference can tell, so that pushing it down
    takes likelihood from both sides, and from texts as such.

    Source: Yin et al. 2024, as coded: ORPO with .05, decay .5, buffer 2000, windows of at most 256 tokens.
    Rounds in place of steps and windows of a share of the text are ours.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        adjust: Gives the value by which good texts are chosen.
        share: Share of rows taken for good.
        rounds: Rounds of self-play.
        window: Largest share of a text's words that is rewritten.
        decay: Of the averaged weights.
        buffer: Most pairs kept.
        objective: Loss on the pairs.
    """

    name: str
    tags: Tags
    adjust: Adjust = field(default_factory=Raw)
    share: float = 0.2
    rounds: int = 4
    window: float = 0.5
    decay: float = 0.5
    buffer: int = 2000
    objective: Any = field(default_factory=lambda: ORPO(strength=0.05))

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        scored, rng, budget = self.adjust(log, harness), harness.rng("self play"), harness.budget
        good = np.flatnonzero(filter_top(scored.value, self.share))
        rounds = max(1, min(self.rounds, budget.steps))
        steps = budget.steps // rounds
        policy = opponent = harness.policy()
        pairs = np.empty((3, 0), dtype=object)
        used = np.empty(0)
        for _ in range(rounds):
            opponent = blend([opponent, policy], [self.decay, 1.0 - self.decay])
            taken = rng.choice(good, size=min(budget.samples // rounds, steps * budget.batch_size))
            asked, texts = scored.log.prompts[taken], scored.log.texts[taken]
            windows = [draw_window(text.split(" "), self.window, rng) for text in texts]
            begun = np.array(
                [" ".join([p, *w[0]]) for p, w in zip(asked, windows, strict=True)], dtype=object
            )
            written = yield Sample(opponent, begun, 1)
            rewritten = np.array(
                [splice(*w, new) for w, new in zip(windows, written[:, 0], strict=True)], dtype=object
            )
            kept = rewritten != texts
            fresh = np.stack([asked[kept], texts[kept], rewritten[kept]])
            pairs = np.concatenate([pairs, fresh], axis=1)[:, -self.buffer :]
            used = np.concatenate([used, np.zeros(kept.sum())])[-self.buffer :]
            if not len(used):
                raise Incompatible("no rewriting differs from its text")
            chance = 1.0 / (used + 1.0)
            drawn = rng.choice(len(used), size=steps * budget.batch_size, p=chance / chance.sum())
            np.add.at(used, drawn, 1.0)
            prompts, chosen, rejected = pairs[:, drawn]
            fields = {"chosen": Texts(prompts, chosen), "rejected": Texts(prompts, rejected)}
            policy = yield Train(policy, fields, {}, self.objective, steps=steps)
        return harness.fitted_policy(policy)


Window = tuple[list[str], list[str], list[str]]


def draw_window(words: list[str], most: float, rng: np.random.Generator) -> Window:
    """A text cut at random into A, B and C; B holds at least one word and at most a share of them."""
    length = int(rng.integers(1, max(int(most * len(words)), 1) + 1))
    start = int(rng.integers(0, len(words) - length + 1))
    return words[:start], words[start : start + length], words[start + length :]


def splice(before: list[str], window: list[str], after: list[str], written: str) -> str:
    """``A|B'|C``, or ``A|B'`` where the writing ended inside the window."""
    new = [word for word in written.split(" ") if word][: len(window)]
    return " ".join([*before, *new, *(after if len(new) == len(window) else [])])


RAW = SelfPlay(
    "sapo",
    make_tags(
        "The best fifth of texts plays against the policy's own rewriting of a part of them.",
        PAPER,
        policy=True,
    ),
)

METHODS: tuple[Method, ...] = (
    RAW,
    on_residuals(RAW, "SAPO takes the texts with the best residuals for good."),
)
