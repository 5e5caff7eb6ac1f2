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

This page says what each method should do according to its source. The predictions were written
down before anything was fitted. `python tests/statistics/predictions_page.py` writes the page.

- `wins` and `fails` compare with the method in the column *against*. Where that column is empty, a
  method that wins prefers the better of two texts, and a method that fails prefers the worse one.
- `amplifies` and `damps` say that the method prefers a text more, or less, strongly than the other does.
- `no advantage` says that the method is not clearly better than the other one. Where there is no other one,
  it says that the method prefers neither text.

Every line is tested at the 1 % level on independent logs. `tests/statistics/test_standard_predictions.py`
uses two texts, or short texts with a marker. `tests/statistics/test_causal_predictions.py` uses a table of
eight texts, annotators, or a scenario.

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
