"""What an experiment says about texts that were kept back: measured rewards, pairs and toggles.

Stands where a simulated world has its ``Truth``, and the scorer uses it as one. It is an estimate with
standard errors: pairs that differ by less than two of them are not asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from scipy.special import ndtr

from benchmark.contract.errors import UsageError
from benchmark.contract.queries import Queries
from simulators.experiments.precision import Arms, list_pairs
from simulators.protocols import Context, QuerySizes, Strings
from simulators.text.corpus import CorpusDomain
from simulators.text.domain import Detected

RESOLVED = 2.0


@dataclass(frozen=True, eq=False)
class MeasuredTruth:
    """The truth as far as an experiment knows it.

    Attributes:
        domain: Reads attributes from strings.
        arms: The texts kept back, no (prompt, text) twice.
        naive_effects: What a regression of the log's outcomes on attributes and prompts says, shape (K,).
    """

    domain: CorpusDomain
    arms: Arms
    naive_effects: np.ndarray
    groups: None = None
    context: None = None
    roles: None = None

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attribute names."""
        return self.domain.attributes

    # -- pairs ----------------------------------------------------------------
    @cached_property
    def pairs(self) -> np.ndarray:
        """Arms of one test, shape (m, 2)."""
        return list_pairs(self.arms)

    @property
    def differences(self) -> np.ndarray:
        """Mean outcome of the first minus the second, shape (m,)."""
        return self.arms.means[self.pairs[:, 0]] - self.arms.means[self.pairs[:, 1]]

    @property
    def difference_errors(self) -> np.ndarray:
        """Standard errors of the differences, shape (m,)."""
        return np.hypot(*self.arms.errors[self.pairs].T)

    @property
    def resolved(self) -> np.ndarray:
        """Which pairs differ by at least two standard errors, shape (m,), bool."""
        return np.abs(self.differences) >= RESOLVED * self.difference_errors

    @property
    def spread(self) -> float:
        """Standard deviation of true differences: by moments, the measured variance less the noise's.

        Pairs are weighted by the inverse variance of their squared noise.
        """
        noise = self.difference_errors**2
        return float(np.sqrt(max(np.average(self.differences**2 - noise, weights=noise**-2), 0.0)))

    @property
    def expected_accuracy(self) -> float:
        """Accuracy on resolved pairs that a perfect method would reach: some were resolved the wrong way.

        Posterior probability of the measured sign when true differences are normal with sd ``spread``.
        """
        chosen = self.resolved
        if not chosen.any():
            return float("nan")
        d, error = np.abs(self.differences[chosen]), self.difference_errors[chosen]
        return float(ndtr(d * self.spread / (error * np.hypot(self.spread, error))).mean())

    # -- effects --------------------------------------------------------------
    @cached_property
    def _fit(self) -> tuple[np.ndarray, np.ndarray]:
        return fit_within(self.values, self.arms.means, self.arms.tests, 1 / self.arms.errors**2)

    @property
    def effects(self) -> np.ndarray:
        """Within-test weighted regression of mean outcomes on attributes, shape (K,).

        Texts were randomised, attributes were not: writers chose what goes with what, so this is how
        texts with and without an attribute differ, the other attributes equal; 0 for an attribute
        that never varies within a test.
        """
        return self._fit[0]

    @property
    def effects_mcse(self) -> np.ndarray:
        """Standard errors of the effects, shape (K,), scaled up where attributes do not explain all."""
        return self._fit[1]

    @cached_property
    def values(self) -> np.ndarray:
        """Attributes of the arms, shape (n, K)."""
        return self.domain.detectors.detect(self.arms.texts).astype(np.float64)

    def tables(self) -> dict[str, pa.Table]:
        """The truth as tables: the texts kept back, and every pair of them that was compared."""
        arms, (first, second) = self.arms, self.pairs.T
        held = {"prompt": arms.prompts, "text": arms.texts, "test": arms.tests}
        held |= {"reward": arms.means, "error": arms.errors, "measurements": arms.weights}
        held |= {f"attribute.{name}": self.values[:, k] for k, name in enumerate(self.attributes)}
        pairs = {"prompt": arms.prompts[first], "first": arms.texts[first], "second": arms.texts[second]}
        pairs |= {"difference": self.differences, "error": self.difference_errors, "resolved": self.resolved}
        return {"held_out": pa.table(held), "held_out_pairs": pa.table(pairs)}

    # -- what the scorer asks -------------------------------------------------
    @property
    def value_reference(self) -> float:
        """Mean outcome of the texts kept back, tests equal."""
        sizes = np.bincount(self.arms.tests)[self.arms.tests]
        return float(np.average(self.arms.means, weights=1 / sizes))

    @property
    def value_optimal(self) -> float:
        """NaN: the best of some texts measured with error is no optimum."""
        return float("nan")

    def detect(self, texts: Strings) -> Detected:
        """Attributes read from the strings, and whether the corpus holds them."""
        return self.domain.detect(texts)

    def reward(self, prompts: Strings, texts: Strings, context: Context | None = None) -> np.ndarray:
        """Measured mean outcome of texts kept back, shape (n,).

        Raises:
            UsageError: If a text was not kept back under its prompt: nothing was measured.
        """
        places = [self._places.get(key, -1) for key in zip(prompts, texts, strict=True)]
        rows = np.array(places, dtype=np.int64)
        if (rows < 0).any():
            unknown = int(np.flatnonzero(rows < 0)[0])
            raise UsageError(
                "the experiment never measured this text", expected="a text kept back", found=texts[unknown]
            )
        return self.arms.means[rows]

    def naive_reward(self, prompts: Strings, texts: Strings, context: Context | None = None) -> np.ndarray:
        """What the log at face value makes of the attributes of texts, shape (n,)."""
        return self.domain.detectors.detect(texts) @ self.naive_effects

    def group_rewards(self, prompts: Strings, texts: Strings) -> np.ndarray:
        """Rewards of one group that holds everybody, shape (1, n)."""
        return self.reward(prompts, texts)[None]

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        return {key: i for i, key in enumerate(zip(self.arms.prompts, self.arms.texts, strict=True))}

    def toggles(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs of one test that differ in one attribute alone: attribute, arm with it, arm without it."""
        change = (self.values[self.pairs[:, 0]] - self.values[self.pairs[:, 1]]).astype(int)
        rows = np.flatnonzero(np.abs(change).sum(axis=1) == 1)
        attribute = np.abs(change[rows]).argmax(axis=1)
        first = change[rows, attribute] > 0
        pairs = self.pairs[rows]
        return attribute, np.where(first, *pairs.T), np.where(first, *pairs.T[::-1])


def fit_within(
    values: np.ndarray, outcomes: np.ndarray, tests: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares on deviations from test means: coefficients and standard errors, shape (K,).

    Variances are those of the weights times the residual chi2 / df, at least 1. Columns that do not
    vary within tests get 0 and 0.
    """
    _, tests = np.unique(tests, return_inverse=True)
    total = np.bincount(tests, weights)

    def centred(column: np.ndarray) -> np.ndarray:
        return column - (np.bincount(tests, weights * column) / total)[tests]

    x = np.stack([centred(column) for column in values.T], axis=1) * np.sqrt(weights)[:, None]
    y = centred(outcomes) * np.sqrt(weights)
    used = (x**2).sum(axis=0) > 1e-12 * max(weights.sum(), 1e-300)
    coefficients, errors = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    inverse = np.linalg.pinv(x[:, used].T @ x[:, used])
    coefficients[used] = inverse @ (x[:, used].T @ y)
    degrees = max(len(y) - len(total) - int(used.sum()), 1)
    excess = max(1.0, float(((y - x @ coefficients) ** 2).sum() / degrees))
    errors[used] = np.sqrt(excess * np.diag(inverse))
    return coefficients, errors


def ask_about(truth: MeasuredTruth, sizes: QuerySizes, rng: np.random.Generator) -> Queries:
    """Queries on the texts kept back: resolved pairs and toggled pairs, in random order and orientation.

    That a pair is asked about says that it differs, not which way. No texts are asked to be
    written, because no experiment would measure them.
    """
    pairs = rng.permutation(truth.pairs[truth.resolved])[: sizes.pairs]
    if not len(pairs):
        raise UsageError(
            "no pair of texts differs by two standard errors",
            expected="texts of one test that were kept back and did differently",
            found=f"{len(truth.pairs)} pairs of texts, none of them resolved",
            fix="keep back more rows, or see that rows of one test agree in what names it",
        )
    pairs = rng.permuted(pairs, axis=1)
    attribute, on, off = truth.toggles()
    order = rng.permutation(len(attribute))
    rank = np.empty(len(order), dtype=np.int64)
    for k in np.unique(attribute):
        mine = order[attribute[order] == k]
        rank[mine] = np.arange(len(mine))
    chosen = order[rank[order] < sizes.contrasts]
    opaque = rng.permutation(len(np.unique(attribute[chosen])))
    ids = opaque[np.unique(attribute[chosen], return_inverse=True)[1]]
    used = rng.permutation(np.unique(np.concatenate([pairs.ravel(), on[chosen], off[chosen]])))
    place = np.full(len(truth.arms), -1)
    place[used] = np.arange(len(used))
    return Queries(
        prompts=truth.arms.prompts[used],
        texts=truth.arms.texts[used],
        pairs=place[pairs],
        contrasts=np.stack([ids, place[on[chosen]], place[off[chosen]]], axis=1),
        pools=np.zeros((0, 0), dtype=np.int64),
        generate=np.zeros(0, dtype=object),
        n_samples=0,
    )
