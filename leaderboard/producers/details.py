"""Beside the ranking: recovered effects, what policies do, and how every cell ended."""

from __future__ import annotations

import pandas as pd

from benchmark.contract.records import STATUSES
from leaderboard.producers.evidence import Evidence, clip_span, emphasis_of, span_of
from leaderboard.tables import Column, Table, make_table

COSINE, SHARE, ABOVE = (-1.0, 1.0), (0.0, 1.0), (0.0, float("inf"))
EFFECTS = (
    Column("effect_cosine", "Cosine", 2, "cosine of estimated and true effects: 1 is best", bounds=COSINE),
    Column(
        "bias_cosine",
        "Bias cosine",
        2,
        "cosine of estimated effects with the confounding bias: 0 is best",
        bounds=COSINE,
    ),
    Column(
        "sign_accuracy",
        "Signs",
        2,
        "share of causal attributes whose effect has the right sign",
        bounds=SHARE,
    ),
    Column(
        "false_positive_rate",
        "False positives",
        2,
        "share of null attributes reported to have an effect",
        bounds=SHARE,
    ),
    Column(
        "effect_rmse",
        "RMSE",
        3,
        "root mean squared error on the outcome's scale, for methods that are calibrated",
        bounds=ABOVE,
    ),
    Column("coverage", "Coverage", 2, "share of 95 % effect intervals that hold the truth", bounds=SHARE),
    Column("width", "Width", 3, "mean width of those intervals", bounds=ABOVE),
    Column(
        "interval_score",
        "Interval score",
        2,
        "width plus 40 times what the intervals miss the truth by (Gneiting & Raftery 2007); lower is better",
        bounds=ABOVE,
    ),
)
POLICY = (
    Column(
        "value_kl_1",
        "Value at KL 1",
        3,
        "value of the reference texts reweighted by the reward to a KL of 1; 0: reference, 1: optimum",
    ),
    Column(
        "value_samples",
        "Value, samples",
        3,
        "value of the texts that the policy writes; it is not ranked, because policies differ in KL",
    ),
    Column("samples_kl", "KL, samples", 2, "the policy's own KL to the reference, nats"),
    Column("win_rate", "Win rate", 3, "share of its texts truly better than a reference text", bounds=SHARE),
    Column(
        "marker_rate",
        "Marker rate",
        3,
        "share of the policy's texts with the decoy that confounding flatters most",
        bounds=SHARE,
    ),
    Column(
        "reference_marker_rate", "Marker rate, reference", 3, "the same in the reference texts", bounds=SHARE
    ),
    Column("tilted_marker_rate", "Marker rate, tilted", 3, "the same after the reweighting", bounds=SHARE),
    Column(
        "off_grammar_rate",
        "Off grammar",
        3,
        "share of the policy's texts that the domain's grammar cannot write",
        bounds=SHARE,
    ),
    Column(
        "worst_group",
        "Regret ρ, worst group",
        3,
        "largest regret among the groups of the target population",
        bounds=SHARE,
    ),
)
PLACE = {"ceiling": 0, "naive": 1, "method": 2, "canary": 3}


def make_effects(evidence: Evidence) -> list[Table]:
    """Causal-effect recovery by family; the null family, which has no regret, is judged here."""
    return _long_table(
        evidence,
        "effects",
        "Causal-effect recovery by family",
        EFFECTS,
        by="family",
        text="Each number is a mean over the cells that ran, with a 95 % interval in which all cells of one "
        "seed and family form one cluster.",
    )


def make_policies(evidence: Evidence) -> list[Table]:
    """What following each method's reward would do to what is written."""
    return _long_table(
        evidence,
        "policies",
        "Policy value and what policies write",
        POLICY,
        by=None,
        text="Value is (V − V_reference) / (V_optimal − V_reference). A marker has no effect, so a "
        "method that writes it more often than the reference has amplified confounding. Each number is a "
        "mean over the cells that the method takes.",
    )


def _long_table(
    evidence: Evidence, name: str, title: str, metrics: tuple[Column, ...], by: str | None, text: str
) -> list[Table]:
    records = evidence.frame.records
    good = records[records["status"] == "ok"].assign(place=records["role"].map(PLACE))
    present = [c for c in metrics if f"metric.{c.name}" in good and good[f"metric.{c.name}"].notna().any()]
    if not present:
        return []
    keys = ["kind", "backbone", *([by] if by else []), "place", "role", "entrant"]
    rows, emphasis = [], []
    shown = [key for key in ("kind", "backbone") if good[key].nunique() > 1]
    for key, part in good.groupby(keys, sort=True):
        group = dict(zip(keys, key, strict=True))
        spans = [
            clip_span(span_of(part[f"metric.{c.name}"], part["family"], part["seed"]), c.bounds)
            for c in present
        ]
        if all(span is None for span in spans):
            continue
        lead = [group[k] for k in (*shown, *([by] if by else []))]
        rows.append((*lead, group["entrant"], *spans, len(part)))
        emphasis.append(emphasis_of(group["role"]))
    columns = [Column(key, key.capitalize()) for key in (*shown, *([by] if by else []))]
    columns += [Column("entrant", "Method"), *present, Column("cells", "Cells")]
    return [make_table(name, title, columns, rows, text=text, emphasis=tuple(emphasis))]


def make_statuses(evidence: Evidence) -> list[Table]:
    """How every cell ended, and why some were declined or failed."""
    records, absent = evidence.frame.records, evidence.frame.absent
    counts = pd.crosstab(records["entrant"], records["status"]).reindex(columns=STATUSES, fill_value=0)
    missing = absent.groupby("entrant").size() if len(absent) else pd.Series(dtype=int)
    columns = [
        Column("entrant", "Method"),
        *(Column(s, s) for s in STATUSES),
        Column("missing", "missing", note="planned, but without a record"),
    ]
    rows = [
        (str(name), *(int(x) or None for x in row), int(missing.get(name, 0)) or None)
        for name, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    tables = [make_table("statuses", "How every cell ended", columns, rows)]
    bad = records[records["status"] != "ok"]
    if len(bad):
        keys = ["status", "entrant", "family", "reason"]
        grouped = (
            bad.assign(reason=bad["reason"].fillna("").str.slice(0, 160)).groupby(keys, sort=True).size()
        )
        rows = [(*key, int(n)) for key, n in grouped.items()]
        titles = ("Status", "Method", "Family", "Reason", "Cells")
        columns = [Column(n, t) for n, t in zip((*keys, "cells"), titles, strict=True)]
        tables.append(make_table("reasons", "Declined and failed cells", columns, rows))
    return tables


def make_timings(evidence: Evidence) -> list[Table]:
    """Run time and memory; these differ between runs and are kept out of the ranked output."""
    records = evidence.frame.records
    good = records[records["status"] == "ok"]
    names = {"wall_s": "Seconds", "peak_mb": "Peak MB", "tokens": "Tokens", "flops": "FLOPs"}
    present = {k: v for k, v in names.items() if f"meter.{k}" in good and good[f"meter.{k}"].notna().any()}
    if not present:
        return []
    medians = good.groupby(["entrant", "device"])[[f"meter.{k}" for k in present]].median()
    columns = [Column("entrant", "Method"), Column("device", "Device")]
    columns += [Column(k, v, 2 if k == "wall_s" else 0, "median over cells") for k, v in present.items()]
    rows = [
        (*key, *(float(x) for x in row)) for key, row in zip(medians.index, medians.to_numpy(), strict=True)
    ]
    return [make_table("timings", "Median cost of a cell", columns, rows)]
