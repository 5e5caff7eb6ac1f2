"""The value of policies against their distance from the reference."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.contract.records import VALUE_CURVE
from leaderboard.producers.evidence import Evidence, span_of
from leaderboard.tables import Column, Table, make_table

COLUMNS = (
    Column("entrant", "Method"),
    Column("backbone", "Backbone"),
    Column("kl", "KL", 2, "mean KL to the reference, nats"),
    Column("value", "Value", 3, "0: the reference, 1: the optimum"),
    Column(
        "own", "Own samples", note="texts that the policy writes, at its own KL; else the tilted reference"
    ),
    Column("cells", "Cells"),
)


def make_value_curves(evidence: Evidence) -> list[Table]:
    """For each method and backbone the value at each KL of the curve, and that of its own samples."""
    records = evidence.frame.records
    good = records[records["status"] == "ok"]
    rows = []
    for (entrant, backbone), cells in good.groupby(["entrant", "backbone"], sort=True):
        parts = [(kl, f"metric.{name}", cells, False) for name, kl in VALUE_CURVE.items()]
        written = cells[cells.get("metric.samples_kl", pd.Series(np.nan, cells.index)).notna()]
        if len(written):
            reached = round(float(written["metric.samples_kl"].mean()), 6)
            parts.append((reached, "metric.value_samples", written, True))
        for kl, column, part, own in parts:
            span = span_of(part[column], part["family"], part["seed"]) if column in part else None
            if span is not None:
                rows.append((entrant, backbone, kl, span, own, int(part[column].notna().sum())))
    text = (
        "The reference is tilted by a method's reward until its mean KL is so many nats. Where the reward is "
        "right the value rises with the KL; where it is wrong, optimising harder loses what was gained."
    )
    return [make_table("value-kl", "Value against KL", COLUMNS, rows, text=text)] if rows else []
