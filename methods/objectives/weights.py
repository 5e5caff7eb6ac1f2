"""Row weights and tags computed once from scores: FA, RWR, CA and BCO's density ratio.

These are the halves of likelihood methods that live outside the loss: arrays in, arrays out. They
do not know whether a score is a raw outcome (which passes confounding on) or an adjusted one.
"""

from __future__ import annotations

import numpy as np


def standardise(scores: np.ndarray) -> np.ndarray:
    """Scores at mean 0 and standard deviation 1, shape (n,); constant scores become 0."""
    centred = scores - scores.mean()
    return centred / max(float(centred.std()), 1e-12)


def filter_top(scores: np.ndarray, share: float = 0.2, strata: np.ndarray | None = None) -> np.ndarray:
    """Filtered alignment (FA): weight 1 on the top ``share`` of rows, 0 elsewhere, shape (n,).

    Source: Hu et al. 2023 (arXiv 2308.12050), MLE with filtering; the paper's threshold is not
    known, the share is ours. Selecting on the outcome inherits confounding; inside strata of the
    confounder it does not.

    Args:
        scores: Shape (n,).
        share: In (0, 1].
        strata: Labels within which the top is taken, shape (n,).
    """
    labels = (
        np.zeros(len(scores), dtype=np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    )
    # Rows sorted by stratum and then downwards by score; the rank inside the stratum follows.
    order = np.lexsort((-scores, labels))
    sizes = np.bincount(labels)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    rank = np.empty(len(scores), dtype=np.int64)
    rank[order] = np.arange(len(scores)) - starts[labels[order]]
    return (rank < np.maximum(np.round(share * sizes), 1)[labels]).astype(np.float64)


def exponential_weights(
    scores: np.ndarray, temperature: float = 1.0, clip: float | None = 20.0
) -> np.ndarray:
    """Reward-weighted regression (RWR): ``exp(score / temperature)``, clipped, at mean one, shape (n,).

    Source: Peters & Schaal 2007; Hu et al. 2023 standardise the scores first (``standardise``).
    Their temperature and clip are not known; 20 is the clip of Peng et al. 2019 (AWR).

    Args:
        scores: Shape (n,).
        temperature: > 0, in units of the score.
        clip: Largest weight relative to that of a score equal to the mean, or None.
    """
    exponent = (scores - scores.mean()) / temperature
    if clip is not None:
        exponent = np.minimum(exponent, np.log(clip))
    weights = np.exp(exponent - exponent.max())
    return weights / weights.mean()


def tag_prompts(prompts: np.ndarray, scores: np.ndarray, decimals: int = 2) -> np.ndarray:
    """Conditional alignment (CA): the score written into the prompt, shape (n,) of str.

    Train ``SFT`` on the tagged prompts and ask for a high score when sampling: conditioning on the
    outcome imitates what was used where outcomes were high, not what made them high.

    Source: Hu et al. 2023; the template is OpenRLHF's (z-scored reward, two decimals; 5.00 at
    sampling).
    """
    tags = np.char.mod(f" <rm_score>: %.{decimals}f ", scores)
    return prompts.astype(object) + tags.astype(object)


def density_ratio(probability: np.ndarray, lowest: float = 0.5, highest: float = 10.0) -> np.ndarray:
    """BCO's weight of undesirable rows: clipped ``p / (1 - p)``, shape (n,).

    It gives the undesirable rows the covariate law of the desirable ones, so that covariates
    cannot pass for desirability: a correction if p sees the confounders.

    Source: Jung et al. 2024, section 4.2; clip range of TRL's BCO.

    Args:
        probability: P(desirable given covariates), in (0, 1), shape (n,).
        lowest: Smallest weight.
        highest: Largest weight.
    """
    return np.clip(probability / (1.0 - probability), lowest, highest)


def leave_one_out(rewards: np.ndarray) -> np.ndarray:
    """RLOO advantages: each reward minus the mean of the others of its prompt.

    Source: Ahmadian et al. 2024, eq. 5. Removes what belongs to the prompt, nothing else.

    Args:
        rewards: Shape (prompts, n), n >= 2.
    """
    n = rewards.shape[1]
    return (rewards - rewards.mean(1, keepdims=True)) * n / (n - 1)


def group_standardise(rewards: np.ndarray) -> np.ndarray:
    """GRPO advantages: rewards standardised within their prompt, shape (prompts, n).

    ``(r - mean) / (sd + 1e-4)`` with the unbiased standard deviation. Source: Shao et al. 2024;
    the constant is TRL's.
    """
    spread = rewards.std(1, ddof=1, keepdims=True) + 1e-4
    return (rewards - rewards.mean(1, keepdims=True)) / spread
