"""Writes ``docs/predictions.md``: every row's prediction, from the data that the tests check.

Run ``python tests/statistics/predictions_page.py`` after a prediction is added or changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import causal_predictions
import standard_predictions

PAGE = Path(__file__).resolve().parents[2] / "docs" / "predictions.md"
LIMIT = {"marker": "marker, tiny"}
HEADING = """# Predictions

What each method should do, and who says so, before anything is fitted. `wins` and `fails` are against the
method named beside it, or in absolute terms (prefers the better text, the worse text) where none is;
`amplifies` and `damps` compare how far a method leans with how far the other does; `no advantage` means that
it does not remove what it might (`tests/statistics/` says by how much). Every line is tested at 1 % over
independent logs, by `test_standard_predictions.py` (two texts, or tiny texts with a marker) and
`test_causal_predictions.py` (a table of eight texts, annotators, or a scenario of the suite).

| method | prediction | against | where | source |
|---|---|---|---|---|
"""


@dataclass(frozen=True, order=True)
class Line:
    """A prediction as the page shows it."""

    method: str
    claim: str
    against: str
    where: str
    source: str


def list_lines() -> list[Line]:
    """Every row's one prediction, by method."""
    standard = [
        Line(p.method, p.claim, p.base, LIMIT.get(p.scenario, f"{p.scenario}, two texts"), p.source)
        for p in standard_predictions.PREDICTIONS
    ]
    causal = [Line(p.method, p.claim, p.against, p.place, p.source) for p in causal_predictions.PREDICTIONS]
    return sorted([*standard, *causal])


def write_page() -> str:
    """The page's text."""
    rows = []
    for line in list_lines():
        against = f"`{line.against}`" if line.against else ""
        rows.append(f"| `{line.method}` | {line.claim} | {against} | {line.where} | {line.source} |")
    return HEADING + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
