"""How sure an experiment is of its arms: replicates set the standard errors, not the binomial formula.

Identical rows of one test are an A/A control. Counts vary among them by more than chance
allows wherever measurements share a cause (a day, a server), so binomial variances are multiplied
by ``phi = chi2 / df`` of the replicates, at least 1. Single measurements have the pooled
variance within arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmark.contract.errors import UsageError
from simulators.experiments.trial import Trial


@dataclass(frozen=True)
class Dispersion:
    """What replicates say about noise.

    Attributes:
        scale: phi for counts; the variance of one measurement otherwise.
        degrees: Degrees of freedom behind it; 0 where no arm was replicated.
        counted: Whether outcomes are counts.
    """

    scale: float
    degrees: int
    counted: bool

    @property
    def error(self) -> float:
        """Standard error of the scale, were the noise normal."""
        return self.scale * float(np.sqrt(2 / self.degrees)) if self.degrees else float("nan")

    def variances(self, rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Variance of arms' mean outcomes.

        Args:
            rates: Mean outcomes.
            weights: Measurements behind them.
        """
        if not self.counted:
            return self.scale / weights
        # half a success and half a failure more: an arm without successes is not without error
        shrunk = (rates * weights + 0.5) / (weights + 1)
        return self.scale * shrunk * (1 - shrunk) / weights


@dataclass(frozen=True, eq=False)
class Arms:
    """Distinct texts of each test, one entry an arm.

    Attributes:
        texts: Object dtype.
        prompts: Object dtype.
        tests: Test of each arm, non-decreasing.
        groups: Group of each arm.
        means: Mean outcome.
        weights: Measurements behind it.
        errors: Standard errors.
    """

    texts: np.ndarray
    prompts: np.ndarray
    tests: np.ndarray
    groups: np.ndarray
    means: np.ndarray
    weights: np.ndarray
    errors: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)


def measure_dispersion(trial: Trial) -> Dispersion:
    """The noise scale of a trial, from arms that were run more than once.

    Raises:
        UsageError: If outcomes are single measurements and no arm has two.
    """
    arms, rows = np.unique(trial.arms, return_inverse=True)
    weight = np.bincount(rows, trial.weights)
    mean = (np.bincount(rows, trial.totals) / weight)[rows]
    if trial.counted:
        spread = trial.weights * mean * (1 - mean)
        if ((trial.totals > trial.weights) | (trial.totals < 0)).any():
            wrong = int(np.flatnonzero((trial.totals < 0) | (trial.totals > trial.weights))[0])
            raise UsageError(
                "an outcome with a weight counts successes",
                expected="numbers from 0 to the weight",
                found=f"{trial.totals[wrong]:g} of {trial.weights[wrong]:g} for {trial.texts[wrong][:40]!r}",
                fix="leave the weight out where a row is one measurement",
            )
    else:
        spread = np.ones(len(trial))
    usable = spread > 0
    degrees = int(usable.sum()) - len(np.unique(rows[usable]))
    squares = ((trial.totals - trial.weights * mean)[usable] ** 2 / spread[usable]).sum()
    if degrees == 0:
        if trial.counted:
            return Dispersion(1.0, 0, True)
        raise UsageError(
            "no text was measured twice, so nothing tells how noisy its outcome is",
            expected="several rows a text, or a column of weights",
            found=f"{len(arms)} texts in {len(trial)} rows",
            fix="give a table with a row for each measurement, or name the weight",
        )
    scale = float(squares / degrees)
    return Dispersion(max(1.0, scale) if trial.counted else scale, degrees, trial.counted)


def merge_arms(trial: Trial, dispersion: Dispersion) -> Arms:
    """Rows of one test and text merged."""
    _, first, rows = np.unique(trial.arms, return_index=True, return_inverse=True)
    weights = np.bincount(rows, trial.weights)
    means = np.bincount(rows, trial.totals) / weights
    errors = np.sqrt(dispersion.variances(means, weights))
    fields = (trial.texts[first], trial.prompts[first], trial.tests[first], trial.groups[first])
    order = np.lexsort((np.arange(len(first)), fields[2]))
    return Arms(*(values[order] for values in (*fields, means, weights, errors)))


def list_pairs(arms: Arms) -> np.ndarray:
    """Every unordered pair of arms of one test, shape (m, 2)."""
    starts = np.flatnonzero(np.r_[True, np.diff(arms.tests) != 0, True])
    blocks = [np.zeros((0, 2), dtype=np.int64)]
    for begin, end in pairwise(starts.tolist()):
        first, second = np.triu_indices(end - begin, 1)
        blocks.append(np.stack([first, second], axis=1) + begin)
    return np.concatenate(blocks)
