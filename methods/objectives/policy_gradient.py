"""Policy-gradient losses: advantages come from outside, as does the law the texts were drawn from.

Field ``text``: sampled or logged texts; column ``advantage`` (``weights.leave_one_out``,
``weights.group_standardise``, or outcome minus its mean given covariates); ``weight`` optional.
Whatever scored the texts decides about confounding; more optimisation amplifies its bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from methods.objectives.terms import Batch, Scores, log_ratio, weigh


@dataclass(frozen=True)
class Reinforce:
    """``-A log pi(text)``. With ``A = y - m(x)`` and weight 1/e: the deconfounded policy gradient.

    Source: Williams 1992. TRL has no trainer of its own for it.
    """

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        return weigh(-batch["advantage"] * scores["text"].value, batch)


@dataclass(frozen=True)
class ClippedPolicyGradient:
    """``-min(q A, clip(q, 1-c, 1+c) A)`` with the sequence ratio ``q = pi(text) / pi_old(text)``.

    With leave-one-out advantages it is RLOO as TRL has it (``RLOOTrainer``: clip .2, G 2, beta
    .05, KL inside the reward without gradient). ``log_old`` is the log-probability when sampled;
    without it q is 1 and only its gradient counts, which is the first inner step.

    Source: Ahmadian et al. 2024; Schulman et al. 2017, eq. 7 for the clip.

    Attributes:
        clip: c, in (0, 1).
    """

    clip: float = 0.2

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        value = scores["text"].value
        ratio = torch.exp(value - (batch["log_old"] if "log_old" in batch else value.detach()))
        advantage = batch["advantage"]
        bounded = ratio.clamp(1.0 - self.clip, 1.0 + self.clip)
        return weigh(-torch.minimum(ratio * advantage, bounded * advantage), batch)


@dataclass(frozen=True)
class DRPO:
    """Doubly robust preference optimisation.

    ``-q (Z - g(y, y')) log pi(y) - (g(y*, y') - 1/2) log pi(y*) + beta KL`` with the detached ratio
    ``q = clip(pi/pi_ref, 1/limit, limit)``, Z whether y beat y', g a fitted preference probability
    and y* a fresh sample of the policy. Fields ``text`` (y), ``generated`` (y*); columns
    ``preferred`` (Z), ``prediction`` (g(y, y')), ``generated_prediction`` (g(y*, y')).

    Robust to a wrong preference model or a wrong reference, not to confounded labels. The KL is
    the k3 estimate at the fresh samples.

    Source: Xu et al. 2025 (arXiv 2506.01183), from the public code; its KL estimator is a
    reconstruction. Not distributionally robust PO, which shares the letters.

    Attributes:
        beta: Weight of the KL term.
        limit: Clip of the ratio, > 1.
    """

    beta: float = 0.04
    limit: float = 2.5

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        text, generated = scores["text"], scores["generated"]
        ratio = torch.exp(log_ratio(text)).detach().clamp(1.0 / self.limit, self.limit)
        logged = -ratio * (batch["preferred"] - batch["prediction"]) * text.value
        fresh = -(batch["generated_prediction"] - 0.5) * generated.value
        gap = -log_ratio(generated)
        return weigh(logged + fresh + self.beta * (torch.exp(gap) - gap - 1.0), batch)
