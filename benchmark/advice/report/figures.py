"""Drawings of a report, as svg; each takes a result and knows nothing of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from benchmark.advice.inspection.assignment import Assignment
from benchmark.advice.inspection.effects import Disagreement
from benchmark.advice.inspection.estimate import Estimate
from benchmark.advice.inspection.gamma import Tilt
from benchmark.advice.worlds.power import Power
from benchmark.advice.worlds.recommend import Recommendation

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#888888"
MOST_ROWS = 12


def draw_effects(found: Disagreement) -> str:
    """What phrases seem to be worth, at face value and adjusted."""
    shown = found.phrases[:MOST_ROWS]
    figure, axis = _start(len(shown))
    for offset, (label, color) in enumerate((("at face value", GREY), ("adjusted", BLUE))):
        values = [phrase.naive if offset == 0 else phrase.adjusted for phrase in shown]
        _spans(axis, values, [k + 0.18 * (2 * offset - 1) for k in range(len(shown))], color, label)
    axis.axvline(0, color="#cccccc", zorder=0)
    return _finish(figure, axis, [phrase.phrase for phrase in shown], "effect on the outcome", legend=True)


def draw_assignment(found: Assignment) -> str:
    """How well covariates predict each phrase."""
    shown = found.phrases[:MOST_ROWS]
    figure, axis = _start(len(shown))
    axis.barh(range(len(shown)), [max(share, 0.0) for _, share in shown], color=BLUE, height=0.6)
    return _finish(figure, axis, [name for name, _ in shown], "share of its variance that covariates predict")


def draw_tilts(found: Sequence[Tilt]) -> str:
    """How unfair an unrecorded choice must be to undo each answer."""
    figure, axis = _start(len(found))
    spans = [Estimate(tilt.gamma, tilt.low, tilt.high) for tilt in found]
    _spans(axis, spans, range(len(found)), ORANGE)
    axis.axvline(1, color="#cccccc", zorder=0)
    return _finish(figure, axis, [tilt.about for tilt in found], "Gamma at which the answer falls")


def draw_ranking(found: Recommendation) -> str:
    """Expected regret of each method, and of an experiment."""
    shown = found.ranking[:MOST_ROWS]
    figure, axis = _start(len(shown))
    _spans(axis, [advice.regret for advice in shown], range(len(shown)), BLUE)
    axis.axvspan(
        found.experiment.low, found.experiment.high, color="#2ca02c", alpha=0.2, label="an experiment"
    )
    return _finish(figure, axis, [advice.method for advice in shown], "expected regret", legend=True)


def draw_power(found: Power) -> str:
    """The share of worlds that meet the target, against rows."""
    figure, axis = _start(6)
    for curve, color in zip(found.curves, (BLUE, "#2ca02c"), strict=False):
        rows = [point.rows for point in curve.points]
        label = "an experiment" if curve.data == "experiment" else f"the log, {curve.method}"
        axis.plot(rows, [point.power for point in curve.points], "o-", color=color, label=label)
        axis.fill_between(
            rows, [p.low for p in curve.points], [p.high for p in curve.points], color=color, alpha=0.15
        )
    axis.axhline(0.8, color="#cccccc", zorder=0)
    axis.set(xscale="log", ylim=(0, 1), ylabel=f"worlds with a regret of at most {found.target:g}")
    axis.legend(fontsize=8)
    return _finish(figure, axis, None, "rows")


def _start(rows: int) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(7.0, 0.9 + 0.3 * rows))


def _spans(axis: Any, values: Sequence[Estimate], places: Any, color: str, label: str | None = None) -> None:
    centre = [value.value for value in values]
    ends = [
        [max(value.value - value.low, 0.0) for value in values],
        [max(value.high - value.value, 0.0) for value in values],
    ]
    axis.errorbar(centre, list(places), xerr=ends, fmt="o", color=color, markersize=4, label=label)


def _finish(figure: Any, axis: Any, names: list[str] | None, title: str, legend: bool = False) -> str:
    from matplotlib import pyplot

    if names is not None:
        axis.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names])
        axis.invert_yaxis()
    axis.set_xlabel(title)
    if legend:
        axis.legend(fontsize=8)
    buffer = io.StringIO()
    with pyplot.rc_context({"svg.hashsalt": "advice"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)
    return re.sub(r"^.*?(?=<svg\b)", "", buffer.getvalue(), count=1, flags=re.DOTALL)
