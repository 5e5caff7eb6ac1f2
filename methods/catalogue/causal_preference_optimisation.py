"""CPO, OO-RLHF and DR-CPO (Lin, Ben-Michael & Morency, UAI 2024), from the paper's formulas.

Section 4 there, with weights ``w = P^f(x) / P^R(x)`` of n logged texts and ``v = P^f(x~) / P^f0(x~)`` of m
texts drawn from f0:

- CPO: ``V_IPW = mean_i w_i y_i``;
- OO-RLHF: ``V_out = mean_j v_j ghat(x~_j)``;
- DR-CPO: ``V_DR = mean_i w_i (y_i - ghat(x_i)) + V_out``, its nuisances fitted on rows other than those they
  are used for (theorem 4.4); with a constant ghat it is the control of proposition 4.5.

All start from a policy fine-tuned on the logged texts, which is also the estimate of the
logging law ``P^R`` unless propensities are logged; f0 is the reference policy itself, as in
the paper. The paper clips no weight; the cut here is a parameter of the objective. Outcomes are
standardised, since neither term is invariant to their level. What the paper's public code does
instead is in ``causal_preference_code``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.contract import Fitting, Harness, Log, Method, Sample, Score, Tags, Texts, Train
from methods.adjust.partial import Joint, Raw, cross_folds
from methods.adjust.scored import Adjust, Scored
from methods.adjust.slices import slice_rows
from methods.linear import regress
from methods.objectives.policy_value import CPO, DRCPO, OORLHF, POEM, SNIPS
from methods.objectives.unpaired import SFT
from methods.recipe import Loss, take_texts
from methods.rows import LOGGED, make_tags

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

    def divergence(self, prompts: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """KL of the policy to the reference (not to where it started) in nats, shape (m,)."""
        return np.asarray(self.policy.divergence(prompts, samples))


@dataclass(frozen=True)
class PolicyValue:
    """Maximise an estimate of the policy's value on the log.

    Attributes:
        name: Name on the board.
        objective: A loss on ``text`` (and ``generated``) from ``methods.objectives.policy_value``.
        tags: What it takes and claims.
        logged: Take the logging law from the log's propensities, not from the fine-tuned policy.
        modelled: Needs an outcome model and texts drawn from the reference policy.
        outcome_model: Adjustment under which the outcome model is fitted; its row weights multiply
            the importance weights (``P(x|p) / P(x|p,z)`` makes the tuned policy's law the logging law).
        constant: Replace the outcome model by the mean outcome (the variance control).
        folds: Cross-fitting folds of the outcome model; 1 fits it once, on every row.
        sliced: Weight the randomised rows alone; the outcome model still sees every row.
    """

    name: str
    objective: Loss
    tags: Tags
    logged: bool = False
    modelled: bool = False
    outcome_model: Adjust = field(default_factory=Raw)
    constant: bool = False
    folds: int = 1
    sliced: bool = False

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        scored = self.outcome_model(log, harness)
        # An adjusted value is the outcome less what covariates explain: the weighted term uses it too.
        kept = slice_rows(scored.log) if self.sliced else np.arange(len(scored.log))
        rows, value, weight = scored.log.take(kept), scored.value[kept], scored.weight[kept]
        level, scale = float(value.mean()), float(value.std()) or 1.0
        logged = Texts(rows.prompts, rows.texts)
        start = yield Train(harness.policy(), {"text": logged}, {"weight": np.ones(len(rows))}, SFT())
        fields, values = {"text": logged}, {"outcome": (value - level) / scale, "weight": weight}
        if self.logged:
            values["log_propensity"] = np.log(rows.numbers("propensity"))
        else:
            values["log_propensity"] = yield Score(start, rows.prompts, rows.texts)
        if self.modelled:
            fields["generated"] = yield from draw_for_rows(harness.policy(), rows, harness)
            predicted = self._predict(scored, kept, (logged, fields["generated"]), harness)
            values["prediction"], values["generated_prediction"] = (predicted - level) / scale
        policy = yield Train(start, fields, values, self.objective)
        return RelativePolicy(harness.fitted_policy(policy), harness.fitted_policy(start), {})

    def _predict(
        self, scored: Scored, kept: np.ndarray, sides: tuple[Texts, ...], harness: Harness
    ) -> np.ndarray:
        """Outcomes predicted for some texts a kept row, by a model that has not seen the row; (sides, n)."""
        if self.constant:
            return np.full((len(sides), len(kept)), scored.value.mean())
        if self.folds == 1:
            return predict_rows(regress(scored), scored.log.take(kept), sides)
        fold = cross_folds(scored.log, harness, self.folds)
        predicted = np.empty((len(sides), len(kept)))
        for k in np.unique(fold[kept]):
            held = np.flatnonzero(fold[kept] == k)
            model = regress(scored.take(np.flatnonzero(fold != k)))
            part = tuple(take_texts(side, held) for side in sides)
            predicted[:, held] = predict_rows(model, scored.log.take(kept[held]), part)
        return predicted


def predict_rows(model: Any, rows: Log, sides: tuple[Texts, ...]) -> np.ndarray:
    """Rewards of some texts a row in the row's context, shape (sides, n)."""
    context = {name: rows.numbers(f"context.{name}") for name in rows.names("context")}
    return np.stack([model.reward(side.prompts, side.texts, context) for side in sides])


def draw_for_rows(policy: Any, log: Log, harness: Harness) -> Any:
    """A text from the policy for each row, of the row's prompt.

    No more are drawn than training visits; rows beyond that reuse them.
    """
    distinct, index = np.unique(log.prompts.astype(str), return_inverse=True)
    budget = harness.budget
    affordable = min(budget.samples, budget.steps * budget.batch_size) // len(distinct)
    each = max(1, min(int(np.bincount(index).max()), affordable))
    texts = yield Sample(policy, distinct.astype(object), each)
    order = np.argsort(index, kind="stable")
    starts = np.r_[0, np.cumsum(np.bincount(index))[:-1]]
    rank = np.empty(len(index), dtype=np.int64)
    rank[order] = np.arange(len(index)) - starts[index[order]]
    return Texts(log.prompts, np.asarray(texts, dtype=object)[index, rank % each])


def _row(name: str, objective: Loss, summary: str, *needs: str, **settings: Any) -> PolicyValue:
    return PolicyValue(name, objective, make_tags(summary, PAPER, *needs, policy=True), **settings)


METHODS: tuple[Method, ...] = (
    _row("cpo", CPO(clip=10.0), "CPO weights outcomes by ratios to a policy tuned on the log."),
    _row(
        "cpo-logged",
        CPO(clip=10.0),
        "CPO weights outcomes by the text's logged propensity given what moved it.",
        *LOGGED,
        logged=True,
    ),
    _row("cpo-normalised", SNIPS(clip=10.0), "CPO normalises its weights to sum to one (SNIPS)."),
    _row(
        "snips-logged",
        SNIPS(clip=10.0),
        "SNIPS normalises weights from logged propensities.",
        *LOGGED,
        logged=True,
    ),
    _row(
        "poem-logged",
        POEM(),
        "POEM subtracts from the IPS value its own standard error; propensities are logged.",
        *LOGGED,
        logged=True,
    ),
    _row(
        "oo-rlhf",
        OORLHF(clip=10.0),
        "OO-RLHF maximises an outcome model's prediction on texts drawn from f0.",
        modelled=True,
    ),
    _row(
        "oo-rlhf-adjusted",
        OORLHF(clip=10.0),
        "OO-RLHF has an outcome model that adjusts for covariates.",
        "covariate",
        modelled=True,
        outcome_model=Joint(),
    ),
    _row(
        "dr-cpo",
        DRCPO(clip=10.0),
        "DR-CPO adds weighted residuals to the value by an outcome model.",
        modelled=True,
        folds=5,
    ),
    _row(
        "dr-cpo-adjusted",
        DRCPO(clip=10.0),
        "DR-CPO adjusts outcomes and outcome model for covariates.",
        "covariate",
        modelled=True,
        folds=5,
        outcome_model=Joint(),
    ),
    _row(
        "dr-cpo-constant",
        DRCPO(clip=10.0),
        "DR-CPO has a constant outcome model, which controls variance alone.",
        modelled=True,
        constant=True,
    ),
    _row("cpo-slice", CPO(clip=10.0), "CPO trains on the randomised slice alone.", "randomised", sliced=True),
    _row(
        "dr-cpo-slice",
        DRCPO(clip=10.0),
        "DR-CPO takes weights on the slice and an outcome model from the whole log.",
        "randomised",
        modelled=True,
        folds=5,
        sliced=True,
    ),
)
