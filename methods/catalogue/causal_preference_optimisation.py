"""CPO, OO-RLHF and DR-CPO (Lin, Ben-Michael & Morency, UAI 2024), from the paper's formulas.

All start from a policy fine-tuned on the logged texts, which is also the estimate of the
logging law ``P^R`` unless propensities are logged; f0 is the reference policy itself, as in
the paper. The paper clips no weight; the cut here is a parameter of the objective. Outcomes are
standardised, since neither term is invariant to their level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.contract import Fitting, Incompatible, Log, Method, Sample, Score, Tags, Texts, Train
from methods.adjust.partial import Raw
from methods.adjust.scored import Adjust
from methods.linear import regress
from methods.objectives.policy_value import CPO, DRCPO, OORLHF, SNIPS
from methods.objectives.unpaired import SFT
from methods.recipe import Loss, standardise

PAPER = "Lin, Ben-Michael & Morency, UAI 2024"


@dataclass(frozen=True, eq=False)
class RelativePolicy:
    """A policy whose reward is its log ratio to the policy it was started from.

    Attributes:
        policy: Fitted policy.
        start: Fitted policy before the last training.
        diagnostics: Named numbers to report.
    """

    policy: Any
    start: Any
    diagnostics: Mapping[str, float]

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """``log pi - log pi_start``, shape (n,)."""
        return self.policy.reward(prompts, texts, context) - self.start.reward(prompts, texts, context)

    def sample(self, prompts: np.ndarray, n: int) -> np.ndarray:
        """Texts, shape (len(prompts), n)."""
        return self.policy.sample(prompts, n)


@dataclass(frozen=True)
class PolicyValue:
    """Maximise an estimate of the policy's value on the log.

    Attributes:
        name: Name on the board.
        objective: A loss on ``text`` (and ``generated``) from ``methods.objectives.policy_value``.
        tags: What it takes and claims.
        logged: Take the logging law from the log's propensities, not from the fine-tuned policy.
        modelled: Needs an outcome model and texts drawn from the reference policy.
        outcome_model: Adjustment under which the outcome model is fitted.
        constant: Replace the outcome model by the mean outcome (the variance control).
    """

    name: str
    objective: Loss
    tags: Tags
    logged: bool = False
    modelled: bool = False
    outcome_model: Adjust = field(default_factory=Raw)
    constant: bool = False

    def fit(self, log: Log, harness: Any) -> Fitting:
        """Learn from a log."""
        reason = self.tags.reason_to_refuse(log)
        if reason:
            raise Incompatible(reason)
        return self._train(log, harness)

    def _train(self, log: Log, harness: Any) -> Fitting:
        scored = self.outcome_model(log, harness)
        rows, outcome = scored.log, standardise(scored.log.outcomes)
        logged = Texts(rows.prompts, rows.texts)
        start = yield Train(harness.policy(), {"text": logged}, {"weight": np.ones(len(rows))}, SFT())
        fields, values = {"text": logged}, {"outcome": outcome}
        if self.logged:
            values["log_propensity"] = np.log(rows.numbers("propensity"))
        else:
            values["log_propensity"] = yield Score(start, rows.prompts, rows.texts)
        if self.modelled:
            fields["generated"] = yield from _draw(harness.policy(), rows, harness)
            values |= self._predictions(scored, fields["generated"])
        policy = yield Train(start, fields, values, self.objective)
        return RelativePolicy(harness.fitted_policy(policy), harness.fitted_policy(start), {})

    def _predictions(self, scored: Any, generated: Texts) -> dict[str, np.ndarray]:
        if self.constant:
            zeros = np.zeros(len(generated))
            return {"prediction": zeros, "generated_prediction": zeros}
        model = regress(scored)
        outcomes = scored.log.outcomes
        scale = outcomes.std() or 1.0
        context = {name: scored.log.numbers(f"context.{name}") for name in scored.log.names("context")}
        own = model.reward(scored.log.prompts, scored.log.texts, context)
        drawn = model.reward(generated.prompts, generated.texts, context)
        return {
            "prediction": (own - outcomes.mean()) / scale,
            "generated_prediction": (drawn - outcomes.mean()) / scale,
        }


def _draw(policy: Any, log: Log, harness: Any) -> Any:
    """As many texts as the log has rows, one for each row's prompt, reused beyond the budget."""
    distinct, index = np.unique(log.prompts.astype(str), return_inverse=True)
    most = int(np.bincount(index).max())
    each = max(1, min(most, harness.budget.samples // len(distinct)))
    texts = yield Sample(policy, distinct.astype(object), each)
    order = np.argsort(index, kind="stable")
    starts = np.r_[0, np.cumsum(np.bincount(index))[:-1]]
    rank = np.empty(len(index), dtype=np.int64)
    rank[order] = np.arange(len(index)) - starts[index[order]]
    return Texts(log.prompts, np.asarray(texts, dtype=object)[index, rank % each])


def _tags(summary: str, track: str = "log", needs: frozenset[str] = frozenset()) -> Tags:
    return Tags(needs=needs, track=track, policy=True, paper=PAPER, summary=summary)


METHODS: tuple[Method, ...] = (
    PolicyValue("cpo", CPO(clip=10.0), _tags("IPS policy gradient; P^R from a policy tuned on the log.")),
    PolicyValue("cpo-normalised", SNIPS(clip=10.0), _tags("CPO with self-normalised weights (SNIPS).")),
    PolicyValue(
        "oo-rlhf",
        OORLHF(clip=10.0),
        _tags("Offline RLHF against an outcome model, by ratios on texts from f0."),
        modelled=True,
    ),
    PolicyValue(
        "dr-cpo",
        DRCPO(clip=10.0),
        _tags("Doubly robust CPO: outcome model plus weighted residuals."),
        modelled=True,
    ),
)
