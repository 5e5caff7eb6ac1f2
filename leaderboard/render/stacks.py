"""Regret as a stacked bar: floor, learning cost and confounding cost, for the page and as one svg."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from leaderboard.tables import Span, format_number

PARTS = ("floor", "learning", "confounding")
NAMES = {"floor": "floor", "learning": "learning cost", "confounding": "confounding cost"}
WIDTH, PANEL, LABEL, BAR, ROW, HEAD = 900, 440, 190, 190, 22, 34

STYLE = """
svg{--paper:#fdfdfb;--ink:#1d2327;--soft:#5b656d;--floor:#878f96;--learning:#6fb3dc;--confounding:#c4500a}
@media(prefers-color-scheme:dark){svg{--paper:#15181b;--ink:#e6e8e6;--soft:#a3adb5;--floor:#737b83;
--learning:#4d94c4;--confounding:#f0894a}}
.paper{fill:var(--paper)}text{font:12px system-ui,sans-serif;fill:var(--ink)}
.title{font-size:14px;font-weight:600}.soft{fill:var(--soft)}.end{text-anchor:end}
.floor{fill:var(--floor)}.learning{fill:var(--learning)}.confounding{fill:var(--confounding)}
.gain{fill:none;stroke:var(--ink);stroke-dasharray:2 2}.range{stroke:var(--ink)}
"""


@dataclass(frozen=True)
class Segment:
    """One part of a bar, in percent of its width; a negative cost is an outline over the others."""

    part: str
    left: float
    width: float
    negative: bool = False


@dataclass(frozen=True)
class Stack:
    """A bar.

    Attributes:
        segments: Its parts, from left to right.
        low: Lower end of the regret's interval, in percent; NaN where there is none.
        high: Upper end.
    """

    segments: tuple[Segment, ...]
    low: float
    high: float

    @property
    def style(self) -> str:
        """Variables of the style sheet: ends of parts and interval, and what negative costs take back."""
        found = {}
        for number in range(1, len(PARTS) + 1):
            inside = [s for s in self.segments if s.part in PARTS[:number] and not s.negative]
            found[str(number)] = max((s.left + s.width for s in inside), default=0.0)
        if math.isfinite(self.low):
            found |= {"a": self.low, "b": self.high}
        back = [segment for segment in self.segments if segment.negative]
        if back:
            found |= {"g": min(s.left for s in back), "h": max(s.left + s.width for s in back)}
        return ";".join(f"--{name}:{value:.3g}%" for name, value in found.items())


def scale_of(rows: Sequence[Mapping[str, Any]]) -> float:
    """The regret at the right end of the bars of some rows: a coin toss, or more where a row needs it."""
    ends = [0.5]
    for row in rows:
        if isinstance(row.get("rho"), Span):
            ends += [x for x in (row["rho"].value, row["rho"].high) if math.isfinite(x)]
            ends.append(sum(max(_value(row.get(part)), 0.0) for part in PARTS))
    return min(max(ends), 1.0)


def make_stack(row: Mapping[str, Any], scale: float) -> Stack | None:
    """The bar of a row with spans ``rho``, ``floor``, ``learning``, ``confounding``; None without ``rho``."""
    rho = row.get("rho")
    if not isinstance(rho, Span) or not math.isfinite(rho.value):
        return None
    segments, end = [], 0.0
    for part in PARTS:
        value = _value(row.get(part))
        left, width = (end, value) if value >= 0 else (end + value, -value)
        if width > 0:
            segments.append(Segment(part, _percent(left, scale), _percent(width, scale), value < 0))
        end += value
    low, high = (_percent(x, scale) for x in (rho.low, rho.high)) if rho.is_known else (math.nan, math.nan)
    return Stack(tuple(segments), low, high)


def draw_panels(panels: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> str:
    """All boards in one drawing that brings its own colours, two panels beside each other.

    Args:
        panels: Title and rows of each board.
    """
    heights = [HEAD + ROW * max(len(rows), 1) + 16 for _, rows in panels]
    parts, top = [], 30.0
    for first in range(0, len(panels), 2):
        for column, (title, rows) in enumerate(panels[first : first + 2]):
            left = 10 + column * (WIDTH - PANEL - 10)
            parts.append(f'<g transform="translate({left:g} {top:g})">{_panel(title, rows)}</g>')
        top += max(heights[first : first + 2])
    legend, x = [], 10
    for part in PARTS:
        legend.append(f'<rect class="{part}" x="{x}" y="9" width="12" height="12"/>')
        legend.append(f'<text x="{x + 17}" y="19">{NAMES[part]}</text>')
        x += 45 + 7 * len(NAMES[part])
    legend.append(f'<text class="soft" x="{x}" y="19">regret: 0 is perfect, .5 a coin toss</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:g}" role="img" '
        f'aria-label="Regret of the best methods on each board"><style>{STYLE}</style>'
        f'<rect class="paper" width="{WIDTH}" height="{top:g}"/>{"".join(legend)}{"".join(parts)}</svg>\n'
    )


def _panel(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    parts = [f'<text class="title" x="0" y="20">{escape(title)}</text>']
    scale = scale_of(rows)
    for number, row in enumerate(rows):
        top = HEAD + ROW * number
        parts.append(
            f'<text class="end" x="{LABEL - 8}" y="{top + 13}">{escape(_cut(row["label"], 30))}</text>'
        )
        stack = make_stack(row, scale)
        if stack is None:
            continue
        for segment in stack.segments:
            x, width = LABEL + BAR * segment.left / 100, BAR * segment.width / 100
            style = "gain" if segment.negative else segment.part
            parts.append(f'<rect class="{style}" x="{x:.1f}" y="{top + 3}" width="{width:.1f}" height="13"/>')
        if math.isfinite(stack.low):
            x1, x2 = (LABEL + BAR * x / 100 for x in (stack.low, stack.high))
            parts.append(f'<path class="range" d="M{x1:.1f} {top + 9.5}H{x2:.1f}"/>')
        parts.append(f'<text x="{LABEL + BAR + 8}" y="{top + 13}">{_show(row["rho"])}</text>')
    return "".join(parts)


def _value(span: Any) -> float:
    return span.value if isinstance(span, Span) and math.isfinite(span.value) else 0.0


def _percent(value: float, scale: float) -> float:
    return round(100 * min(max(value / scale, 0.0), 1.0), 2)


def _show(span: Any) -> str:
    return format_number(span.value, 3) if isinstance(span, Span) else "–"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
