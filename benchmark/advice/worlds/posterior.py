"""From a reference table and the summary statistics of a log to worlds like the log.

Approximate Bayesian computation with regression adjustment: the nearest worlds are accepted, weighted by
distance, and their parameters moved along a local regression to where the log is (Beaumont, Zhang and Balding
2002); families are chosen by a local multinomial regression (Beaumont 2008). Neural estimators (``sbi``) were
weighed: they need thousands of simulations and a network to be trained for every setting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.advice.worlds.prior import RANGES
from benchmark.advice.worlds.reference import Reference
from methods.adjust.ridge import fit_ridge

ACCEPTED = 0.3
FEWEST = 30
PRIOR_WEIGHT = 0.1
EDGE = 0.02
SMOOTHING = 0.2  # standard deviation of what is added to a drawn world, on the scale without ends


@dataclass(frozen=True, eq=False)
class Posterior:
    """Worlds like a log.

    Attributes:
        families: Posterior probability of each family.
        drawn: Family and parameters of each drawn world.
        distance: Share of the reference worlds that are farther from their neighbours than the log is from
            its own; small where no simulated world resembles the log.
    """

    families: dict[str, float]
    drawn: tuple[tuple[str, dict[str, float]], ...]
    distance: float

    def describe(self, name: str) -> tuple[float, float, float]:
        """Median and 90 % interval of a parameter over the drawn worlds."""
        values = [values[name] for _, values in self.drawn]
        low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
        return float(middle), float(low), float(high)


def find_posterior(
    reference: Reference, summaries: np.ndarray, worlds: int, rng: np.random.Generator
) -> Posterior:
    """Draw worlds like a log.

    Args:
        reference: Worlds of the prior.
        summaries: Summary statistics of the log, shape (12,).
        worlds: How many worlds to draw.
        rng: Draws them.
    """
    scale = _spread(reference.summaries)
    points, target = reference.summaries / scale, summaries / scale
    distance = np.sqrt(((points - target) ** 2).mean(axis=1))
    count = max(FEWEST, int(ACCEPTED * len(points)))
    reach = float(np.partition(distance, min(count, len(distance) - 1))[min(count, len(distance) - 1)])
    weight = np.clip(1 - (distance / max(reach, 1e-12)) ** 2, 0.0, None)
    families = _choose_families(reference, points, target, weight)
    names = rng.choice(list(families), worlds, p=list(families.values()))
    drawn = []
    for name in names:
        drawn.append((str(name), _draw_values(reference, points, target, weight, str(name), rng)))
    return Posterior(families, tuple(drawn), _typical(points, target))


def _spread(summaries: np.ndarray) -> np.ndarray:
    """Median absolute deviation of each statistic, at least a little."""
    spread = np.median(np.abs(summaries - np.median(summaries, axis=0)), axis=0)
    return np.maximum(spread, 0.02)


def _choose_families(
    reference: Reference, points: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> dict[str, float]:
    """Posterior probabilities of families, drawn a little towards their share of the reference table."""
    from sklearn.linear_model import LogisticRegression

    names, counts = np.unique(reference.families, return_counts=True)
    prior = counts / counts.sum()
    near = weight > 0
    local = np.array([weight[reference.families == name].sum() for name in names])
    chance = local / local.sum()
    if len(np.unique(reference.families[near])) > 1:
        model = LogisticRegression(C=0.1, max_iter=500)
        clipped = np.clip(points, -8, 8)
        model.fit(clipped[near], reference.families[near], sample_weight=weight[near] + 1e-3)
        predicted = model.predict_proba(np.clip(target, -8, 8)[None])[0]
        chance = np.zeros(len(names))
        chance[np.searchsorted(names, model.classes_)] = predicted
    mixed = (1 - PRIOR_WEIGHT) * chance + PRIOR_WEIGHT * prior
    return {str(name): float(p) for name, p in zip(names, mixed / mixed.sum(), strict=True)}


def _draw_values(
    reference: Reference, points: np.ndarray, target: np.ndarray, weight: np.ndarray, family: str,
    rng: np.random.Generator,
) -> dict[str, float]:  # fmt: skip
    """Parameters of one world of a family, moved to where the log is.

    The regression is the family's own: what a number says of the strength of confounding where the confounder
    was recorded, it does not say where it was not.
    """
    family_rows = np.flatnonzero(reference.families == family)
    nearest = family_rows[np.argsort(-weight[family_rows], kind="stable")][:FEWEST]
    closeness = weight[nearest] + 1e-3
    free, clipped = to_free(reference.values), np.clip(points, -8, 8)
    fit = fit_ridge(clipped[family_rows], free[family_rows], weight[family_rows] + 0.1)
    start = int(rng.choice(nearest, p=closeness / closeness.sum()))
    at = np.clip(target, -8, 8)[None]
    moved = free[start] + (fit.predict(at) - fit.predict(clipped[[start]]))[0]
    moved = moved + SMOOTHING * rng.normal(size=len(moved))
    return dict(zip(RANGES, from_free(moved[None])[0].tolist(), strict=True))


def to_free(values: np.ndarray) -> np.ndarray:
    """Parameters on a scale without ends: the log odds of their place in the range, shape (m, 5)."""
    low, high = _ends()
    scaled = np.where(_logarithmic(), np.log(np.maximum(values, 1e-9)), values)
    place = EDGE + (1 - 2 * EDGE) * np.clip((scaled - low) / (high - low), 0, 1)
    return np.log(place / (1 - place))


def from_free(free: np.ndarray) -> np.ndarray:
    """The inverse of ``to_free``; places at the very edge are the end itself."""
    low, high = _ends()
    place = 1 / (1 + np.exp(-free))
    place = np.clip((place - EDGE) / (1 - 2 * EDGE), 0.0, 1.0)
    scaled = low + place * (high - low)
    return np.where(_logarithmic(), np.exp(scaled), scaled)


def _logarithmic() -> np.ndarray:
    return np.array([name == "noise" for name in RANGES])


def _ends() -> tuple[np.ndarray, np.ndarray]:
    ends = np.array(list(RANGES.values()))
    ends = np.where(_logarithmic()[:, None], np.log(np.maximum(ends, 1e-9)), ends)
    return ends[:, 0], ends[:, 1]


def _typical(points: np.ndarray, target: np.ndarray) -> float:
    """Share of reference worlds whose nearest neighbour is at least as far as the log's."""
    own = float(np.sqrt(((points - target) ** 2).mean(axis=1)).min())
    others = []
    for k in range(len(points)):
        distance = np.sqrt(((points - points[k]) ** 2).mean(axis=1))
        distance[k] = np.inf
        others.append(distance.min())
    return float((np.array(others) >= own).mean())
