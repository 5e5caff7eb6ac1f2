"""One composition, one method: adjustment, pairing, objective, penalties, post-processing.

A recipe without an objective regresses scored rows on text features in closed form. One with
an objective yields a training request and wraps the trained model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.contract import Fitted, Fitting, Incompatible, Log, Tags, Texts, Train
from methods.adjust.partial import Raw
from methods.adjust.scored import Adjust, Scored
from methods.linear import compare, regress
from methods.pairing.rules import Pairing

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
        target: Maps scored rows to the columns of a row-wise loss; by default ``outcome``.
        tags: What it takes and claims.
    """

    name: str
    adjust: Adjust = field(default_factory=Raw)
    pairing: Pairing | None = None
    objective: Loss | None = None
    penalties: tuple[Penalty, ...] = ()
    posthoc: tuple[Callable[..., Any], ...] = ()
    model: str = "policy"
    target: Callable[[Scored], dict[str, np.ndarray]] | None = None
    tags: Tags = field(default_factory=Tags)

    def fit(self, log: Log, harness: Any) -> Fitted | Fitting:
        """Learn from a log.

        Raises:
            Incompatible: If the log lacks what the tags declare.
        """
        reason = self.tags.reason_to_refuse(log)
        if reason:
            raise Incompatible(reason)
        if self.objective is not None:
            return self._train(log, harness)
        if log.kind != "outcome":
            return compare(log, harness)
        return regress(self.adjust(log, harness), self.tags.intervals)

    def _train(self, log: Log, harness: Any) -> Fitting:
        assert self.objective is not None
        fields, values = self.training_set(log, harness)
        start = harness.policy() if self.model == "policy" else harness.reward_head()
        loss = Sum((self.objective, *self.penalties)) if self.penalties else self.objective
        model = yield Train(start, fields, values, loss)
        wrap = harness.fitted_policy if self.model == "policy" else harness.fitted_head
        fitted = wrap(model)
        for step in self.posthoc:
            fitted = step(fitted, model, harness)
        return fitted

    def training_set(self, log: Log, harness: Any) -> tuple[dict[str, Texts], dict[str, np.ndarray]]:
        """Text fields and number columns of the training request."""
        if log.kind == "pairs":
            return _logged_pairs(log)
        if log.kind == "rankings":
            return _logged_rankings(log)
        scored = self.adjust(log, harness)
        if self.pairing is None:
            values = {"weight": scored.weight, "outcome": standardise(scored.value, scored.weight)}
            if self.target is not None:
                values = {**values, **self.target(scored)}
            return {"text": Texts(scored.log.prompts, scored.log.texts)}, values
        wanted = harness.budget.steps * harness.budget.batch_size
        if self.model == "head":  # heads are cheap and read many more rows than a decoder does
            wanted = max(wanted, PAIRS_A_ROW * len(scored.value))
        pairs = self.pairing(scored, harness.rng("pairs"), wanted)
        texts = Texts(scored.log.prompts, scored.log.texts)
        return {
            "chosen": _take(texts, pairs.chosen),
            "rejected": _take(texts, pairs.rejected),
        }, {"weight": pairs.weight}


def standardise(value: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Values with weighted mean 0 and variance 1 (all zero where they are constant); shape (n,)."""
    centred = value - np.average(value, weights=weight)
    scale = float(np.sqrt(np.average(centred**2, weights=weight)))
    return centred / scale if scale > 1e-12 else np.zeros_like(centred)


def _take(texts: Texts, rows: np.ndarray) -> Texts:
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
