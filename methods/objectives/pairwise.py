"""Losses on pairs: a chosen and a rejected text of one prompt.

Notation: ``d = h(chosen) - h(rejected)`` with ``h = log pi - log pi_ref``; ``s`` is the logistic
function. Fields: ``chosen``, ``rejected``. Optional columns, all of shape (K, B): ``weight``;
``margin`` (subtracted from the scaled difference) and ``preference`` (probability that chosen is
truly better; 0.5 is a tie), read by the logistic losses alone.

No loss here knows how the pairs were labelled: each inherits whatever confounding the pairing
left in. DPO-like losses need both texts of a pair to share a prompt, or ``log Z(x)`` does not cancel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from methods.objectives.terms import Batch, Scores, log_ratio_margin, value_margin, weigh


def logistic(margin: Tensor, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
    """Weighted logistic loss of a pair margin, with soft labels.

    ``-(1 - e) log s(u) - e log s(-u)`` with ``u = margin - batch["margin"]``, where ``e`` is the
    probability that the label is wrong: smoothing, or one minus the ``preference`` column.

    Args:
        margin: Shape (K, B).
        batch: May hold ``margin``, ``preference`` and ``weight``.
        label_smoothing: In [0, 0.5); combined with ``preference`` as a further random flip.
    """
    offset = margin - batch["margin"] if "margin" in batch else margin
    # softplus(-u) = -log s(u), and -log s(-u) = softplus(-u) + u.
    losses = softplus(-offset) + label_smoothing * offset
    if "preference" in batch:
        flipped = (1.0 - batch["preference"]) * (1.0 - 2.0 * label_smoothing)
        losses = losses + flipped * offset
    return weigh(losses, batch)


@dataclass(frozen=True)
class DPO:
    """Direct preference optimisation, and its conservative form.

    ``-log s(beta d)``; with smoothing e, cDPO: ``-(1-e) log s(beta d) - e log s(-beta d)``, whose
    optimum on a certain label is ``beta d = logit(1-e)``.

    Source: Rafailov et al. 2023, eq. 7; Mitchell 2023 for cDPO. TRL ``DPOTrainer`` ``sigmoid``
    (beta .1). TRL 0.29 and later no longer read ``label_smoothing`` under ``sigmoid``, so cDPO
    has no counterpart there. It is not Causal DPO, whose paper calls itself CDPO.

    Attributes:
        beta: Strength of the pull to the reference, > 0.
        label_smoothing: In [0, 0.5).
    """

    beta: float = 0.1
    label_smoothing: float = 0.0

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        return logistic(self.beta * log_ratio_margin(scores), batch, self.label_smoothing)


@dataclass(frozen=True)
class RobustDPO:
    """rDPO: unbiased for labels flipped at random with a known rate.

    ``[-(1-e) log s(beta d) + e log s(-beta d)] / (1 - 2e)``; it can be negative and, on one-sided
    labels, has no minimum. Confounded labels are flipped systematically, not at random, and there
    the correction amplifies the bias.

    Source: Chowdhury et al. 2024, eq. 12. TRL ``robust`` (flip rate 0 there; the paper's .1 here).

    Attributes:
        beta: As in DPO.
        flip_rate: In [0, 0.5).
    """

    beta: float = 0.1
    flip_rate: float = 0.1

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        # The difference of the two logistic terms is linear in the margin, so that the whole is
        # a logistic loss with smoothing -e/(1-2e).
        smoothing = -self.flip_rate / (1.0 - 2.0 * self.flip_rate)
        return logistic(self.beta * log_ratio_margin(scores), batch, smoothing)


@dataclass(frozen=True)
class IPO:
    """Identity preference optimisation: a squared loss, hence a bounded margin.

    ``(d - 1/(2 beta))^2``, with ``d`` of per-token means where ``per_token``.

    Source: Azar et al. 2023, eq. 17 (their tau is beta here). TRL ``ipo`` averages over tokens,
    which its documentation says the authors confirmed; ``per_token=False`` is the formula as printed.

    Attributes:
        beta: Target margin is 1/(2 beta), > 0.
        per_token: Divide each log ratio by its text's length.
    """

    beta: float = 0.1
    per_token: bool = True

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        return weigh((log_ratio_margin(scores, self.per_token) - 0.5 / self.beta) ** 2, batch)


@dataclass(frozen=True)
class Hinge:
    """Hinge on the log-ratio margin: ``max(0, 1 - beta d)``.

    Source: Liu et al. 2023 (RSO), as TRL ``hinge`` (beta .1; 1/beta is the margin). It is often
    called SLiC; the original has no reference, see ``SLiC``.

    Attributes:
        beta: As in DPO.
    """

    beta: float = 0.1

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        return weigh(torch.relu(1.0 - self.beta * log_ratio_margin(scores)), batch)


@dataclass(frozen=True)
class SLiC:
    """Sequence-likelihood calibration in its original form, without a reference.

    ``max(0, delta - log pi(chosen) + log pi(rejected)) - strength * log pi(chosen)``; the chosen
    text stands in for the paper's supervised target.

    Source: Zhao et al. 2023 (SLiC-HF), eq. 1; a reconstruction from general knowledge.

    Attributes:
        delta: Margin in nats.
        likelihood_strength: Weight of the likelihood term.
    """

    delta: float = 1.0
    likelihood_strength: float = 0.1

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        hinge = torch.relu(self.delta - value_margin(scores))
        return weigh(hinge - self.likelihood_strength * scores["chosen"].value, batch)


@dataclass(frozen=True)
class SimPO:
    """Simple preference optimisation: per-token likelihoods, a target margin, no reference.

    ``-log s(beta (lp(chosen)/|chosen| - lp(rejected)/|rejected|) - gamma)``.

    Source: Meng et al. 2024, eq. 6 (beta 2.5 and gamma 1.375 there; TRL defaults .1 and .5). In
    TRL it is ``CPOTrainer`` with ``loss_type="simpo"`` **and** ``cpo_alpha=0``; the default
    alpha 1 is CPO-SimPO. That CPO is contrastive preference optimisation, not the causal one.

    Attributes:
        beta: Scale of the per-token margin.
        gamma: Target margin, already multiplied by beta.
    """

    beta: float = 2.5
    gamma: float = 1.375

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        return logistic(self.beta * value_margin(scores, per_token=True) - self.gamma, batch)


@dataclass(frozen=True)
class ORPO:
    """Odds-ratio preference optimisation: likelihood of the chosen text plus an odds-ratio term.

    ``-lp(chosen)/|chosen| - strength * log s(logodds(chosen) - logodds(rejected))``, odds of the
    per-token mean probability: ``logodds = l - log(1 - exp l)``, ``l = lp/|y|``.

    Source: Hong et al. 2024, eq. 6-7. TRL ``ORPOTrainer`` calls the strength ``beta`` (.1) and
    takes the likelihood over prompt and completion together, averaged over the batch's tokens;
    here it is the completion's, averaged within the text.

    Attributes:
        strength: Weight of the odds-ratio term (lambda).
    """

    strength: float = 0.1

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        chosen, rejected = (scores[name].value / scores[name].length for name in ("chosen", "rejected"))
        log_odds = (chosen - rejected) - (log_complement(chosen) - log_complement(rejected))
        return weigh(-chosen - self.strength * logsigmoid(log_odds), batch)


@dataclass(frozen=True)
class BradleyTerry:
    """Reward model on pairs: ``-log s(f(chosen) - f(rejected) - m) + c (f(chosen) + f(rejected))^2``.

    Source: Bradley & Terry 1952; margin after Touvron et al. 2023; centring after Eisenstein et
    al. 2023. TRL ``RewardTrainer`` (``margin`` column, ``center_rewards_coefficient``, advised .01).

    Attributes:
        centering: The coefficient c; 0 leaves the level of the reward free.
    """

    centering: float = 0.0

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        losses = logistic(value_margin(scores), batch)
        if not self.centering:
            return losses
        total = scores["chosen"].value + scores["rejected"].value
        return losses + weigh(self.centering * total**2, batch)


def log_complement(log_probability: Tensor) -> Tensor:
    """``log(1 - exp(l))`` for l < 0, accurate at both ends.

    ``-expm1`` loses nothing near 0 and ``log1p`` nothing far below it; log 2 is where they cross.
    """
    bounded = log_probability.clamp(max=-torch.finfo(log_probability.dtype).eps)
    near = torch.log(-torch.expm1(bounded.clamp(min=-0.6931471805599453)))
    far = torch.log1p(-torch.exp(bounded.clamp(max=-0.6931471805599453)))
    return torch.where(bounded > -0.6931471805599453, near, far)
