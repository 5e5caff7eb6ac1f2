"""Lines with intervals as svg that takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from leaderboard.tables import Span, format_number

WIDTH, HEIGHT = 320.0, 210.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 8.0, 8.0, 38.0


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        name: In the legend and for screen readers.
        style: Class of the line: ``method``, ``twin``, ``naive`` or ``ceiling``.
        points: (x, y with its interval), sorted by x.
    """

    name: str
    style: str
    points: tuple[tuple[float, Span], ...]


def draw_lines(title: str, lines: Sequence[Line], x_label: str, y_label: str) -> str:
    """A small chart as an ``svg`` element.

    Args:
        title: Read out by screen readers, with every line's values.
        lines: What to draw; the first line is drawn on top and has a band.
        x_label: Name of the horizontal axis.
        y_label: Name of the vertical axis.
    """
    xs = sorted({x for line in lines for x, _ in line.points})
    ys = [y for line in lines for _, span in line.points for y in _extent(span)]
    low, high = min(0.0, *ys), max(*ys, 0.0)
    ticks = _ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    # A constant reward gains nothing at any distance, so that all its values are 0.
    height = (high - low) or 1.0

    def across(x: float) -> float:
        reach = (xs[-1] - xs[0]) or 1.0
        return LEFT + 8 + (WIDTH - LEFT - RIGHT - 16) * (x - xs[0]) / reach

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - low) / height

    parts = []
    ends = f'x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}"'
    for tick in ticks:
        y = up(tick)
        parts.append(f'<line class="grid" {ends} y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="y" x="{LEFT - 5:g}" y="{y + 4:.1f}">{format_number(tick, 2)}</text>')
    for x in _thin(xs, across):
        parts.append(f'<text class="x" x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 15:g}">{x:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="x" x="{middle:g}" y="{HEIGHT - 5:g}">{escape(x_label)}</text>')
    for line in reversed(lines):
        if line is lines[0] and all(span.is_known for _, span in line.points):
            edge = [(x, span.high) for x, span in line.points]
            edge += [(x, span.low) for x, span in reversed(line.points)]
            corners = " ".join(f"{across(x):.1f},{up(min(max(y, low), high)):.1f}" for x, y in edge)
            parts.append(f'<polygon class="band {line.style}" points="{corners}"/>')
        places = " ".join(f"{across(x):.1f},{up(span.value):.1f}" for x, span in line.points)
        parts.append(f'<polyline class="{line.style}" points="{places}"/>')
        parts += [
            f'<circle class="{line.style}" cx="{across(x):.1f}" cy="{up(span.value):.1f}" r="2.6"/>'
            for x, span in line.points
        ]
    said = "; ".join(
        f"{line.name}: " + ", ".join(f"{format_number(s.value, 2)} at {x:g}" for x, s in line.points)
        for line in lines
    )
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="{escape(f"{title}, {y_label} against {x_label}. {said}")}">{"".join(parts)}</svg>'
    )


def _extent(span: Span) -> list[float]:
    return [y for y in (span.value, span.low, span.high) if math.isfinite(y)]


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers that cover a range, at most six."""
    reach = max(high - low, 1e-6)
    step = 10.0 ** math.floor(math.log10(reach))
    step *= next(m for m in (0.2, 0.5, 1.0, 2.0) if reach / (step * m) <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 9) for k in range(first, last + 1)]


def _thin(xs: Sequence[float], across: Callable[[float], float]) -> list[float]:
    """Values whose labels do not touch."""
    kept: list[float] = []
    for x in xs:
        if not kept or across(x) - across(kept[-1]) >= 24:
            kept.append(x)
    return kept
