"""What more training changes: regret and value of each policy at several multiples of the suite's budget."""

from __future__ import annotations

import re

import pandas as pd

from leaderboard.producers.evidence import Evidence, span_of
from leaderboard.tables import Column, Table, make_table

BUDGET = re.compile(r"\bbudget=(\d+)")
COLUMNS = (
    Column("entrant", "Method"),
    Column("family", "Family"),
    Column("budget", "Budget", note="multiple of the suite's steps of training"),
    Column("rho", "Regret ρ", 3, bounds=(0.0, 1.0)),
    Column(
        "value", "Value, samples", 3, "value of the texts that the policy writes; 0: reference, 1: optimum"
    ),
    Column("kl", "KL, samples", 2, "the policy's KL to the reference, nats"),
    Column("cells", "Cells"),
)


def make_budget_curves(evidence: Evidence) -> list[Table]:
    """For each policy and family, its scores at every budget of its records, where there are several."""
    records = evidence.frame.records
    good = records[(records["status"] == "ok") & records["policy"]]
    good = good.assign(budget=[read_budget(name) for name in good["backbone"]])
    rows = []
    for (entrant, family), cells in good.groupby(["entrant", "family"], sort=True):
        if cells["budget"].nunique() < 2:
            continue
        for budget, part in cells.groupby("budget", sort=True):
            names = ("metric.rho", "metric.value_samples", "metric.samples_kl")
            spans = [_span(part, name) for name in names]
            rows.append((entrant, family, int(budget), *spans, len(part)))
    text = (
        "Steps of training are multiplied by the budget. What more training mends, the budget had cost; "
        "the row dpo-true-labels shows the part that no method can avoid."
    )
    return [make_table("budget-curve", "What the budget costs", COLUMNS, rows, text=text)] if rows else []


def read_budget(backbone: str) -> int:
    """The multiple of the suite's budget that a backbone's name states; 1 by default.

    Example:
        >>> read_budget("tiny[encoder=minilm,budget=4]"), read_budget("tiny")
        (4, 1)
    """
    found = BUDGET.search(backbone)
    return int(found.group(1)) if found else 1


def _span(part: pd.DataFrame, name: str) -> object:
    return span_of(part[name], part["family"], part["seed"]) if name in part else None
