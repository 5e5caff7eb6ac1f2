"""Losses on single texts: likelihood, binary desirability and outcome regression.

Field: ``text``. ``h = log pi - log pi_ref``; ``s`` is the logistic function. Columns: ``weight``
(optional everywhere); ``desirable`` (0 or 1) for the binary losses; ``outcome`` for regression.
How rows were chosen, weighted or labelled is not known here (see ``weights``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import huber_loss, logsigmoid, softplus

from benchmark.contract.errors import unknown_name
from methods.objectives.terms import Batch, Scores, log_ratio, weigh


@dataclass(frozen=True)
class SFT:
    """Supervised fine-tuning: ``-log pi(text)``, per token if asked.

    With weights from ``methods.objectives.weights`` it is also filtered alignment (FA), reward-
    weighted regression (RWR) and, on tagged prompts, conditional alignment (CA): Hu et al. 2023.

    Source: TRL ``SFTTrainer`` averages over the batch's tokens; here texts count equally.

    Attributes:
        field: Name of the text field.
        per_token: Divide by the text's length.
    """

    field: str = "text"
    per_token: bool = False

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        score = scores[self.field]
        return weigh(-score.value / score.length if self.per_token else -score.value, batch)


@dataclass(frozen=True)
class KTO:
    """Kahneman-Tversky optimisation on desirable and undesirable texts.

    ``w_D (1 - s(beta (h - z)))`` if desirable, ``w_U (1 - s(beta (z - h)))`` if not; the reference
    point ``z = max(0, mean of h over mismatched prompt-text pairs)`` carries no gradient.

    Source: Ethayarajh et al. 2024, eq. 8. TRL ``KTOTrainer`` ``kto`` (beta .1, weights 1 and 1;
    rotates completions inside a batch to get the mismatched pairs, so batches need > 1 row).

    Attributes:
        beta: As in DPO.
        desirable_weight: w_D.
        undesirable_weight: w_U.
        reference_field: Field of mismatched texts behind z. ``text`` uses the batch itself, which
            is the same thing in distribution where all rows share one prompt.
    """

    beta: float = 0.1
    desirable_weight: float = 1.0
    undesirable_weight: float = 1.0
    reference_field: str = "mismatched"

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        point = log_ratio(scores[self.reference_field]).detach().mean(1, keepdim=True).clamp(min=0.0)
        desirable = batch["desirable"]
        sign = 2.0 * desirable - 1.0
        losses = torch.sigmoid(-self.beta * sign * (log_ratio(scores["text"]) - point))
        importance = desirable * self.desirable_weight + (1.0 - desirable) * self.undesirable_weight
        return weigh(importance * losses, batch)


@dataclass(frozen=True)
class BCO:
    """Binary classifier optimisation.

    ``-log s(beta h - delta)`` if desirable, ``-log s(delta - beta h)`` if not; delta is the mean of
    ``beta h``, without gradient. A density ratio on undesirable rows, put in ``weight``
    (``weights.density_ratio``), makes both classes share one covariate law.

    Source: Jung et al. 2024, eq. 12-14. TRL's own BCO trainer (gone; ``bco_pair`` has no delta) kept a
    running mean over batches for delta; here it is the batch's own mean, since a loss has no memory,
    and it is weighted, so that delta sits in the same population as the losses (TRL's was not).

    Attributes:
        beta: As in DPO.
    """

    beta: float = 0.1

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        reward = self.beta * log_ratio(scores["text"])
        sign = 2.0 * batch["desirable"] - 1.0
        importance = weigh(torch.ones_like(reward), batch)
        shift = (importance * reward.detach()).sum(1, keepdim=True) / importance.sum(1, keepdim=True)
        return weigh(-logsigmoid(sign * (reward - shift)), batch)


Noise = Literal["squared", "huber", "bernoulli", "poisson"]


@dataclass(frozen=True)
class OutcomeRegression:
    """Regression of the outcome on the text: the reward head predicts ``E[outcome | text]``.

    squared ``(f - y)^2 / 2``; huber the same, linear beyond ``threshold``; bernoulli
    ``log(1 + e^f) - y f`` (f a logit); poisson ``e^f - y f`` (f a log rate).

    Source: textbook likelihoods (constants in y dropped). TRL has no such trainer.

    Attributes:
        noise: Which likelihood.
        threshold: Of the huber loss, in outcome units.

    Raises:
        UsageError: Unknown noise.
    """

    noise: Noise = "squared"
    threshold: float = 1.0

    def __post_init__(self) -> None:
        if self.noise not in ("squared", "huber", "bernoulli", "poisson"):
            raise unknown_name("noise", self.noise, ("squared", "huber", "bernoulli", "poisson"))

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        fitted, outcome = scores["text"].value, batch["outcome"]
        if self.noise == "squared":
            losses = 0.5 * (fitted - outcome) ** 2
        elif self.noise == "huber":
            fitted, outcome = torch.broadcast_tensors(fitted, outcome)
            losses = huber_loss(fitted, outcome, reduction="none", delta=self.threshold)
        elif self.noise == "bernoulli":
            losses = softplus(fitted) - outcome * fitted
        else:
            losses = torch.exp(fitted) - outcome * fitted
        return weigh(losses, batch)
