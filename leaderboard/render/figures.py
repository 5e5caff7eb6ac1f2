"""Figures as svg: regret against confounding strength, and improvement with intervals.

Drawings carry no date and no random ids, and letters stay letters, so that the same store
gives the same bytes and the words in a figure can be read aloud and searched.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from leaderboard.comparison_group import ComparisonGroup
from leaderboard.producers.evidence import Evidence, span_at, span_of_cells
from leaderboard.tables import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SOFT, RULE = "#1d2327", "#5b656d", "#dcdfdb"
NAIVE, CEILING = "#b3452f", "#2c7a4b"
# Colour-blind safe (Okabe & Ito 2008), one for what a method claims; dashes for policies.
COLOURS = {True: ("#0072b2", "adjusts for confounding"), False: ("#a06a00", "does not adjust")}
MOST_BANDS = 6
SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "leaderboard",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": RULE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "text.color": INK,
    "path.simplify": False,
}


def draw_figures(evidence: Evidence) -> tuple[Figure, ...]:
    """Every figure that the records support."""
    figures: list[Figure] = []
    for group in evidence.groups:
        figures += [f for f in (draw_forest(evidence, group), draw_dose(evidence, group)) if f is not None]
    return tuple(figures)


def draw_dose(evidence: Evidence, group: ComparisonGroup) -> Figure | None:
    """Regret against strength, a panel a family; None where no family has two strengths."""
    cells = group.cells
    usable = cells["cell_naive_rho"].notna() & cells["strength"].notna()
    counts = cells[usable].groupby("family")["strength"].nunique()
    families = sorted(counts[counts > 1].index)
    if not families:
        return None
    with figure_canvas(1, len(families), (5.2 * len(families) + 1.6, 4.9)) as (canvas, axes):
        for axis, family in zip(axes, families, strict=True):
            part = group.where((usable & (cells["family"] == family)).to_numpy())
            _draw_panel(axis, part, family)
        axes[0].set_ylabel("regret ρ   (0 is perfect, .5 a coin toss)")
        _legend(axes[0], group)
        canvas.subplots_adjust(wspace=0.75)
        svg = save_svg(canvas)
    name = f"dose{evidence.table_suffix(group)}"
    title = f"Regret against confounding strength{evidence.title_suffix(group)}"
    text = (
        "Each line is the regret of one method against the confounding strength. The red line is the log "
        "taken at face value, the green line the experiment. Bands are 95 % intervals; where there are many "
        "methods, only naive and ceiling have one. Dashed lines are policies. The lower and the flatter a "
        "line, the better is the method. There is one panel for each family: " + ", ".join(families)
    )
    return Figure(name, title, text + ".", svg)


def _draw_panel(axis: Axes, part: ComparisonGroup, family: str) -> None:
    strengths = sorted(set(part.cells["strength"]))
    ends: list[tuple[float, str, str, bool]] = []
    methods = [n for n, row in zip(part.names, part.filled, strict=True) if np.isfinite(row).all()]
    methods = [n for n in methods if part.entrants.loc[n, "role"] == "method"]
    ink = 0.1 if len(methods) <= MOST_BANDS else 0.0
    for name in methods:
        facts = part.entrants.loc[name]
        colour = COLOURS[bool(facts["adjusts"])][0]
        values = part.filled[part.names.index(name)]
        last = _draw_line(axis, part, values, strengths, colour, 1.1, "--" if facts["policy"] else "-", ink)
        ends.append((last, str(facts["label"]), colour, False))
    for role, colour in (("naive", NAIVE), ("ceiling", CEILING)):
        values = part.cells[role].to_numpy()
        if np.isfinite(values).all():
            last = _draw_line(axis, part, values, strengths, colour, 2.6, "-", 0.16)
            ends.append((last, role, colour, True))
    axis.axhline(0.5, color=SOFT, linewidth=0.8, linestyle=(0, (1, 3)), zorder=1)
    axis.set_title(family, loc="left", fontsize=11, fontweight="bold")
    axis.set_xlabel("confounding strength")
    axis.set_xticks(strengths)
    axis.set_ylim(bottom=0)
    axis.margins(x=0.02)
    _label_ends(axis, strengths[-1], ends)


def _draw_line(
    axis: Axes,
    part: ComparisonGroup,
    values: np.ndarray,
    strengths: list[float],
    colour: str,
    width: float,
    dash: str,
    ink: float,
) -> float:
    """One line with its band; returns where it ends."""
    spans = []
    for strength in strengths:
        inside = (part.cells["strength"] == strength).to_numpy()
        spans.append(span_of_cells(part.where(inside), values[inside]))
    means = [round(span.value, 4) if span else np.nan for span in spans]
    axis.plot(
        strengths, means, color=colour, linewidth=width, linestyle=dash, marker="o", markersize=width + 1.6
    )
    if ink > 0 and all(span is not None and span.is_known for span in spans):
        low = [max(round(span.low, 4), 0.0) for span in spans if span]
        high = [min(round(span.high, 4), 1.0) for span in spans if span]
        axis.fill_between(strengths, low, high, color=colour, alpha=ink, linewidth=0)
    return float(means[-1])


def _label_ends(axis: Axes, x: float, ends: list[tuple[float, str, str, bool]]) -> None:
    """Names beside the ends of lines, moved apart until none touches another."""
    low, high = axis.get_ylim()
    high = max(high, 0.52)
    axis.set_ylim(low, high)
    gap = min((high - low) / 24, (high - low) / max(len(ends), 1))
    order = sorted(ends)
    places = spread_apart([end[0] for end in order], gap, low + gap / 2, high)
    for (value, name, colour, bold), place in zip(order, places, strict=True):
        axis.annotate(
            name,
            xy=(x, value),
            xytext=(1.09, place),
            textcoords=axis.get_yaxis_transform(),
            va="center",
            fontsize=8,
            color=colour,
            fontweight="bold" if bold else "normal",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.5,
                "alpha": 0.6,
                "shrinkA": 1,
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
        )


def spread_apart(values: list[float], gap: float, low: float, high: float) -> list[float]:
    """Places for sorted values, at least ``gap`` apart and inside (low, high) where they fit.

    Least squares under the spacing: subtracting ``i * gap`` turns it into isotonic regression.
    """
    from scipy.optimize import isotonic_regression

    level = isotonic_regression([value - index * gap for index, value in enumerate(values)]).x
    top = high - (len(values) - 1) * gap
    return [min(max(place, low), max(top, low)) + index * gap for index, place in enumerate(level)]


def draw_forest(evidence: Evidence, group: ComparisonGroup) -> Figure | None:
    """Improvement over naive with intervals, best first; None where nothing is ranked."""
    full = group.where(group.confounded)
    part = full.only(full.is_rankable)
    if not len(part.cells) or not (part.entrants["role"] == "method").any():
        return None
    estimates = part.improvement()
    order = np.lexsort((np.array(part.names), -estimates.mean))
    height = 1.15 + 0.25 * len(order)
    with figure_canvas(1, 1, (8.6, height)) as (canvas, (axis,)):
        room = span_of_cells(part, part.cells["naive"] - part.cells["ceiling"])
        axis.axvline(0, color=NAIVE, linewidth=1.4, zorder=1)
        _name_line(axis, 0.0, "naive", NAIVE)
        if room is not None:
            axis.axvline(room.value, color=CEILING, linewidth=1.4, zorder=1)
            _name_line(axis, room.value, "ceiling", CEILING)
        for place, index in enumerate(order):
            span, facts = span_at(estimates, int(index)), part.entrants.iloc[int(index)]
            colour = SOFT if facts["role"] == "canary" else COLOURS[bool(facts["adjusts"])][0]
            if span.is_known:
                axis.plot(
                    [span.low, span.high],
                    [place, place],
                    color=colour,
                    linewidth=2.2,
                    alpha=0.45,
                    solid_capstyle="round",
                )
            filled = "none" if facts["policy"] else colour
            axis.plot(
                span.value,
                place,
                "o",
                markersize=5.5,
                color=colour,
                markerfacecolor=filled,
                markeredgewidth=1.5,
            )
        axis.set_yticks(
            range(len(order)), [str(part.entrants.iloc[int(i)]["label"]) for i in order], color=INK
        )
        axis.set_ylim(len(order) - 0.4, -1.7)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.grid(axis="x", color=RULE, linewidth=0.6)
        axis.set_axisbelow(True)
        axis.set_xlabel(
            "improvement D = ρ(naive) − ρ(method), with 95 % intervals; hollow points are policies"
        )
        canvas.subplots_adjust(left=0.3, right=0.97, top=0.99, bottom=0.6 / height)
        svg = save_svg(canvas)
    text = (
        "Each point is a method's mean improvement in regret over the log taken at face value, with a 95 % "
        "interval (seeds are clusters). The best method comes first. Blue methods adjust for confounding, "
        "brown ones do not, and grey ones are controls."
    )
    return Figure(
        f"improvement{evidence.table_suffix(group)}",
        f"Improvement over naive{evidence.title_suffix(group)}",
        text,
        svg,
    )


def _name_line(axis: Axes, x: float, name: str, colour: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    axis.text(x, -1.1, name, color=colour, ha="center", va="center", fontweight="bold", fontsize=8, bbox=box)


def _legend(axis: Axes, group: ComparisonGroup) -> None:
    for colour, text in COLOURS.values():
        axis.plot([], [], color=colour, linewidth=1.4, label=text)
    if group.entrants["policy"].any():
        axis.plot([], [], color=SOFT, linewidth=1.4, linestyle="--", label="policy")
    axis.legend(
        loc="upper left", facecolor="white", edgecolor="none", framealpha=0.85, fontsize=8, handlelength=1.8
    )


@contextmanager
def figure_canvas(rows: int, columns: int, size: tuple[float, float]) -> Iterator[tuple[Any, Any]]:
    """A figure and its axes under fixed settings, whatever the user's own are."""
    from matplotlib import rc_context, rcParamsDefault
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    defaults: Any = {k: v for k, v in rcParamsDefault.items() if not k.startswith(("backend", "date"))}
    with rc_context(defaults | SETTINGS):
        canvas = Canvas(figsize=size)
        FigureCanvasSVG(canvas)
        yield canvas, canvas.subplots(rows, columns, squeeze=False).ravel()


def save_svg(canvas: Any) -> str:
    """The drawing as text without date and creator."""
    buffer = io.StringIO()
    canvas.savefig(
        buffer, format="svg", bbox_inches="tight", pad_inches=0.12, metadata={"Date": None, "Creator": None}
    )
    return buffer.getvalue()
