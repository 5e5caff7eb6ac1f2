"""Feedback: how an underlying index becomes what is measured.

Data, not subclasses: a link for the mean and an inverse-CDF draw. Knows neither
texts nor people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit, ndtri
from scipy.stats import nbinom, poisson

from benchmark.contract.errors import UsageError

CUTS = (-1.5, -0.5, 0.5, 1.5)
LARGEST = 30.0
"""Greatest index of a count; a mean beyond its exponential is no world of ours."""


@dataclass(frozen=True)
class Feedback:
    """A kind of measurement.

    Attributes:
        kind: The log's feedback kind.
        mean: E[outcome | index], elementwise. None for preferences, whose truth is the index.
        draw: ``(index, uniforms) -> outcomes``, elementwise, by inverse CDF.
        linear: Whether ``mean`` is the identity.
        slots: Texts in a row: 1, or 2 for pairs, or 3 for rankings.
        noise_variance: Variance of the noise on the index's scale (latent, for links).
        flips: Chance that a comparison is written down the wrong way round.
        ties: Difference in felt utility below which two texts are called equal (Rao and Kupper 1967);
            which of them is then written first is a coin.
        largest: Greatest index that ``mean`` and ``draw`` take as it is.
    """

    kind: str
    mean: Callable[[np.ndarray], np.ndarray]
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray]
    linear: bool = False
    slots: int = 1
    noise_variance: float = 0.0
    flips: float = 0.0
    ties: float = 0.0
    largest: float = np.inf

    @property
    def misreports(self) -> bool:
        """Whether pairs are written down otherwise than felt."""
        return self.flips > 0 or self.ties > 0

    def prefers(self, gap: np.ndarray) -> np.ndarray:
        """P(a written before b) at utility difference u(a) - u(b), a tie counting one half."""
        felt = (expit(gap - self.ties) + expit(gap + self.ties)) / 2
        return np.asarray(self.flips + (1 - 2 * self.flips) * felt)

    def tied(self, outcomes: np.ndarray) -> np.ndarray:
        """Whether the two texts were called equal, from felt utilities (2, n), shape (n,)."""
        return np.abs(outcomes[0] - outcomes[1]) < self.ties

    def misreport(self, outcomes: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """Felt utilities as written down: swapped at random where tied or flipped, shape (2, n)."""
        swapped = uniforms < np.where(self.tied(outcomes), 0.5, self.flips)
        return np.where(swapped, outcomes[::-1], outcomes)


def _identity(index: np.ndarray) -> np.ndarray:
    return index


def _draw_gaussian(index: np.ndarray, uniforms: np.ndarray, sd: float) -> np.ndarray:
    return index + sd * ndtri(np.clip(uniforms, 1e-300, None))


def _mean_click(index: np.ndarray, noise: float) -> np.ndarray:
    return np.asarray(expit(index / noise))


def _draw_click(index: np.ndarray, uniforms: np.ndarray, noise: float) -> np.ndarray:
    return (uniforms < expit(index / noise)).astype(np.float64)


def _mean_count(index: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(index, LARGEST))


def _draw_count(index: np.ndarray, uniforms: np.ndarray, noise: float) -> np.ndarray:
    if noise == 1:
        return poisson.ppf(uniforms, _mean_count(index)).astype(np.float64)
    spread = noise**2 - 1
    return nbinom.ppf(uniforms, _mean_count(index) / spread, 1 / (1 + spread)).astype(np.float64)


def _mean_rating(index: np.ndarray, noise: float) -> np.ndarray:
    return 1.0 + sum(expit((index - cut) / noise) for cut in CUTS)


def _draw_rating(index: np.ndarray, uniforms: np.ndarray, noise: float) -> np.ndarray:
    # P(rating > j) = sigmoid(index - cut_j): the row exceeds every cut below its logistic position
    return 1.0 + sum((uniforms < expit((index - cut) / noise)).astype(np.float64) for cut in CUTS)


def scalar(noise: float = 1.0) -> Feedback:
    """A number: the index plus normal noise of standard deviation ``noise``."""
    return Feedback(
        "scalar", _identity, partial(_draw_gaussian, sd=noise), linear=True, noise_variance=noise**2
    )


def preference(slots: int = 2, flips: float = 0.0, ties: float = 0.0) -> Feedback:
    """Pairs (Bradley-Terry) or rankings (Plackett-Luce): utilities plus standard Gumbel noise, sorted.

    Args:
        slots: 2 for pairs, 3 for rankings.
        flips: Chance that a pair is written down the wrong way round, below 1/2; 0 for rankings.
        ties: Difference in felt utility below which a pair is a tie, at least 0; 0 for rankings.
    """
    kind = "preference" if slots == 2 else "ranking"
    return Feedback(
        kind,
        _identity,
        _draw_utility,
        linear=True,
        slots=slots,
        noise_variance=np.pi**2 / 6,
        flips=flips,
        ties=ties,
    )


def _draw_utility(index: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    return index - np.log(-np.log(np.clip(uniforms, 1e-300, 1 - 1e-16)))


def binary(noise: float = 1.0) -> Feedback:
    """A click: whether the index exceeds a logistic threshold of scale ``noise``."""
    return Feedback(
        "binary",
        partial(_mean_click, noise=noise),
        partial(_draw_click, noise=noise),
        noise_variance=noise**2 * np.pi**2 / 3,
    )


def count(noise: float = 1.0) -> Feedback:
    """A count of mean ``exp(index)`` and variance ``noise**2`` times that: Poisson, or negative binomial.

    Raises:
        UsageError: If the noise is below 1, for no count here varies less than a Poisson one.
    """
    if noise < 1:
        raise UsageError("counts vary at least as a Poisson law does", expected="noise >= 1", found=noise)
    return Feedback("count", _mean_count, partial(_draw_count, noise=noise), largest=LARGEST)


def rating(noise: float = 1.0) -> Feedback:
    """One to five stars: how many of four cuts the index exceeds, with logistic noise of scale ``noise``."""
    return Feedback(
        "rating",
        partial(_mean_rating, noise=noise),
        partial(_draw_rating, noise=noise),
        noise_variance=noise**2 * np.pi**2 / 3,
    )


KINDS: dict[str, Callable[[float], Feedback]] = {
    "scalar": scalar,
    "binary": binary,
    "count": count,
    "rating": rating,
}
