"""Queries: what a fitted method is asked, without a word on what the answers mean.

Items are texts to be given a reward. Pairs, contrasts and pools point into the
items, so each text is scored once. Items are drawn from the interventional text
law, independently of the truth, and shuffled; their ids are opaque.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmark.contract.errors import ContractError


@dataclass(frozen=True, eq=False)
class Queries:
    """What is asked of a fitted method.

    Attributes:
        prompts: Prompt of each item, shape (n,), object dtype.
        texts: Text of each item, shape (n,), object dtype.
        context: Context columns of the items, each of shape (n,); empty where
            effects do not vary.
        pairs: Same-prompt pairs as item indices, shape (m, 2).
        contrasts: Single-attribute contrasts as (contrast id, on item, off item),
            shape (q, 3); ids run from 0 to k - 1 and carry no name.
        pools: Common reference texts as item indices, shape (number of prompts, pool size);
            row i belongs to ``generate[i]``.
        generate: Prompts to sample new texts for, shape (number of prompts,).
        n_samples: Texts to sample for each prompt.
    """

    prompts: np.ndarray
    texts: np.ndarray
    pairs: np.ndarray
    contrasts: np.ndarray
    pools: np.ndarray
    generate: np.ndarray
    n_samples: int
    context: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def n_contrasts(self) -> int:
        """Number of attributes asked about."""
        return int(self.contrasts[:, 0].max()) + 1 if len(self.contrasts) else 0


@dataclass(frozen=True, eq=False)
class Contrasts:
    """The contrast queries alone, as ``Fitted.effect_interval`` receives them.

    Attributes:
        ids: Contrast id of each row, shape (q,).
        prompts: Shape (q,).
        on: Texts with the property, shape (q,).
        off: The same texts without it, shape (q,).
    """

    ids: np.ndarray
    prompts: np.ndarray
    on: np.ndarray
    off: np.ndarray

    @classmethod
    def of(cls, queries: Queries) -> Contrasts:
        """The contrasts of some queries."""
        ids, on, off = queries.contrasts.T
        return cls(ids, queries.prompts[on], queries.texts[on], queries.texts[off])


@dataclass(frozen=True, eq=False)
class PairTexts:
    """The texts of the pair queries, as ``Fitted.abstains`` receives them.

    Attributes:
        prompts: Prompt of each pair, shape (m,).
        first: Shape (m,).
        second: Shape (m,).
        context: Context columns of the first texts, each of shape (m,); empty where effects do not vary.
    """

    prompts: np.ndarray
    first: np.ndarray
    second: np.ndarray
    context: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, queries: Queries) -> PairTexts:
        """The pairs of some queries."""
        first, second = queries.pairs.T
        context = {name: np.asarray(values)[first] for name, values in queries.context.items()}
        return cls(queries.prompts[first], queries.texts[first], queries.texts[second], context)


@dataclass(frozen=True, eq=False)
class Predictions:
    """A method's answers, validated.

    Attributes:
        reward: Reward of each item, shape (n,), float64, finite, any scale.
        samples: Texts sampled for each prompt, shape (number of prompts, n_samples)
            or None for a method that is not a policy.
        intervals: Effect intervals, shape (k, 2), lower <= upper, or None.
        abstains: Whether the method abstains from each pair, shape (m,), bool, or None if it never does.
        diagnostics: Named numbers the method reports, such as its effective sample size.
    """

    reward: np.ndarray
    samples: np.ndarray | None = None
    intervals: np.ndarray | None = None
    abstains: np.ndarray | None = None
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    def validate(self, queries: Queries) -> Predictions:
        """Check shapes and values against what was asked.

        Raises:
            ContractError: If anything is missing, misshapen, NaN or infinite.
        """
        reward = as_finite(self.reward, "reward")
        _check_shape("reward", reward.shape, (len(queries),))
        intervals = self.intervals
        if intervals is not None:
            intervals = as_finite(intervals, "effect intervals")
            _check_shape("effect intervals", intervals.shape, (queries.n_contrasts, 2))
            if (intervals[:, 0] > intervals[:, 1]).any():
                raise ContractError("effect intervals are reversed", expected="lower <= upper")
        samples = self.samples
        if samples is not None:
            samples = as_texts(samples, "samples")
            _check_shape("samples", samples.shape, (len(queries.generate), queries.n_samples))
        abstains = self.abstains
        if abstains is not None:
            abstains = as_flags(abstains, "abstains")
            _check_shape("abstains", abstains.shape, (len(queries.pairs),))
        diagnostics = {str(k): float(v) for k, v in self.diagnostics.items() if np.isfinite(float(v))}
        return Predictions(reward, samples, intervals, abstains, diagnostics)


def as_finite(values: object, name: str) -> np.ndarray:
    """Numbers as a float64 array.

    Args:
        values: Numbers of any shape.
        name: What they are, for the message.

    Raises:
        ContractError: If they are no numbers, or one of them is NaN or infinite.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"{name} must be numbers", expected="a float array", found=type(values).__name__
        ) from error
    bad = ~np.isfinite(array)
    if bad.any():
        raise ContractError(
            f"{name} must be finite",
            expected="no NaN, no infinity",
            found=f"{int(bad.sum())} bad of {array.size}",
            fix="a NaN is a failure here, never a wildcard; guard divisions and logarithms",
        )
    return array


def as_flags(values: object, name: str) -> np.ndarray:
    """Truth values as a bool array.

    Args:
        values: Flags of any shape.
        name: What they are, for the message.

    Raises:
        ContractError: If they are of another type.
    """
    array = np.asarray(values)
    if array.dtype != np.bool_:
        raise ContractError(f"{name} must be true or false", expected="a bool array", found=array.dtype)
    return array


def as_texts(values: object, name: str) -> np.ndarray:
    """Texts as an object array.

    Args:
        values: Texts of any shape.
        name: What they are, for the message.

    Raises:
        ContractError: If one of them is no ``str``.
    """
    array = np.asarray(values, dtype=object)
    if not all(isinstance(text, str) for text in array.ravel()):
        raise ContractError(f"{name} must be texts", expected="str in every cell")
    return array


def _check_shape(name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise ContractError(f"{name} has the wrong shape", expected=expected, found=found)
