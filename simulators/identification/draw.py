"""Draws a causal graph: what is recorded has a solid outline, what is not a dashed one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import StringIO

from simulators.identification.graph import OUTCOME, PROMPT, SELECTED, TEXT, CausalGraph

FIXED = {TEXT: (0.0, 0.0), OUTCOME: (4.0, 0.0), PROMPT: (2.0, -1.3), SELECTED: (5.6, -1.3)}
COLOURS = {"text": "#0072b2", "outcome": "#d55e00"}


def draw_graph(graph: CausalGraph, title: str = "") -> str:
    """The graph as an SVG document; nodes that are alike but for their number are drawn once.

    Args:
        graph: What to draw.
        title: Written above it, and read out by screen readers.

    Returns:
        The document's text, the same for the same graph.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch

    edges, drawn = _merge_alike(graph)
    places = _place(graph, drawn, edges)
    figure = Figure(figsize=(7.2, 4.2), dpi=72)
    axes = figure.add_axes((0.0, 0.0, 1.0, 0.92))
    boxes = {}
    for name, members in drawn.items():
        node = graph.nodes[members[0]]
        colour = COLOURS.get(node.kind, "#333333")
        style = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": colour, "linewidth": 1.4}
        style["linestyle"] = "-" if node.columns or node.kind == "selected" else "--"
        words = name.replace("_", " ").replace(".", ":\n")
        boxes[name] = axes.text(
            *places[name], words, ha="center", va="center", fontsize=8.5, color=colour, bbox=style, zorder=3
        )
    xs, ys = zip(*places.values(), strict=True)
    axes.set_xlim(min(xs) - 1.1, max(xs) + 1.1)
    axes.set_ylim(min(ys) - 0.6, max(ys) + 0.6)
    axes.set_axis_off()
    FigureCanvasAgg(figure).draw()  # arrows end at outlines, which exist once they are drawn
    for cause, effect in edges:
        bend = 0.0 if places[cause][1] != places[effect][1] or {cause, effect} == {TEXT, OUTCOME} else 0.25
        axes.add_patch(
            FancyArrowPatch(
                places[cause],
                places[effect],
                arrowstyle="-|>",
                mutation_scale=11,
                color="#666666",
                linewidth=1.0,
                patchA=boxes[cause].get_bbox_patch(),
                patchB=boxes[effect].get_bbox_patch(),
                shrinkA=1,
                shrinkB=3,
                connectionstyle=f"arc3,rad={bend}",
                zorder=1,
            )
        )
    figure.suptitle(title, fontsize=10, y=0.985)
    written = StringIO()
    with matplotlib.rc_context({"svg.hashsalt": title or "graph", "svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(written, metadata={"Date": None, "Title": title})
    return written.getvalue()


def _merge_alike(graph: CausalGraph) -> tuple[list[tuple[str, str]], dict[str, list[str]]]:
    """Edges and nodes with ``name_1 .. name_m`` of equal neighbours made one node."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, node in graph.nodes.items():
        stem = re.sub(r"_\d+$", "", name)
        linked = tuple(sorted(_neighbours(graph.edges, name)))
        told = tuple(re.sub(r"_\d+$", "", column) for column in node.columns)
        if node.kind == "column" and not graph.parents(name):
            continue
        groups.setdefault((stem, node.kind, told, linked) if stem != name else (name,), []).append(name)
    drawn = {}
    for members in groups.values():
        stem = re.sub(r"_\d+$", "", members[0])
        drawn[members[0] if len(members) == 1 else f"{stem} 1 to {len(members)}"] = members
    name_of = {member: name for name, members in drawn.items() for member in members}
    edges = [(name_of[a], name_of[b]) for a, b in graph.edges if a in name_of and b in name_of]
    return list(dict.fromkeys(edges)), drawn


def _neighbours(edges: Iterable[tuple[str, str]], name: str) -> list[str]:
    return [f"<{a}" for a, b in edges if b == name] + [f">{b}" for a, b in edges if a == name]


def _place(
    graph: CausalGraph, drawn: dict[str, list[str]], edges: list[tuple[str, str]]
) -> dict[str, tuple[float, float]]:
    """Text left, outcome right, factors above them, what is measured of factors at the top."""
    linked = {name for edge in edges for name in edge}
    kinds = {name: graph.nodes[members[0]].kind for name, members in drawn.items()}
    before = [n for n in drawn if kinds[n] == "factor" and n in linked]
    idle = [n for n in drawn if kinds[n] == "factor" and n not in linked]
    features = [n for n in drawn if kinds[n] == "feature"]
    columns = [n for n in drawn if kinds[n] == "column"]
    late = [n for n in columns if any(a in (TEXT, OUTCOME, SELECTED) for a, b in edges if b == n)]
    early = [n for n in columns if n not in late]
    places = {name: FIXED[name] for name in drawn if name in FIXED}
    rows = ((before, 1.7, 0.0), (features, 0.8, 0.7), (early, 2.8, 0.5), (late, -2.2, 0.0), (idle, -3.0, 0.0))
    for row, height, aside in rows:
        places |= {name: (_spread(i, len(row)) + aside, height) for i, name in enumerate(row)}
    return places


def _spread(index: int, count: int) -> float:
    width = max(4.0, 1.15 * (count - 1))
    return 2.0 if count == 1 else 2.0 - width / 2 + width * index / (count - 1)
