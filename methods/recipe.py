"""One composition, one method: adjustment, pairing, objective, penalties, post-processing.

A recipe without an objective regresses scored rows on text features in closed form. One with
an objective yields a training request and wraps the trained model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.contract import Fitted, Fitting, Harness, Log, Tags, Texts, Train
from methods.adjust.partial import Raw
from methods.adjust.scored import Adjust, Scored
from methods.linear import compare, regress
from methods.pairing.rules import Pairing, Pairs

PAIRS_A_ROW = 4

Loss = Callable[[Any, Any], Any]
Penalty = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Sum:
    """An objective with penalties added.

    Attributes:
        terms: Losses of ``(scores, batch)``, each (K, B) or (K,).
    """

    terms: tuple[Loss, ...]

    def __call__(self, scores: Any, batch: Any) -> Any:
        """The sum; a (K,) term is spread over the batch."""
        total = self.terms[0](scores, batch)
        for term in self.terms[1:]:
            extra = term(scores, batch)
            total = total + (extra[:, None] if extra.ndim < total.ndim else extra)
        return total


@dataclass(frozen=True)
class Recipe:
    """A composed method.

    Attributes:
        name: Name on the board.
        adjust: What removes confounding, or does not.
        pairing: How rows of an outcome log become pairs; None trains on rows.
        objective: A loss, or None for closed-form reward regression.
        penalties: Losses added to the objective.
        posthoc: Applied to the fitted model, in order: ``(fitted, model, harness) -> Fitted``.
        model: ``"policy"`` or ``"head"``: what an objective trains.
        columns: For a row-wise loss: scored rows and a generator to more columns of the training
            set, or replacements of ``weight`` and ``outcome``; ``Texts`` among them become fields.
        pair_columns: The same for pairs made from an outcome log.
        head: Arguments of ``harness.reward_head``.
        tags: What it takes and claims.
    """

    name: str
    adjust: Adjust = field(default_factory=Raw)
    pairing: Pairing | None = None
    objective: Loss | None = None
    penalties: tuple[Penalty, ...] = ()
    posthoc: tuple[Callable[..., Any], ...] = ()
    model: str = "policy"
    columns: Callable[[Scored, np.random.Generator], dict[str, Any]] | None = None
    pair_columns: Callable[[Scored, Pairs], dict[str, Any]] | None = None
    head: tuple[tuple[str, Any], ...] = ()
    tags: Tags = field(default_factory=Tags)

    def fit(self, log: Log, harness: Harness) -> Fitted | Fitting:
        """Learn from a log that the tags accept."""
        if self.objective is not None:
            return self._train(log, harness)
        if log.kind == "outcome":
            fitted: Fitted = regress(self.adjust(log, harness), self.tags.intervals)
        else:
            fitted = compare(log, harness)
        return self._finish(fitted, None, harness)

    def _train(self, log: Log, harness: Harness) -> Fitting:
        assert self.objective is not None
        fields, values = self.training_set(log, harness)
        start = harness.policy() if self.model == "policy" else harness.reward_head(**dict(self.head))
        loss = Sum((self.objective, *self.penalties)) if self.penalties else self.objective
        model = yield Train(start, fields, values, loss)
        wrap = harness.fitted_policy if self.model == "policy" else harness.fitted_head
        return self._finish(wrap(model), model, harness)

    def _finish(self, fitted: Fitted, model: Any, harness: Harness) -> Fitted:
        for step in self.posthoc:
            fitted = step(fitted, model, harness)
        return fitted

    def training_set(self, log: Log, harness: Harness) -> tuple[dict[str, Texts], dict[str, np.ndarray]]:
        """Text fields and number columns of the training request."""
        if log.kind == "pairs":
            return _logged_pairs(log)
        if log.kind == "rankings":
            return _logged_rankings(log)
        scored = self.adjust(log, harness)
        if self.pairing is None:
            made: dict[str, Any] = {
                "text": Texts(scored.log.prompts, scored.log.texts),
                "weight": scored.weight,
                "outcome": standardise(scored.value, scored.weight),
            }
            if self.columns is not None:
                made |= self.columns(scored, harness.rng("columns"))
            return split_columns(made)
        wanted = harness.budget.steps * harness.budget.batch_size
        if self.model == "head":  # heads are cheap and read many more rows than a decoder does
            wanted = max(wanted, PAIRS_A_ROW * len(scored.value))
        pairs = self.pairing(scored, harness.rng("pairs"), wanted)
        texts = Texts(scored.log.prompts, scored.log.texts)
        paired: dict[str, Any] = {
            "chosen": take_texts(texts, pairs.chosen),
            "rejected": take_texts(texts, pairs.rejected),
            "weight": pairs.weight,
        }
        if self.pair_columns is not None:
            paired |= self.pair_columns(scored, pairs)
        return split_columns(paired)


def standardise(value: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Values with weighted mean 0 and variance 1 (all zero where they are constant); shape (n,)."""
    centred = value - np.average(value, weights=weight)
    scale = float(np.sqrt(np.average(centred**2, weights=weight)))
    return centred / scale if scale > 1e-12 else np.zeros_like(centred)


def split_columns(columns: dict[str, Any]) -> tuple[dict[str, Texts], dict[str, np.ndarray]]:
    """Text fields and number columns of a training set, told apart by type."""
    fields = {name: column for name, column in columns.items() if isinstance(column, Texts)}
    return fields, {name: column for name, column in columns.items() if name not in fields}


def take_texts(texts: Texts, rows: np.ndarray) -> Texts:
    """Some rows of a text field."""
    return Texts(texts.prompts[rows], texts.texts[rows])


def _logged_pairs(log: Log) -> tuple[dict[str, Texts], dict[str, np.ndarray]]:
    fields = {name: Texts(log.prompts, log.strings(name)) for name in ("chosen", "rejected")}
    values = {"weight": np.ones(len(log))}
    if log.has("tie"):
        values["preference"] = 1.0 - 0.5 * log.numbers("tie")
    return fields, values


def _logged_rankings(log: Log) -> tuple[dict[str, Texts], dict[str, np.ndarray]]:
    orders = (("first", "second"), ("first", "third"), ("second", "third"))
    prompts = np.tile(log.prompts, len(orders))
    chosen = np.concatenate([log.strings(better) for better, _ in orders])
    rejected = np.concatenate([log.strings(worse) for _, worse in orders])
    fields = {"chosen": Texts(prompts, chosen), "rejected": Texts(prompts, rejected)}
    return fields, {"weight": np.ones(len(prompts))}
