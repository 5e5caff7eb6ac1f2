"""The rows of a log as matrices: phrases, a smooth basis of what was recorded, outcomes and clusters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmark.advice.inspection.phrases import Phrases, find_phrases
from benchmark.advice.reading import OwnLog
from benchmark.contract import Log
from benchmark.contract.errors import UsageError
from methods.adjust.features import flexible_columns
from methods.adjust.ridge import fit_ridge

FEWEST_ROWS = 100
MOST_BASIS = 60
FOLDS = 5


@dataclass(frozen=True, eq=False)
class Design:
    """What the parts of an inspection compute with; every matrix is free of the prompts' means.

    Attributes:
        own: The log that was read.
        log: Its rows with an outcome.
        phrases: Phrases of their texts.
        texts: Phrases held, less the prompts' means, shape (n, K).
        basis: Smooth functions of the covariates, less the prompts' means, shape (n, q).
        outcome: Outcome, less the prompts' means, shape (n,).
        clusters: Unit of each row, or None where no unit is recorded.
        basis_source: Covariate that each column of the basis was made of, or "" for products; length q.
        absorbed: Number of prompt means taken out.
    """

    own: OwnLog
    log: Log
    phrases: Phrases
    texts: np.ndarray
    basis: np.ndarray
    outcome: np.ndarray
    clusters: np.ndarray | None
    basis_source: tuple[str, ...]
    absorbed: int

    def __len__(self) -> int:
        return len(self.outcome)

    @cached_property
    def covariate_names(self) -> tuple[str, ...]:
        """Names of the covariates that are adjusted for."""
        return tuple(dict.fromkeys(name for name in self.basis_source if name))

    def folds(self, rng: np.random.Generator) -> np.ndarray:
        """Balanced fold numbers, rows of a unit together, shape (n,)."""
        if self.clusters is None:
            return rng.permutation(np.arange(len(self)) % FOLDS)
        return rng.permutation(np.arange(int(self.clusters.max()) + 1) % FOLDS)[self.clusters]


def make_design(own: OwnLog, without: tuple[str, ...] = ()) -> Design:
    """The matrices of a log.

    Args:
        own: The log.
        without: Covariates that are not adjusted for.

    Raises:
        UsageError: If there are too few rows, one text, or one outcome.
    """
    log = own.log
    if log.has("observed"):
        log = log.take(np.flatnonzero(log.numbers("observed") == 1))
    _check(log)
    phrases = find_phrases(log.texts)
    if not phrases.names:
        raise UsageError(
            "the texts of the log do not differ in any phrase that occurs often enough",
            expected="phrases that at least 25 rows, and 1 % of them, hold and others do not",
            found=f"{len(phrases.texts)} texts in {len(log)} rows",
            fix="bring more rows, or name another column: --text",
        )
    basis, source = _make_basis(log, without)
    _, prompt = np.unique(log.prompts.astype(str), return_inverse=True)
    repeated = prompt.max() > 0 and (prompt.max() + 1) * 8 <= len(log)
    group = prompt if repeated else np.zeros(len(log), dtype=np.int64)
    centred = [demean(values, group) for values in (phrases.held.astype(float), basis, log.outcomes[:, None])]
    clusters = None
    if log.has("unit"):
        clusters = np.unique(log.numbers("unit"), return_inverse=True)[1]
    return Design(
        own, log, phrases, centred[0], centred[1], centred[2][:, 0], clusters, source, int(group.max()) + 1
    )


def demean(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Columns less the means of their group, shape (n, d)."""
    size = np.bincount(group)
    means = (
        np.stack([np.bincount(group, column) / size for column in values.T], axis=1)
        if values.size
        else values[:1]
    )
    return values - means[group] if values.size else values


def residualise(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """What a least-squares fit on a basis leaves of some columns, shape (n, d)."""
    if not basis.shape[1]:
        return values
    gram = basis.T @ basis
    gram[np.diag_indices_from(gram)] += 1e-9 * np.trace(gram) / len(gram)
    return values - basis @ np.linalg.solve(gram, basis.T @ values)


def predict_held_out(values: np.ndarray, basis: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Predictions of columns by a basis, each fold from the others, shape (n, d)."""
    predicted = np.zeros_like(values)
    for k in np.unique(fold):
        held = fold == k
        predicted[held] = fit_ridge(basis[~held], values[~held]).predict(basis[held])
    return predicted


def _check(log: Log) -> None:
    if len(log) < FEWEST_ROWS:
        raise UsageError(
            "the log has too few rows to say anything of it",
            expected=f"at least {FEWEST_ROWS} rows with a text and an outcome",
            found=f"{len(log)} rows",
            fix="bring more rows",
        )
    if np.ptp(log.outcomes) == 0:
        raise UsageError(
            "every outcome of the log is the same",
            expected="an outcome that varies",
            found=f"{log.outcomes[0]:g} in {len(log)} rows",
            fix="name another column: --outcome",
        )


def _make_basis(log: Log, without: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    names = [name for name in log.names("covariate") if name not in without]
    blocks = [flexible_columns(log.numbers(f"covariate.{name}")[:, None]) for name in names]
    source = [name for name, block in zip(names, blocks, strict=True) for _ in range(block.shape[1])]
    products = _products(log, names) if len(names) > 1 else np.zeros((len(log), 0))
    room = max(0, min(MOST_BASIS, len(log) // 20) - len(source))
    products = products[:, :room]
    basis = np.concatenate([np.zeros((len(log), 0)), *blocks, products], axis=1)
    return basis, (*source, *[""] * products.shape[1])


def _products(log: Log, names: list[str]) -> np.ndarray:
    """Products of every two standardised covariates, shape (n, d (d - 1) / 2)."""
    values = np.column_stack([log.numbers(f"covariate.{name}") for name in names[:12]])
    scale = values.std(axis=0)
    standard = (values - values.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    first, second = np.triu_indices(standard.shape[1], 1)
    return standard[:, first] * standard[:, second]
