"""CPO, OO-RLHF and DR-CPO as the paper's public code computes them: labelled variants beside the paper's.

Source: github.com/torylin/causal-preference-optimization, trainer.py; see ``causal_preference_optimisation``
for the formulas of the paper. What differs from those:

- a ratio is the softmax of ``S_theta - S_start`` over a minibatch of 4, so it is self-normalised, no
  outcome's level matters, and four rows compete for a weight of one;
- one reference, the policy tuned on the log, serves logged and generated texts alike, though the latter are
  drawn from f0;
- the outcome model predicts the rows it was fitted on.

Not carried over: the code's S sums raw logits at the position of the token itself, padding included, which is
no log-probability; here S is the text's log-probability. Nor its constant 1/N, a change of step size alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.contract import Fitting, Harness, Log, Method, Score, Tags, Texts, Train
from methods.adjust.partial import Raw
from methods.catalogue.causal_preference_optimisation import RelativePolicy, draw_for_rows, predict_rows
from methods.linear import regress
from methods.objectives.terms import Batch, Scores, weigh
from methods.objectives.unpaired import SFT
from methods.recipe import standardise
from methods.rows import make_tags

PAPER = "Lin, Ben-Michael & Morency, UAI 2024 (their code)"


@dataclass(frozen=True)
class ReleasedValue:
    """``-(a (y - ghat(x)) + v ghat(x~))``, a and v normalised over minibatches; either term may be left out.

    Columns: ``outcome``, ``start`` (log-probability of the logged text under the policy training began
    from), and with a model ``prediction``, ``generated_prediction``, ``generated_start``. A loss of four
    rows sums to minus the self-normalised estimate of those four.

    Attributes:
        weighted: Keep the first term.
        modelled: Subtract the outcome model and add the second term.
        group: Rows a minibatch.
        uniform: Multiply ``a`` by the minibatch softmax of ``start`` too: the code's default, for a corpus
            each of whose texts is as likely. Otherwise its option ``use-pr-est``, the paper's choice.
        stabilise: Cut ``min(a R, clip(a, 1 - s, 1 + s) R)`` as PPO does (s = .2 in the code), or None. With
            four rows ratios begin at 1/4, so a row with R < 0 starts without a gradient.
    """

    weighted: bool = True
    modelled: bool = False
    group: int = 4
    uniform: bool = False
    stabilise: float | None = None

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        total = torch.zeros_like(batch["outcome"])
        if self.modelled:
            drawn = self._normalise(scores["generated"].value - batch["generated_start"])
            total = total + self._gain(drawn, batch["generated_prediction"])
        if self.weighted:
            ratio = self._normalise(scores["text"].value - batch["start"])
            if self.uniform:
                ratio = ratio * self._normalise(batch["start"])
            left = batch["outcome"] - batch["prediction"] if self.modelled else batch["outcome"]
            total = total + self._gain(ratio, left)
        return weigh(-total, batch)

    def _normalise(self, logits: Tensor) -> Tensor:
        return torch.cat([part.softmax(-1) for part in logits.split(self.group, -1)], -1)

    def _gain(self, ratio: Tensor, reward: Tensor) -> Tensor:
        if self.stabilise is None:
            return ratio * reward
        cut = ratio.clamp(1.0 - self.stabilise, 1.0 + self.stabilise)
        return torch.minimum(ratio * reward, cut * reward)


@dataclass(frozen=True)
class ReleasedPolicyValue:
    """Training as the code does it, from a policy tuned on the log.

    Attributes:
        name: Name on the board.
        objective: Which terms are kept.
        tags: What it takes and claims.
    """

    name: str
    objective: ReleasedValue
    tags: Tags

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        scored = Raw()(log, harness)
        rows = scored.log
        logged = Texts(rows.prompts, rows.texts)
        start = yield Train(harness.policy(), {"text": logged}, {"weight": np.ones(len(rows))}, SFT())
        fields, values = {"text": logged}, {"outcome": standardise(scored.value)}
        values["start"] = yield Score(start, rows.prompts, rows.texts)
        if self.objective.modelled:
            generated = fields["generated"] = yield from draw_for_rows(harness.policy(), rows, harness)
            values["generated_start"] = yield Score(start, generated.prompts, generated.texts)
            level, scale = float(scored.value.mean()), float(scored.value.std()) or 1.0
            predicted = predict_rows(regress(scored), rows, (logged, generated))
            values["prediction"], values["generated_prediction"] = (predicted - level) / scale
        policy = yield Train(start, fields, values, self.objective)
        return RelativePolicy(harness.fitted_policy(policy), harness.fitted_policy(start), {})


def _row(name: str, objective: ReleasedValue, summary: str) -> ReleasedPolicyValue:
    return ReleasedPolicyValue(name, objective, make_tags(summary, PAPER, policy=True))


METHODS: tuple[Method, ...] = (
    _row("cpo-released", ReleasedValue(), "CPO as in its code normalises ratios over minibatches of four."),
    _row(
        "oo-rlhf-released",
        ReleasedValue(weighted=False, modelled=True),
        "OO-RLHF as in its code takes minibatch ratios to the tuned policy, on texts from f0.",
    ),
    _row(
        "dr-cpo-released",
        ReleasedValue(modelled=True),
        "DR-CPO as in its code fits the outcome model on the rows that it predicts.",
    ),
)
