"""Tests: a submission's primary comparison under Holm, everything else exploratory."""

from __future__ import annotations

import numpy as np

from leaderboard.comparison_group import ComparisonGroup
from leaderboard.intervals import Estimate, estimate
from leaderboard.producers.evidence import Evidence, span_at
from leaderboard.ranks import adjust_p_values
from leaderboard.tables import Column, Table, make_table

COLUMNS = (
    Column("entrant", "Method"),
    Column("against", "Against"),
    Column("difference", "Difference in D", 3),
    Column("p", "p", 4, "two-sided p value with seeds as clusters", least=1e-4),
    Column(
        "adjusted",
        "Adjusted",
        4,
        "corrected for the number of tests: Holm bounds the chance of any false finding, BH "
        "(Benjamini-Hochberg) the expected share of false findings",
        least=1e-4,
    ),
    Column("procedure", "Procedure"),
    Column(
        "attempts",
        "Attempts",
        note="how many files were submitted under this name; the best of many looks better than it is",
    ),
)


def make_comparisons(evidence: Evidence) -> list[Table]:
    """One table for each comparison group."""
    tables = []
    for group in evidence.groups:
        full = group.where(group.confounded)
        part = full.only(full.is_rankable & (full.entrants["role"] == "method").to_numpy())
        if len(part.cells) and len(part.entrants) and group.is_ranked:
            tables.append(_table(evidence, group, part))
    return tables


def _table(evidence: Evidence, group: ComparisonGroup, part: ComparisonGroup) -> Table:
    names = part.names
    estimates = _with_naive(part)
    submitted = (part.entrants["submission"] != "").to_numpy()
    own = np.flatnonzero(~submitted)
    anchors = [(len(names), "naive")]
    if len(own):
        best = int(own[np.argmax(estimates.mean[own])])
        anchors.append((best, names[best]))
    primary = [(i, j, label) for i in np.flatnonzero(submitted) for j, label in anchors]
    exploratory = [(i, len(names), "naive") for i in own]
    rows = [
        *_rows(estimates, primary, names, "primary (Holm)", "holm"),
        *_rows(estimates, exploratory, names, "exploratory (BH)", "fdr_bh"),
    ]
    attempts = evidence.frame.attempts
    rows = [(*row, attempts.get(row[0].partition("@")[0])) for row in rows]
    text = (
        "For a submission the question is whether it is better than naive and than the best method of the "
        "repository. Holm's correction keeps the chance of any false yes below 5 %. All other rows are "
        "exploratory."
    )
    title = f"Comparisons{evidence.title_suffix(group)}"
    return make_table(f"comparisons{evidence.table_suffix(group)}", title, COLUMNS, rows, text=text)


def _with_naive(part: ComparisonGroup) -> Estimate:
    """Improvements with naive (exactly zero) as the last entrant."""
    gains = part.cells["naive"].to_numpy() - part.filled
    return estimate(np.vstack([gains, np.zeros(len(part.cells))]), part.clusters)


def _rows(estimates: Estimate, questions: list, names: list[str], procedure: str, method: str) -> list[tuple]:
    contrasts = [estimates.contrast(int(i), int(j)) for i, j, _ in questions]
    p = np.array([c.p_value()[0] for c in contrasts])
    adjusted = adjust_p_values(p, method)
    return [
        (names[i], label, span_at(c, 0), round(float(raw), 6), round(float(new), 6), procedure)
        for (i, _, label), c, raw, new in zip(questions, contrasts, p, adjusted, strict=True)
    ]
