"""Populations: independent factors of a person or an occasion, drawn row by row or as an exact grid.

A population knows nothing of texts or outcomes. Anything derived (an endogenous
confounder, a noisy proxy) is a function of these independent factors, which
keeps every expectation over people a finite weighted sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from benchmark.contract.seeding import Streams

People = Mapping[str, np.ndarray]
CUT = 2.0
_INSIDE = ndtr(CUT) - ndtr(-CUT)
_CUT_SD = float(np.sqrt(1 - 2 * CUT * np.exp(-(CUT**2) / 2) / np.sqrt(2 * np.pi) / _INSIDE))


@dataclass(frozen=True)
class Factor:
    """One independent factor.

    Attributes:
        name: Name by which parts of the world refer to it.
        kind: ``"normal"`` (cut at ``CUT`` standard deviations and rescaled; mean 0, sd 1),
            ``"uniform"`` (mean 0, sd 1), ``"bernoulli"`` (0 or 1) or ``"categorical"`` (0, 1, ...,
            one for each probability). Continuous factors are bounded, for otherwise the second
            moment of the weights would rest on people too rare to be in any log.
        probabilities: P(1) for a bernoulli factor, one entry a level for a categorical one.
        nodes: Quadrature nodes of a continuous factor. One node, of any factor, stands for the mean alone,
            and is exact for a factor that enters the outcome linearly and the text not at all.
        repeat: Consecutive rows that share one value: 1 for a row's own, more for a person's.
    """

    name: str
    kind: str = "normal"
    probabilities: tuple[float, ...] = (0.5,)
    nodes: int = 40
    repeat: int = 1

    @property
    def levels(self) -> np.ndarray:
        """Probabilities of the values 0, 1, ... of a discrete factor."""
        if self.kind == "bernoulli":
            return np.array([1 - self.probabilities[0], self.probabilities[0]])
        return np.asarray(self.probabilities) / np.sum(self.probabilities)

    def transform(self, uniforms: np.ndarray) -> np.ndarray:
        """Values of the factor by inverse CDF of uniforms, same shape."""
        if self.kind == "normal":
            return ndtri(ndtr(-CUT) + _INSIDE * uniforms) / _CUT_SD
        if self.kind == "uniform":
            return np.sqrt(3.0) * (2 * uniforms - 1)
        return np.searchsorted(np.cumsum(self.levels)[:-1], uniforms, side="right").astype(np.float64)

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Quadrature nodes and weights (Gauss-Legendre, or every level; the mean alone for one node)."""
        if self.nodes == 1:
            return np.array([self.moments[0]]), np.ones(1)
        if self.kind in ("normal", "uniform"):
            nodes, weights = np.polynomial.legendre.leggauss(self.nodes)
            if self.kind == "normal":
                nodes, weights = CUT * nodes / _CUT_SD, weights * np.exp(-((CUT * nodes) ** 2) / 2)
            else:
                nodes = np.sqrt(3.0) * nodes
            return nodes, weights / weights.sum()
        return np.arange(len(self.levels), dtype=np.float64), self.levels

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        if self.kind in ("normal", "uniform"):
            return 0.0, 1.0
        values = np.arange(len(self.levels))
        mean = float(values @ self.levels)
        return mean, float(np.sqrt((values - mean) ** 2 @ self.levels))


@dataclass(frozen=True)
class Population:
    """Independent factors; the target population Q is the log's own."""

    factors: tuple[Factor, ...]

    def draw(self, streams: Streams, start: int, stop: int, part: str = "people") -> dict[str, np.ndarray]:
        """People of rows ``start:stop``: factor name to values, shape (n,).

        Each factor has its own stream, so adding one leaves the others as they were.
        """
        people = {}
        for factor in self.factors:
            first = start - start % factor.repeat
            drawn = streams.draw_rows(f"{part}.{factor.name}", first, stop, lambda rng, n: rng.random(n))
            rows = np.arange(start, stop)
            people[factor.name] = factor.transform(drawn)[rows - rows % factor.repeat - first]
        return people

    def grid(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The product quadrature: factor name to nodes, shape (m,), and weights, shape (m,)."""
        wide = [factor for factor in self.factors if factor.nodes > 1]  # an array has few axes
        axes = [factor.grid() for factor in wide]
        meshes = np.meshgrid(*(nodes for nodes, _ in axes), indexing="ij")
        weights = np.ones(1)
        for _, axis in axes:
            weights = np.multiply.outer(weights, axis)
        values = {factor.name: mesh.ravel() for factor, mesh in zip(wide, meshes, strict=True)}
        means = {f.name: np.full(weights.size, f.moments[0]) for f in self.factors if f.nodes == 1}
        return {factor.name: (values | means)[factor.name] for factor in self.factors}, weights.ravel()


@dataclass(frozen=True)
class Features:
    """Named functions of people, stacked as columns.

    Attributes:
        names: One name a column.
        compute: People to an array of shape (n, len(names)); columns have mean 0 over the population.
    """

    names: tuple[str, ...]
    compute: Callable[[People], np.ndarray]

    def __call__(self, people: People) -> np.ndarray:
        """Columns of people, shape (n, len(names))."""
        return self.compute(people)


@dataclass(frozen=True)
class _Standardise:
    moments: tuple[tuple[str, float, float], ...]

    def __call__(self, people: People) -> np.ndarray:
        columns = [(np.asarray(people[name]) - mean) / sd for name, mean, sd in self.moments]
        return np.stack(columns, axis=-1)


def standardised(*factors: Factor) -> Features:
    """The factors themselves, each with mean 0 and standard deviation 1."""
    return Features(
        tuple(factor.name for factor in factors), _Standardise(tuple((f.name, *f.moments) for f in factors))
    )


@dataclass(frozen=True)
class _Scale:
    compute: Callable[[People], np.ndarray]
    mean: np.ndarray
    sd: np.ndarray

    def __call__(self, people: People) -> np.ndarray:
        return (self.compute(people) - self.mean) / self.sd


def scaled_features(
    names: tuple[str, ...], factors: tuple[Factor, ...], compute: Callable[[People], np.ndarray]
) -> Features:
    """Functions of some factors, centred and scaled to standard deviation 1 by quadrature.

    Args:
        names: One name a column.
        factors: The factors that ``compute`` reads.
        compute: People to columns, shape (n, len(names)).
    """
    people, weights = Population(factors).grid()
    columns = compute(people)
    mean = weights @ columns
    return Features(names, _Scale(compute, mean, np.sqrt(weights @ (columns - mean) ** 2)))


def read_contexts(people: People, context: str | None) -> np.ndarray:
    """Value of the factor that is the context, shape (n,), int64; 0 where there is none."""
    if context is None:
        return np.zeros(len(next(iter(people.values()))), dtype=np.int64)
    return np.asarray(people[context]).astype(np.int64)


def no_features() -> Features:
    """No columns at all."""
    return Features((), _no_columns)


def _no_columns(people: People) -> np.ndarray:
    return np.zeros((len(next(iter(people.values()))), 0))
