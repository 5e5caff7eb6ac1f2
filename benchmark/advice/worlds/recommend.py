"""Which method to trust on a log: those that it allows, ranked on worlds like it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.advice.inspection.estimate import Estimate
from benchmark.advice.worlds.calibrate import Calibration, calibrate
from benchmark.advice.worlds.regrets import EXPERIMENT, NAIVE, Regrets, draw_weights, measure_regrets
from benchmark.contract import Log, Method, UsageError, make_rng

CLOSE = 0.02
TOO_MUCH = 0.05  # regret above the experiment's from which the experiment is the better advice
CANDIDATES = (
    "naive",
    "covariate-regression",
    "covariate-regression-boosted",
    "residual-partial-out",
    "outcome-model-averaged",
    "doubly-robust-corrected",
    "ipw-estimated",
    "lasso-partial-out",
    "prompt-partial-out",
    "time-regression",
    "residual-instrumented",
    "complete-case",
    "observation-weighted-estimated",
)
"""Reward methods that are fitted in seconds; the default of ``recommend``."""
ASSUMPTIONS = {
    "covariate": "everything that moved both the choice of a text and its outcome was recorded",
    "prompt": "the prompt's text says everything that moved both the choice of a text and its outcome",
    "time": "what moved both changed smoothly over time",
    "instrument": "the instruments move the outcome through the text alone",
    "proxy": "the recorded measurements reflect everything that moved both",
    "observed": "whether an outcome is missing depends on what was recorded alone",
    "propensity": "the logged chances of texts are right and never zero",
    "randomised": "the marked rows were chosen at random",
    "mediator": "the columns marked as late were not moved by what is adjusted for",
}
LINEAR = ("covariate-regression", "residual-instrumented")
FACE_VALUE = "texts were chosen as if at random"


@dataclass(frozen=True)
class Advice:
    """One method on worlds like the log.

    Attributes:
        method: Its name.
        regret: Expected regret: the share of reward lost by ordering texts as it does.
        best: Share of such worlds in which it has the least regret.
        close: Share of such worlds in which it is within .02 of the least.
        removed: Share of the confounding that it is expected to remove; the naive method removes 0.
        assumes: What must hold, in words.
    """

    method: str
    regret: Estimate
    best: float
    close: float
    removed: Estimate
    assumes: str


@dataclass(frozen=True, eq=False)
class Recommendation:
    """Which method to trust on a log.

    Attributes:
        ranking: The methods, least expected regret first.
        experiment: Expected regret of an experiment with as many rows as the worlds' logs.
        experiment_is_better: Probability that the experiment's expected regret is lower than that of the best
            method by .05 or more.
        rows: Rows of an experiment that does as well as the best method does on the log; None where none
            of the sizes tried does.
        calibration: The worlds.
        regrets: What was measured.
    """

    ranking: tuple[Advice, ...]
    experiment: Estimate
    experiment_is_better: float
    rows: int | None
    calibration: Calibration
    regrets: Regrets

    @property
    def advises_experiment(self) -> bool:
        """Whether the honest answer is to run an experiment."""
        return self.experiment_is_better > 0.5

    @property
    def answer(self) -> str:
        """The advice in a sentence."""
        best = self.ranking[0]
        if self.advises_experiment:
            size = f"of {self.rows} rows" if self.rows else "of more rows than were tried"
            return (
                f"None: run an experiment {size}. It does as well as {best.method}, the best method on this "
                f"log, whose expected regret is {best.regret.value:.2f}; {self.regrets.rows} rows of an "
                f"experiment have {self.experiment.value:.2f}."
            )
        return (
            f"{best.method}: expected regret {best.regret}, best in {best.best:.0%} and close to the best in "
            f"{best.close:.0%} of worlds like this log. It assumes that {best.assumes}."
        )

    def as_dict(self) -> dict[str, Any]:
        """The recommendation as plain data."""
        return {
            "answer": self.answer,
            "advises_experiment": self.advises_experiment,
            "experiment_is_better": self.experiment_is_better,
            "experiment_rows": self.rows,
            "experiment": asdict(self.experiment),
            "ranking": [asdict(advice) for advice in self.ranking],
            "calibration": self.calibration.as_dict(),
        }


def recommend(
    log: Any,
    *,
    methods: Sequence[str] = (),
    calibration: Calibration | None = None,
    store: str | Path | None = None,
    workers: int | None = 0,
    on_worlds: Callable[[int], None] | None = None,
    on_plan: Callable[[Any], None] | None = None,
    on_group: Callable[..., None] | None = None,
    **options: Any,
) -> Recommendation:
    """Rank the methods that a log allows on worlds like it.

    Args:
        log: An ``OwnLog``, or any table that ``read_log`` takes.
        methods: Names of methods; by default ``CANDIDATES``, as far as the log allows them.
        calibration: Worlds like the log; by default they are found.
        store: Folder of the records, so that an interrupted call goes on where it stopped.
        workers: Number of processes; 0 runs everything in this one.
        on_worlds: Called with numbers of reference worlds as they are made ready.
        on_plan: Called with what is planned to be run on the worlds.
        on_group: Called with each finished group of cells.
        **options: Arguments of ``calibrate`` and of ``read_log``.

    Raises:
        UsageError: If the table cannot be read, a method is unknown, or the log allows none.

    Example:
        >>> import benchmark
        >>> log = benchmark.simulate("observed[strength=1]", n=400).log
        >>> table = log.table.drop_columns(["propensity", "target_propensity"])
        >>> found = benchmark.recommend(table, methods=["covariate-regression"])  # doctest: +SKIP
        >>> sorted(advice.method for advice in found.ranking)  # doctest: +SKIP
        ['covariate-regression', 'naive']
    """
    found = calibration or calibrate(log, on_worlds=on_worlds, **options)
    allowed = list_allowed(found.own.log, methods)
    run: dict[str, Any] = {"store": store, "workers": workers, "on_plan": on_plan, "on_group": on_group}
    regrets = measure_regrets(found, allowed, **run)
    return rank(found, regrets, lambda rows: measure_regrets(found, [NAIVE], rows=rows, **run))


def list_allowed(log: Log, methods: Sequence[str] = ()) -> list[str]:
    """The methods that a log allows.

    Args:
        log: The log.
        methods: Names to choose from; by default ``CANDIDATES``.

    Raises:
        UsageError: If a method is unknown, or the log allows none of those that were named.
    """
    from methods import load

    loaded = [load(name) for name in methods or CANDIDATES]
    refused = {method.name: reason for method in loaded if (reason := method.tags.reason_to_refuse(log))}
    allowed = [method.name for method in loaded if method.name not in refused]
    if not allowed:
        raise UsageError(
            "the log allows none of these methods",
            expected="methods that need no more than the log records",
            found="; ".join(f"{name} {reason}" for name, reason in refused.items()),
        )
    return allowed


def rank(
    calibration: Calibration, regrets: Regrets, measure: Callable[[int], Regrets] | None = None
) -> Recommendation:
    """A recommendation from measured regrets.

    Args:
        calibration: The worlds.
        regrets: Regrets on them.
        measure: Measures the experiment's regret at another number of rows; None leaves the size open.
    """
    rng = make_rng("advice", "ranking")
    weights = draw_weights(len(regrets.values), rng)
    names = regrets.contenders
    values = np.column_stack([regrets.of(name) for name in names])
    least = values.min(axis=1, keepdims=True)
    ties = values <= least + 1e-12
    best = (ties / ties.sum(axis=1, keepdims=True)).mean(axis=0)
    close = (values <= least + CLOSE).mean(axis=0)
    naive, experiment = regrets.of(NAIVE), regrets.of(EXPERIMENT)
    order = np.argsort(values.mean(axis=0), kind="stable")
    ranking = tuple(
        Advice(
            names[k], _mean(values[:, k], weights), float(best[k]), float(close[k]),
            _removed(values[:, k], naive, experiment, weights), describe_assumptions(names[k]),
        )
        for k in order
    )  # fmt: skip
    excess = weights @ (values[:, order[0]] - experiment)
    worse = float((excess >= TOO_MUCH).mean())
    return Recommendation(
        ranking,
        _mean(experiment, weights),
        worse,
        _find_rows(regrets, ranking[0], measure),
        calibration,
        regrets,
    )


def describe_assumptions(name: str) -> str:
    """What must hold for a method to be right, in words.

    Example:
        >>> describe_assumptions("naive")
        'texts were chosen as if at random'
    """
    from methods import load

    method: Method = load(name)
    said = [ASSUMPTIONS[role] for role in sorted(method.tags.needs) if role in ASSUMPTIONS]
    if not said:
        return FACE_VALUE
    return " and ".join(said) + (", and acted additively" if name in LINEAR else "")


def _mean(values: np.ndarray, weights: np.ndarray) -> Estimate:
    low, high = np.quantile(weights @ values, (0.025, 0.975))
    return Estimate(float(values.mean()), float(low), float(high))


def _removed(values: np.ndarray, naive: np.ndarray, experiment: np.ndarray, weights: np.ndarray) -> Estimate:
    """Share of the gap between naive method and experiment that is closed; NaN where there is no gap."""
    gap = weights @ (naive - experiment)
    if not np.quantile(gap, 0.025) > 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile((weights @ (naive - values)) / gap, (0.025, 0.975))
    return Estimate(float((naive - values).mean() / (naive - experiment).mean()), float(low), float(high))


def _find_rows(regrets: Regrets, best: Advice, measure: Callable[[int], Regrets] | None) -> int | None:
    """The smallest experiment tried that does as well as the best method, halving the rows while it does."""
    if measure is None or regrets.of(EXPERIMENT).mean() > best.regret.value:
        return None
    rows = regrets.rows
    while rows >= 200 and measure(rows // 2).of(EXPERIMENT).mean() <= best.regret.value:
        rows //= 2
    return rows
