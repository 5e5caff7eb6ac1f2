"""Confounded logs from randomised rows, so that the truth of the very same experiment is known.

One row a group: the choice of a story to run was also the choice of whom it reached, so comparing rows
across groups is confounded by everything that differs between groups. Rejection sampling (Keith et
al. 2023, "RCT Rejection Sampling for Causal Estimation Evaluation"): accept a row iff ``U < w / M`` with
``w = P*(T | C) / P(T)`` for an attribute T and a score C of the covariates. What is accepted has
P*(T | C), while P(C) and P(Y | T, C) are those of the experiment: C confounds and, recorded,
identifies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, logit

from benchmark.contract.errors import UsageError, unknown_name
from simulators.experiments.trial import Trial, number_of


@dataclass(frozen=True)
class Thinning:
    """Which rows of an experiment the log keeps.

    Attributes:
        attribute: T; None keeps one row a group, chosen at random.
        strength: Log odds of T for each standard deviation of C.
        score: C, as a weight for each covariate; None takes the outcome that the covariates
            predict within a test, fitted on the rows kept back for the truth.
    """

    attribute: str | None = None
    strength: float = 1.0
    score: Mapping[str, float] | None = None


@dataclass(frozen=True, eq=False)
class Thinned:
    """Rows kept, in a random order.

    Attributes:
        rows: Row numbers, shape (m,).
        propensity: P*(text | test, C) of the rows kept, shape (m,); None where a row a group is kept.
        target: P(text | test) in the experiment, shape (m,), or None.
        bound: M; 1 where a row a group is kept.
    """

    rows: np.ndarray
    propensity: np.ndarray | None = None
    target: np.ndarray | None = None
    bound: float = 1.0


def hold_out(trial: Trial, share: float, uniforms: np.ndarray) -> np.ndarray:
    """Rows kept back for the truth, shape (n,), bool.

    Groups that share a text stay together, so no text is on both sides.

    Args:
        trial: The experiment.
        share: Share of the rows to keep back, in expectation.
        uniforms: One for each group or more, in [0, 1).
    """
    texts = number_of([trial.texts])
    n_groups = int(trial.groups.max()) + 1
    size = n_groups + int(texts.max()) + 1
    links = coo_array((np.ones(len(trial)), (trial.groups, n_groups + texts)), shape=(size, size))
    _, component = connected_components(links, directed=False)
    held: np.ndarray = uniforms[component[trial.groups]] < share
    if held.all() or not held.any():
        raise UsageError(
            "the experiment cannot be split: its groups are tied together by shared texts",
            expected="at least two groups without a text in common",
            found=f"{n_groups} groups, {len(np.unique(component[trial.groups]))} untied",
            fix="name another column as the group",
        )
    return held


def keep_one_a_group(trial: Trial, rng: np.random.Generator) -> Thinned:
    """One row of each group at random."""
    order = rng.permutation(len(trial))
    return Thinned(order[np.sort(np.unique(trial.groups[order], return_index=True)[1])])


def reject_rows(
    trial: Trial, treated: np.ndarray, score: np.ndarray, strength: float, rng: np.random.Generator
) -> Thinned:
    """Rows accepted by rejection sampling within tests.

    Args:
        trial: Randomised rows.
        treated: T, shape (n,), zeros and ones.
        score: C, shape (n,), standardised here.
        strength: Log odds of T for each standard deviation of C.
        rng: Decides acceptance and order.
    """
    spread = score.std()
    if not spread > 0:
        raise UsageError(
            "the score that is to confound does not vary",
            expected="covariates that tell people apart, and predict the outcome where they make the score",
            found=f"{len(score)} rows with one score",
            fix="name covariates that do",
        )
    c = (score - score.mean()) / spread
    size = np.bincount(trial.tests)[trial.tests]
    chance = (np.bincount(trial.tests, treated) / np.bincount(trial.tests).clip(1))[trial.tests]
    mixed = (chance > 0) & (chance < 1)
    if not mixed.any():
        raise UsageError(
            "no test has texts with and without the attribute",
            expected="tests in which the attribute varies",
            found=f"{int(treated.sum())} of {len(treated)} rows with it, never beside rows without",
            fix="name another attribute",
        )
    tilted = np.where(mixed, expit(logit(np.where(mixed, chance, 0.5)) + strength * c), chance)
    weight = np.where(treated == 1, tilted, 1 - tilted) / np.where(treated == 1, chance, 1 - chance)
    bound = float(weight.max())
    accepted = rng.permutation(np.flatnonzero(rng.random(len(trial)) < weight / bound))
    target = np.bincount(trial.arms)[trial.arms] / size
    return Thinned(accepted, (target * weight)[accepted], target[accepted], bound)


def score_rows(trial: Trial, fitted_on: Trial, weights: Mapping[str, float] | None) -> np.ndarray:
    """C of each row, shape (n,).

    Args:
        trial: Rows to score.
        fitted_on: Other rows, on which the outcome is regressed where no weights are given.
        weights: Covariate name to weight.

    Raises:
        UsageError: If a covariate is unknown, or there is none.
    """
    names = trial.covariate_names
    if not names:
        raise UsageError(
            "rejection sampling needs covariates",
            expected="columns of numbers known before the text was chosen",
            found="none named",
            fix="name them: covariates=NAME+NAME, or Columns.covariates",
        )
    centre, spread = fitted_on.covariates.mean(axis=0), fitted_on.covariates.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = (trial.covariates - centre) / spread
    if weights is not None:
        for name in weights:
            if name not in names:
                raise unknown_name("covariate", name, names)
        return z @ np.array([weights.get(name, 0.0) for name in names])
    score = np.zeros(len(trial))
    for test in np.unique(trial.tests):
        fit = fitted_on.tests == test
        design = np.column_stack([np.ones(fit.sum()), (fitted_on.covariates[fit] - centre) / spread])
        if len(design) > 2 * design.shape[1]:
            slopes = np.linalg.lstsq(design, fitted_on.outcomes[fit], rcond=None)[0][1:]
            score[trial.tests == test] = z[trial.tests == test] @ slopes
    return score
