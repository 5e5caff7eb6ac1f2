"""Letters about Hong Kong: two or three passages out of seven kinds, so that the text law is enumerable.

The design is that of Fong and Grimmer (2021), "Causal Inference with Latent
Treatments": a respondent reads a short letter made of passages, each of which
states one argument. The passages here are our own. An attribute is 1 where its
passage is present; its off side is absence, so the vectors that exist are the
56 choices of two or three out of seven.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from types import MappingProxyType

import numpy as np

from benchmark.contract.errors import UsageError
from simulators.text.domain import GrammarDomain
from simulators.text.letters_passages import PASSAGES
from simulators.text.slots import AttributeSlot, TopicSlot

ADDRESSEES = {
    "my senator": ("Dear Senator,", "Senator, I write as a voter.", "To my Senator:"),
    "my representative": (
        "Dear Representative,",
        "Representative, I live in your district.",
        "To my Representative in the House:",
    ),
    "the President": ("Dear Mr. President,", "To the President:", "Mr. President, I ask for your time."),
    "the local newspaper": ("To the editor:", "Dear Editor,", "Editor, please print this letter."),
    "the Secretary of State": (
        "Dear Mr. Secretary,",
        "To the Secretary of State:",
        "Mr. Secretary, I follow your work closely.",
    ),
    "my neighbours": ("Dear neighbours,", "To everyone on our street:", "Dear friends,"),
}
PASSAGE_COUNTS = (2, 3)

ATTRIBUTE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "commitment": 2.68,
        "bravery": 1.85,
        "mistreatment": 0.14,
        "flags": -2.12,
        "threat": -2.07,
        "economy": -0.94,
        "violation": 0.75,
    }
)
"""Attribute weights of the confounded preset released with Lin et al. (2024), Causal Preference
Optimization: ``P(C = 1) = sigma(intercept + coefficient * weights . attributes)``."""


@dataclass(frozen=True)
class LetterLaw:
    """A law over which passages a letter has: first how many, then which set of that size.

    ``P(S) = P(|S|) * prod_{k in S} odds_k / sum_{|T| = |S|} prod_{k in T} odds_k`` with
    ``odds_k = exp(tilt_k)``; tilt 0 is the uniform choice of a set of the given size.

    Attributes:
        three: Probability of three passages (two otherwise). The published mean of 2.49 gives 0.49.
        tilt: Log odds of each attribute, length 7.
    """

    three: float = 0.49
    tilt: tuple[float, ...] = (0.0,) * len(PASSAGES)

    def __post_init__(self) -> None:
        if not 0 <= self.three <= 1:
            raise UsageError(
                "a letter law needs a probability of three passages", expected="0 to 1", found=self.three
            )
        if len(self.tilt) != len(PASSAGES) or not np.isfinite(self.tilt).all():
            raise UsageError(
                "a letter law needs one finite tilt an attribute",
                expected=f"{len(PASSAGES)} numbers",
                found=self.tilt,
            )

    @cached_property
    def vectors(self) -> np.ndarray:
        """Every attribute vector, shape (56, 7) int8."""
        return np.array(_vectors(), dtype=np.int8)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probability of each vector, shape (56,)."""
        sizes = self.vectors.sum(axis=1)
        weight = np.exp(self.vectors @ np.array(self.tilt))
        share = np.where(sizes == 3, self.three, 1 - self.three)
        total = np.where(sizes == 3, weight[sizes == 3].sum(), weight[sizes == 2].sum())
        return share * weight / total

    @property
    def marginals(self) -> np.ndarray:
        """Probability that each attribute is present, shape (7,)."""
        return self.probabilities @ self.vectors

    def draw(self, uniforms: np.ndarray) -> np.ndarray:
        """Attribute vectors by inverse distribution function, shape (n, 7), for uniforms (n,) in [0, 1)."""
        cumulative = np.cumsum(self.probabilities)
        return self.vectors[np.searchsorted(cumulative / cumulative[-1], uniforms, side="right")]

    def log_probability(self, attributes: np.ndarray) -> np.ndarray:
        """``log P(attributes)``, shape (n,); minus infinity where a letter cannot have the vector."""
        codes = 1 << np.arange(len(PASSAGES))
        table = np.full(1 << len(PASSAGES), -np.inf)
        with np.errstate(divide="ignore"):
            table[self.vectors @ codes] = np.log(self.probabilities)
        return table[np.asarray(attributes) @ codes]


def make_domain() -> GrammarDomain:
    """The domain: 7 attributes of which 2 or 3 are on, 6 prompts."""
    return GrammarDomain(
        name="letters",
        situation="Letters asking for support of the Hong Kong protests, two or three arguments each.",
        prompts=tuple(f"Write to {addressee} about Hong Kong." for addressee in ADDRESSEES),
        slots=(
            TopicSlot(tuple(ADDRESSEES.values())),
            *(AttributeSlot(name, on=passages, off=("",)) for name, passages in PASSAGES.items()),
        ),
        support=_vectors(),
    )


def _vectors() -> tuple[tuple[int, ...], ...]:
    names = range(len(PASSAGES))
    return tuple(
        tuple(int(k in chosen) for k in names)
        for size in PASSAGE_COUNTS
        for chosen in combinations(names, size)
    )
