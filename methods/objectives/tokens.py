"""Token-level supervision: likelihood of the words an edit brought in, unlikelihood of those it took out.

Fields ``chosen``, ``rejected``; columns ``chosen_edited``, ``rejected_edited`` of shape (K, B, W):
1 at the places of the words that differ, W at least the number of scored tokens. Needs one token a
word, as tiny decoders have. Which pairs are edits of each other is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from benchmark.contract import ContractError
from methods.objectives.pairwise import log_complement
from methods.objectives.terms import Batch, Scores, weigh

LEAST_LOG_PROBABILITY = -8.0


@dataclass(frozen=True)
class TokenEdits:
    """``-sum_added log pi(t) - strength * sum_removed log(1 - pi(t))``.

    The removed words' term is bounded by holding ``log pi(t)`` above ``LEAST_LOG_PROBABILITY``, below
    which a word carries no gradient.

    Source: Xu et al. 2024 (arXiv 2406.02756) give the idea, words of a minimal edit as evidence, and
    train a token reward for PPO; this offline form, likelihood and unlikelihood as in FIGA (Guo et
    al. 2024), is a reconstruction. It ranks texts less well than the same pairs do under a reward
    head or DPO: likelihood stops at the better sides' own share of a word, a little over half where outcomes
    are noisy, while a logistic loss keeps adding up evidence. What makes the source's form strong, a
    token reward optimised on fresh samples, is not part of it.

    Attributes:
        strength: Of the unlikelihood, whose pull on the words of ordinary texts costs grammar.
    """

    strength: float = 0.1

    def __call__(self, scores: Scores, batch: Batch) -> Tensor:
        """Losses, shape (K, B)."""
        added = _edited(scores, batch, "chosen")
        removed = _edited(scores, batch, "rejected").clamp(min=LEAST_LOG_PROBABILITY, max=-1e-4)
        removed_places = _places(scores, batch, "rejected")
        unlikely = -(log_complement(removed) * removed_places).sum(-1)
        return weigh(-added.sum(-1) + self.strength * unlikely, batch)


def _edited(scores: Scores, batch: Batch, side: str) -> Tensor:
    return scores[side].tokens * _places(scores, batch, side)


def _places(scores: Scores, batch: Batch, side: str) -> Tensor:
    width = scores[side].tokens.shape[-1]
    places = batch[f"{side}_edited"]
    if places.shape[-1] < width:
        raise ContractError(
            "edited words cannot be found among the tokens",
            expected=f"one token a word, at most {places.shape[-1]}",
            found=f"{width} tokens",
        )
    return places[..., :width]
