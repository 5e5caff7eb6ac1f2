"""A causal graph as svg that takes its colours from the page and is readable on a telephone.

Nodes that have the same role and the same neighbours share one box. What a log does not record has a
dashed outline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, GAP, ROW_GAP, LINE, LETTER, PAD = 340.0, 10.0, 44.0, 14.0, 6.3, 8.0
LETTERS_A_LINE, BOXES_A_ROW, NAMED = 15, 3, 3
FIXED = ("text", "outcome")
HEAD = (
    '<marker id="{id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z" class="head"/></marker>'
)


@dataclass(frozen=True)
class Box:
    """A group of nodes and its place: centre, size and lines of words."""

    members: tuple[str, ...]
    kind: str
    recorded: bool
    lines: tuple[str, ...]
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        """Width of the box."""
        return max(map(len, self.lines)) * LETTER + 2 * PAD

    @property
    def height(self) -> float:
        """Height of the box."""
        return len(self.lines) * LINE + PAD


def draw_graph(graph: Mapping[str, Any], title: str) -> str:
    """The graph as an ``svg`` element.

    Args:
        graph: ``nodes`` and ``edges`` as ``leaderboard.catalogue.Catalogue`` describes them.
        title: Read out by screen readers; also makes ids unique on a page.
    """
    boxes, edges = _merge(graph)
    placed, height = _place(boxes, edges)
    identity = "arrow-" + "".join(c if c.isalnum() else "-" for c in title)
    parts = [f"<defs>{HEAD.format(id=identity)}</defs>"]
    for cause, effect in edges:
        x1, y1, x2, y2 = _clip(placed[cause], placed[effect])
        parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" marker-end="url(#{identity})"/>'
        )
    parts += [_draw_box(box) for box in placed]
    return (
        f'<svg class="graph" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )


def describe_graph(graph: Mapping[str, Any]) -> list[str]:
    """The arrows in words, one sentence a cause, for readers who cannot see the drawing."""
    boxes, edges = _merge(graph)
    names = [_name(box) for box in boxes]
    found = []
    for index, name in enumerate(names):
        effects = [names[effect] for cause, effect in edges if cause == index]
        if effects:
            hidden = "" if boxes[index].recorded else " (not recorded)"
            found.append(f"{name}{hidden} → {', '.join(effects)}")
    return found


def _merge(graph: Mapping[str, Any]) -> tuple[list[Box], list[tuple[int, int]]]:
    """Boxes of nodes that cannot be told apart by role and neighbours, and the arrows between boxes."""
    linked = {name for edge in graph["edges"] for name in edge}
    nodes = [node for node in graph["nodes"] if node["name"] in linked]
    colour: dict[str, Any] = {node["name"]: (node["kind"], node["role"]) for node in nodes}
    number = _number(colour)
    for _ in nodes:
        colour = {
            name: (
                number[name],
                tuple(sorted({number[a] for a, b in graph["edges"] if b == name})),
                tuple(sorted({number[b] for a, b in graph["edges"] if a == name})),
            )
            for name in number
        }
        finer = _number(colour)
        if len(set(finer.values())) == len(set(number.values())):
            break
        number = finer
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for node in nodes:
        groups.setdefault(number[node["name"]], []).append(node)
    unrecorded = {_plain(node["name"]) for node in nodes if not node["role"]}
    boxes = [_make_box(members, unrecorded) for members in groups.values()]
    index = {name: place for place, box in enumerate(boxes) for name in box.members}
    edges = dict.fromkeys((index[a], index[b]) for a, b in graph["edges"])
    return boxes, [edge for edge in edges if edge[0] != edge[1]]


def _number(colour: Mapping[str, Any]) -> dict[str, int]:
    seen: dict[Any, int] = {}
    return {name: seen.setdefault(key, len(seen)) for name, key in colour.items()}


def _make_box(members: Sequence[Mapping[str, Any]], unrecorded: set[str]) -> Box:
    """A box; the record of something that is not recorded itself is called so."""
    first = members[0]
    names = tuple(str(node["name"]) for node in members)
    words = [_plain(name) for name in names]
    if first["role"]:
        words = [f"{word} as recorded" if word in unrecorded else word for word in words]
    said = words if len(words) <= NAMED else [*words[: NAMED - 1], f"and {len(words) - NAMED + 1} more"]
    lines = [
        line for number, name in enumerate(said) for line in _wrap(name + "," * (number < len(said) - 1))
    ]
    return Box(names, str(first["kind"]), bool(first["role"]), tuple(lines))


def _plain(name: str) -> str:
    return name.rpartition(".")[2].replace("_", " ")


def _name(box: Box) -> str:
    return " ".join(box.lines)


def _wrap(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > LETTERS_A_LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _place(boxes: list[Box], edges: list[tuple[int, int]]) -> tuple[list[Box], float]:
    """Causes above text and outcome, what follows from them below; at most three boxes a row."""
    after = _reached(edges, [i for i, box in enumerate(boxes) if box.kind in FIXED])
    main = [i for i, box in enumerate(boxes) if box.kind in FIXED]
    rest = [i for i in range(len(boxes)) if i not in main]
    early = [i for i in rest if boxes[i].kind == "column" and i not in after]
    causes = [i for i in rest if boxes[i].kind == "factor"]
    features = [i for i in rest if boxes[i].kind == "feature"]
    late = [i for i in rest if i not in (*early, *causes, *features)]
    side = {i: float(FIXED.index(boxes[i].kind)) for i in main}
    order = [_rows(_sort(group, edges, side)) for group in (causes, features, late, early)]
    rows = [*order[3], *order[0], *order[1], sorted(main, key=side.__getitem__), *order[2]]
    placed, top = list(boxes), 6.0
    for row in rows:
        height = max(boxes[i].height for i in row)
        widths = [boxes[i].width for i in row]
        free = WIDTH - sum(widths)
        step = 0.0 if len(row) == 1 else min(free / len(row), 90.0 if row is main else free)
        left = (WIDTH - sum(widths) - step * (len(row) - 1)) / 2
        for i, width in zip(row, widths, strict=True):
            box = boxes[i]
            placed[i] = Box(
                box.members, box.kind, box.recorded, box.lines, left + width / 2, top + height / 2
            )
            left += width + step
        top += height + ROW_GAP
    return placed, top - ROW_GAP + 6.0


def _sort(group: list[int], edges: list[tuple[int, int]], side: dict[int, float]) -> list[int]:
    """From what belongs to the text, on the left, to what belongs to the outcome; notes each side."""
    for i in group:
        near = [side[b if a == i else a] for a, b in edges if i in (a, b) and (b if a == i else a) in side]
        side[i] = sum(near) / len(near) if near else 0.5
    return sorted(group, key=side.__getitem__)


def _rows(group: list[int]) -> list[list[int]]:
    count = -(-len(group) // BOXES_A_ROW)
    size = -(-len(group) // max(count, 1))
    return [group[k * size : (k + 1) * size] for k in range(count)]


def _reached(edges: list[tuple[int, int]], start: list[int]) -> set[int]:
    found, waiting = set(start), list(start)
    while waiting:
        here = waiting.pop()
        for cause, effect in edges:
            if cause == here and effect not in found:
                found.add(effect)
                waiting.append(effect)
    return found - set(start)


def _clip(start: Box, end: Box) -> tuple[float, float, float, float]:
    """The part of the line between two centres that lies outside both boxes."""
    dx, dy = end.x - start.x, end.y - start.y
    first, last = _share(start, dx, dy), 1 - _share(end, dx, dy)
    return start.x + first * dx, start.y + first * dy, start.x + last * dx, start.y + last * dy


def _share(box: Box, dx: float, dy: float) -> float:
    sides = [half / abs(d) for half, d in ((box.width / 2 + 1, dx), (box.height / 2 + 1, dy)) if d]
    return min([0.5, *sides])


def _draw_box(box: Box) -> str:
    name = f"{box.kind}{'' if box.recorded or box.kind == 'selected' else ' hidden'}"
    left, top = box.x - box.width / 2, box.y - box.height / 2
    words = "".join(
        f'<text x="{box.x:.1f}" y="{top + PAD / 2 + LINE * (k + 0.75):.1f}">{escape(line)}</text>'
        for k, line in enumerate(box.lines)
    )
    return (
        f'<g class="{escape(name)}"><rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="4"/>{words}</g>'
    )
