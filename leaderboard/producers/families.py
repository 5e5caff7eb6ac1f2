"""Family by family: A/B equivalence where the log misleads, harm where it does not."""

from __future__ import annotations

import numpy as np

from leaderboard.comparison_group import HARMLESS, ComparisonGroup
from leaderboard.intervals import ratio_of
from leaderboard.producers.evidence import Evidence, emphasis_of, span_of_cells, span_of_ratio
from leaderboard.tables import Column, Table, make_table

EQUIVALENCE = (
    "0 is as good as the log taken at face value, 1 is as good as the experiment. “–” stands for a family "
    "that the method does not take. Intervals are 95 % Fieller sets. “any” and “≤ or ≥” mean that the ratio "
    "is not determined: naive and the ceiling are too close, or there are too few seeds."
)
HARM = (
    f"In these cells, such as those of randomised logs, a perfect reward model of the log has a regret below "
    f"{HARMLESS:g}. There is almost nothing to improve, so they do not enter the ranking. This table shows "
    "whether a method makes things worse. Each mean is over the cells that the method takes."
)


def make_families(evidence: Evidence) -> list[Table]:
    """A/B equivalence of every entrant in every family it can take."""
    tables = []
    for group in evidence.groups:
        part = group.where(group.confounded)
        families = sorted(set(part.cells["family"]))
        if not families:
            continue
        columns = [Column("entrant", "Method"), *(Column(f, f, 2) for f in families)]
        by_family = [_equivalences(part, family) for family in families]
        order = sorted(part.names, key=lambda n: (-_typical([f[n] for f in by_family]), n))
        tables.append(
            make_table(
                f"families{evidence.table_suffix(group)}",
                f"A/B equivalence by family{evidence.title_suffix(group)}",
                columns,
                [(name, *(found[name] for found in by_family)) for name in order],
                text=EQUIVALENCE,
                emphasis=tuple(emphasis_of(part.entrants.loc[name, "role"]) for name in order),
            )
        )
    return tables


def _equivalences(group: ComparisonGroup, family: str) -> dict:
    part = group.where((group.cells["family"] == family).to_numpy())
    able = part.only(part.is_rankable)
    found = dict.fromkeys(part.names)
    if not len(able.entrants) or not able.cells["ceiling"].notna().any():
        return found
    estimates = able.improvement_and_room()
    return found | {n: span_of_ratio(ratio_of(estimates, i, -1)) for i, n in enumerate(able.names)}


def _typical(spans: list) -> float:
    """Mean over families, for sorting alone."""
    values = [span.value for span in spans if span is not None and np.isfinite(span.value)]
    return float(np.mean(values)) if values else -np.inf


def make_harm(evidence: Evidence) -> list[Table]:
    """What methods cost where the log taken at face value is already right."""
    columns = (
        Column("entrant", "Method"),
        Column("harm", "Harm", 3, "ρ(method) − ρ(naive), averaged over cells; above 0 the method does harm"),
        Column("rho", "Regret ρ", 3),
        Column("cells", "Cells"),
        Column("imputed", "Imputed", note="number of cells that failed"),
    )
    tables = []
    for group in evidence.groups:
        part = group.where(group.harmless)
        if not len(part.cells):
            continue
        rows = []
        for index, name in enumerate(part.names):
            gap = part.filled[index] - part.cells["naive"].to_numpy()
            span = span_of_cells(part, gap)
            if span is None:
                continue
            rho = part.filled[index][np.isfinite(part.filled[index])]
            failed = int(part.imputed[index].sum())
            rows.append((name, span, round(float(rho.mean()), 6), len(rho), f"†{failed}" if failed else None))
        rows.sort(key=lambda row: (row[1].value, row[0]))
        tables.append(
            make_table(
                f"harm{evidence.table_suffix(group)}",
                f"Harm where there is nothing to correct{evidence.title_suffix(group)}",
                columns,
                rows,
                text=HARM,
                emphasis=tuple(emphasis_of(part.entrants.loc[row[0], "role"]) for row in rows),
            )
        )
    return tables
