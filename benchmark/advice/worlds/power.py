"""How many rows are needed for a regret below a target: of the log, and of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmark.advice.worlds.calibrate import Calibration, calibrate
from benchmark.advice.worlds.recommend import list_allowed
from benchmark.advice.worlds.regrets import EXPERIMENT, NAIVE, Regrets, draw_weights, measure_regrets
from benchmark.contract import UsageError, make_rng

POWER = 0.8
GRID = (250, 500, 1000, 2000, 4000, 8000)


@dataclass(frozen=True)
class Point:
    """A number of rows.

    Attributes:
        rows: Rows.
        regret: Expected regret.
        power: Share of worlds like the log in which the regret is at most the target.
        low: Lower end of its 95 % interval (Wilson).
        high: Upper end.
    """

    rows: int
    regret: float
    power: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """Power against rows.

    Attributes:
        data: ``"log"`` or ``"experiment"``.
        method: What is fitted to it.
        points: The sizes tried, smallest first.
        needed: Rows at which 80 % of worlds meet the target; None where no size tried does.
        needed_low: Lower end of its 95 % interval.
        needed_high: Upper end; None where it is beyond the sizes tried.
    """

    data: str
    method: str
    points: tuple[Point, ...]
    needed: int | None
    needed_low: int | None
    needed_high: int | None


@dataclass(frozen=True)
class Power:
    """How many rows are needed.

    Attributes:
        target: The regret to stay below.
        curves: One for the log, one for an experiment.
    """

    target: float
    curves: tuple[Curve, ...]

    @property
    def answer(self) -> str:
        """The need in words."""
        most = max(point.rows for curve in self.curves for point in curve.points)
        said = []
        for curve in self.curves:
            what = "an experiment" if curve.data == "experiment" else f"the log with {curve.method}"
            need = f"{curve.needed} rows" if curve.needed else f"more than {most} rows"
            said.append(f"{what}: {need}")
        return (
            f"For a regret of at most {self.target:g} in 80 % of worlds like this log: "
            + "; ".join(said)
            + "."
        )

    def as_dict(self) -> dict[str, Any]:
        """The curves as plain data."""
        return {"answer": self.answer, **asdict(self)}


def power(
    log: Any,
    target: float = 0.1,
    *,
    method: str | None = None,
    rows: Sequence[int] = GRID,
    calibration: Calibration | None = None,
    store: str | Path | None = None,
    workers: int | None = 0,
    on_worlds: Callable[[int], None] | None = None,
    on_plan: Callable[[Any], None] | None = None,
    on_group: Callable[..., None] | None = None,
    **options: Any,
) -> Power:
    """How many rows of the log, or of an experiment, a target regret needs.

    The same worlds are measured with logs of several lengths. The experiment is the randomised twin of as
    many rows, analysed with a covariate-adjusted regression.

    Args:
        log: An ``OwnLog``, or any table that ``read_log`` takes.
        target: Regret to stay below, in (0, .5).
        method: What is fitted to the log; by default ``covariate-regression``, or ``naive`` where the log
            records nothing.
        rows: Sizes to try.
        calibration: Worlds like the log; by default they are found.
        store: Folder of the records.
        workers: Number of processes; 0 runs everything in this one.
        on_worlds: Called with numbers of reference worlds as they are made ready.
        on_plan: Called with what is planned, once for each size.
        on_group: Called with each finished group of cells.
        **options: Arguments of ``calibrate`` and of ``read_log``.

    Raises:
        UsageError: If a number is out of range, or the method is unknown or cannot take the log.

    Example:
        >>> import benchmark
        >>> log = benchmark.simulate("observed[strength=1]", n=400).log
        >>> table = log.table.drop_columns(["propensity", "target_propensity"])
        >>> found = benchmark.power(table, target=0.3, rows=[200, 400])  # doctest: +SKIP
        >>> [point.rows for point in found.curves[0].points]  # doctest: +SKIP
        [200, 400]
    """
    if not 0 < target < 0.5:
        raise UsageError("the target is no regret", expected="a number above 0 and below .5", found=target)
    if len(rows) < 2 or min(rows) < 50:
        raise UsageError(
            "too few sizes to draw a curve", expected="two or more, of at least 50 rows", found=rows
        )
    found = calibration or calibrate(log, on_worlds=on_worlds, **options)
    chosen = method or ("covariate-regression" if found.own.log.has("covariate") else NAIVE)
    (chosen,) = list_allowed(found.own.log, [chosen])
    run: dict[str, Any] = {"store": store, "workers": workers, "on_plan": on_plan, "on_group": on_group}
    measured = [measure_regrets(found, [chosen], rows=n, **run) for n in sorted(rows)]
    return Power(
        target,
        (make_curve(measured, "log", chosen, target), make_curve(measured, "experiment", EXPERIMENT, target)),
    )


def make_curve(measured: Sequence[Regrets], data: str, method: str, target: float) -> Curve:
    """Power against rows from regrets at several sizes."""
    met = [(regrets.of(method) <= target).astype(float) for regrets in measured]
    points = []
    for regrets, held in zip(measured, met, strict=True):
        interval = stats.binomtest(int(held.sum()), len(held)).proportion_ci(method="wilson")
        points.append(
            Point(
                regrets.rows,
                float(regrets.of(method).mean()),
                float(held.mean()),
                interval.low,
                interval.high,
            )
        )
    sizes = np.array([point.rows for point in points], dtype=float)
    needed = find_rows(sizes, np.array([point.power for point in points]))
    count = min(len(held) for held in met)
    weights = draw_weights(count, make_rng("advice", "power", data))[:400]
    drawn = [find_rows(sizes, np.array([w @ held[:count] for held in met])) for w in weights]
    ends = np.quantile(
        [np.inf if value is None else value for value in drawn], (0.025, 0.975), method="nearest"
    )
    low, high = (int(end) if np.isfinite(end) else None for end in ends)
    return Curve(data, method, tuple(points), needed, low, high)


def find_rows(sizes: np.ndarray, shares: np.ndarray, wanted: float = POWER) -> int | None:
    """The rows at which a share is reached, on a line in the logarithm of the rows; None where it is not.

    Shares are first made to rise with the rows (isotonic regression), as true power does.

    Example:
        >>> find_rows(np.array([100.0, 400.0]), np.array([0.6, 1.0]))
        200
    """
    from sklearn.isotonic import IsotonicRegression

    logs = np.log(sizes)
    rising = IsotonicRegression().fit_transform(logs, shares)
    if rising[-1] < wanted:
        return None
    at = int(np.argmax(rising >= wanted))
    if at == 0:
        return int(sizes[0])
    share = (wanted - rising[at - 1]) / (rising[at] - rising[at - 1])
    return round(float(np.exp(logs[at - 1] + share * (logs[at] - logs[at - 1]))))
