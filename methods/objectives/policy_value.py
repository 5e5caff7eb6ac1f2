"""Losses that estimate a policy's value from a log: the only ones that correct by design.

Fields: ``text`` (logged texts) and ``generated`` (fixed samples of the reference f0, or fresh
samples of the policy where said). ``w = pi(text) / e(text)``. Columns: ``outcome``;
``log_propensity`` (nats, the logging law of the text **given what moved it**: left out, a
confounder is not corrected for); ``prediction`` and ``generated_prediction``, an outcome model
at the logged and the generated texts; ``weight`` (optional).

Losses are minus values, so that their mean over a batch is minus the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.objectives.terms import Batch, FieldScores, Scores, log_ratio, weigh


def clip_ratio(log_weights: Tensor, clip: float | None) -> Tensor:
    """``min(exp(log_weights), clip)``; a clipped ratio carries no gradient."""
    weights = torch.exp(log_weights)
    return weights if clip is None else weights.clamp(max=clip)


def importance_weights(score: FieldScores, batch: Batch, clip: float | None) -> Tensor:
    """``min(pi / e, clip)`` of the logged texts, shape (K, B).

    e is the ``log_propensity`` column, or the reference where the log records none (the paper's
    estimated ``P^R``: a language model fine-tuned on the logged texts).
    """
    if "log_propensity" in batch:
        return clip_ratio(score.value - batch["log_propensity"], clip)
    return clip_ratio(log_ratio(score), clip)


@dataclass(frozen=True)
class CPO:
    """Causal preference optimisation, that is inverse-propensity scoring (IPS): ``-w y``.

    Source: Lin, Ben-Michael & Morency 2024, section 4 (V_IPW). The paper has no clipping and no
    KL term; its public code scores raw logits and normalises within batches of 4, which this does
    not. Not TRL's CPO (contrastive preference optimisation).

    Attributes:
        clip: Largest weight, or None.
        shift: Constant taken from the outcome. IPS is not invariant to it; a shift that makes the
            mean weight about 1 is BanditNet.
    """

    clip: float | None = None
    shift: float = 0.0

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        weights = importance_weights(scores["text"], batch, self.clip)
        return weigh(-weights * (batch["outcome"] - self.shift), batch)


@dataclass(frozen=True)
class OORLHF:
    """Offline RLHF on an outcome model: ``-(pi/f0)(generated) * prediction(generated)``.

    Source: Lin et al. 2024, section 4 (V_out). All risk sits in the outcome model.

    Attributes:
        clip: Largest ratio, or None.
    """

    clip: float | None = None

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        ratio = clip_ratio(log_ratio(scores["generated"]), self.clip)
        return weigh(-ratio * batch["generated_prediction"], batch)


@dataclass(frozen=True)
class DRCPO:
    """Doubly robust CPO: ``-w (y - prediction(text)) - (pi/f0)(generated) prediction(generated)``.

    Right if either the propensity or the outcome model is. Source: Lin et al. 2024, section 4
    (V_DR). The public code does not cross-fit the outcome model; the theory asks for it, and so
    should the caller.

    Attributes:
        clip: Largest weight of either term, or None.
    """

    clip: float | None = None

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        weights = importance_weights(scores["text"], batch, self.clip)
        residual = batch["outcome"] - batch["prediction"]
        return weigh(-weights * residual, batch) + OORLHF(self.clip)(scores, batch)


@dataclass(frozen=True)
class SNIPS:
    """Self-normalised IPS: batch mean is ``-sum(w y) / sum(w)``; unmoved by a constant in y.

    Source: Swaminathan & Joachims 2015b. Normalised within the batch, so small batches bias it.

    Attributes:
        clip: Largest weight, or None.
    """

    clip: float | None = None

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        weights = weigh(importance_weights(scores["text"], batch, self.clip), batch)
        return -weights * batch["outcome"] / weights.mean(1, keepdim=True)


@dataclass(frozen=True)
class POEM:
    """Policy optimiser for exponential models: IPS plus a penalty on its own standard error.

    ``mean(u) + strength * sqrt(Var(u) / B)`` with ``u = -y min(w, clip)``. Its variance penalty is
    on u, unlike the Open Bandit Pipeline's, which is on gradient terms.

    Source: Swaminathan & Joachims 2015a, eq. 8 (counterfactual risk minimisation); a
    reconstruction from general knowledge. B is the batch, not the log: scale the strength.

    Attributes:
        clip: Largest weight, or None.
        strength: Of the penalty, >= 0.
    """

    clip: float | None = 10.0
    strength: float = 1.0

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        losses = CPO(self.clip)(scores, batch)
        # The epsilon keeps the square root's gradient finite when all losses are equal.
        error = torch.sqrt(losses.var(1, keepdim=True) / losses.shape[1] + 1e-12)
        return losses + self.strength * error


@dataclass(frozen=True)
class Divergence:
    """``strength * KL(pi || pi_ref)``, estimated at texts drawn from the reference.

    ``q log q - q + 1`` with ``q = pi / pi_ref``: its mean under the reference is the KL, and no term
    is negative. With it the value losses, which have no pull of their own, get a finite optimum
    ``pi_ref exp(r / strength)``.

    Source: the Bregman form of KL (k3 of Schulman 2020, seen from the reference).

    Attributes:
        strength: Price of a nat, in units of the outcome.
        field: Field of reference texts; logged texts where they are what the reference says.
    """

    strength: float = 0.1
    field: str = "generated"

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        log_q = log_ratio(scores[self.field])
        q = torch.exp(log_q)
        return weigh(self.strength * (q * log_q - q + 1.0), batch)
