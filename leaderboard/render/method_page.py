"""What the page of one method shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from leaderboard.render.curves import Line, draw_lines
from leaderboard.tables import Span

HALF = 0.5
SHOWN_SCENARIOS = 3
Rows = Sequence[Mapping[str, Any]]


def sort_families(rows: Rows) -> dict[str, list[str]]:
    """Families of a method by what its intervals say: ``most``, ``some``, ``worse`` and ``open``.

    ``most``: at least half of the confounding is surely removed. ``some``: some of it surely is.
    ``worse``: surely more is added. ``open``: none of these can be said.
    """
    found: dict[str, list[str]] = {"most": [], "some": [], "worse": [], "open": []}
    for row in rows:
        span = row["removed"]
        if row["status"] != "ok" or not isinstance(span, Span) or row["board"] == "controls":
            continue
        surely = "open" if span.outside or not span.is_known else _judge(span)
        found[surely].append(str(row["family"]))
    return found


def _judge(span: Span) -> str:
    if span.low >= HALF:
        return "most"
    if span.low > 0:
        return "some"
    return "worse" if span.high < 0 else "open"


def draw_curves(name: str, rows: Mapping[str, Rows]) -> list[tuple[str, str]]:
    """Family and chart of regret against strength, with naive and the ceiling beside the method.

    Args:
        name: The entrant.
        rows: Of the table ``curves``, of one backbone, by entrant.
    """
    own = {family: _track(found) for family, found in _families(rows.get(name, ())).items()}
    beside = {other: _families(rows.get(other, ())) for other in ("naive", "ceiling") if other != name}
    charts = []
    for family, found in sorted(own.items()):
        track = str(found[0]["track"])
        lines = [_line(name, "method", found)]
        for other, families in beside.items():
            lines.append(_line(other, other, _track(families.get(family, []), track)))
        drawn = [line for line in lines if line is not None]
        if drawn and drawn[0].name == name:
            title = f"Regret of {name} in {family}"
            charts.append((family, draw_lines(title, drawn, "confounding strength", "regret")))
    return charts


def _families(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row["family"]), []).append(row)
    return found


def _track(rows: Sequence[Mapping[str, Any]], track: str = "") -> list[Mapping[str, Any]]:
    """Rows of one track: that named, or the first; references are in every track."""
    wanted = track or (rows[0]["track"] if rows else "")
    return [row for row in rows if row["track"] == wanted]


def _line(entrant: str, style: str, rows: Rows) -> Line | None:
    points = [(float(row["strength"]), row["rho"]) for row in rows if isinstance(row["rho"], Span)]
    points.sort(key=lambda point: point[0])
    return Line(entrant, style, tuple(points)) if points else None


def draw_value(name: str, rows: Rows) -> str:
    """The chart of value against KL of one policy; empty where there are no points.

    Args:
        name: The entrant.
        rows: Its rows of the table ``value-kl``.
    """
    own = [row for row in rows if isinstance(row["value"], Span)]
    lines = []
    for style, label, sampled in (("method", "tilted reference", False), ("twin", "own samples", True)):
        points = sorted(
            ((float(row["kl"]), row["value"]) for row in own if bool(row["own"]) is sampled),
            key=lambda point: point[0],
        )
        if points:
            lines.append(Line(label, style, tuple(points)))
    return draw_lines(f"Value of {name}", lines, "KL from the reference (nats)", "value") if lines else ""


def read_favourites(rows: Rows) -> list[dict[str, Any]]:
    """Scenario, prompt and texts with their share of truly worse texts; what is malformed is left out.

    Args:
        rows: A method's rows of the table ``favourites``, of one backbone.
    """
    found = []
    for row in rows[:SHOWN_SCENARIOS]:
        try:
            content = json.loads(row["favourites"])
            texts = [(str(text), min(max(float(share), 0.0), 1.0)) for text, share in content["texts"]]
            prompt = str(content["prompt"])
        except (ValueError, TypeError, KeyError):
            continue
        found.append({"scenario": row["scenario"], "prompt": prompt, "texts": texts})
    return found
