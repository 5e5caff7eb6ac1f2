"""Verdicts on published claims, computed from records.

A part of a claim holds if its whole interval is on the claimed side and fails if it is on the
other side. A claim is reproduced if every part holds and not reproduced if any part fails. That all
of several parts hold needs no correction (an intersection-union test, Berger 1982); that one of
them fails does, so the interval that decides on failure has level ``1 - .05 / number of parts``
(Bonferroni), methods counted one by one where a part is about every method.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from leaderboard.claims import CLAIMS, EVERY, Claim, Part
from leaderboard.claims.cells import choose_cells
from leaderboard.comparison_group import round_means
from leaderboard.frame import CELL, Frame
from leaderboard.intervals import LEVEL, Clusters, Estimate, estimate
from leaderboard.producers.evidence import Evidence, span_at
from leaderboard.tables import Column, Span, Table, make_span, make_table

REPRODUCED, NOT_REPRODUCED, UNDETERMINED = "reproduced", "not reproduced", "undetermined"
DIAGNOSTIC = "diagnostic."


@dataclass(frozen=True)
class Finding:
    """What the records say about one part.

    Attributes:
        part: The part.
        verdict: One of the three verdicts.
        span: The statistic that decided, or None where nothing was measured.
        cells: Cells it rests on.
        who: The method that decided.
    """

    part: Part
    verdict: str
    span: Span | None
    cells: int
    who: str


@dataclass(frozen=True)
class Verdict:
    """A claim with what was found."""

    claim: Claim
    verdict: str
    findings: tuple[Finding, ...]


def judge_claims(frame: Frame, claims: Iterable[Claim] = CLAIMS) -> tuple[Verdict, ...]:
    """Judge claims on some records.

    Args:
        frame: Checked records.
        claims: The claims; by default every published one.
    """
    records = frame.records[(frame.records["status"] == "ok") & (frame.records["submission"] == "")]
    verdicts = []
    for claim in claims:
        measured = [measure_part(records, part) for part in claim.parts]
        tests = max(1, sum(len(found) for found in measured))
        findings = tuple(
            _find_deciding(part, found, tests) for part, found in zip(claim.parts, measured, strict=True)
        )
        verdicts.append(Verdict(claim, combine(finding.verdict for finding in findings), findings))
    return tuple(verdicts)


def combine(verdicts: Iterable[str]) -> str:
    """One verdict from those of all parts: all must hold, one failure suffices."""
    found = set(verdicts)
    if NOT_REPRODUCED in found:
        return NOT_REPRODUCED
    return REPRODUCED if found == {REPRODUCED} else UNDETERMINED


def decide(span: Span | None, part: Part, wide: Span | None = None) -> str:
    """The verdict that an interval supports.

    Args:
        span: The statistic with its interval of level .95, which decides whether the part holds.
        part: The statement.
        wide: The same with the interval that decides whether the part fails; by default ``span``.
    """
    if span is None or not span.is_known:
        return UNDETERMINED
    wide = wide or span
    low, high = -math.inf, math.inf
    if part.relation == "equal":
        low, high = part.target - part.threshold, part.target + part.threshold
    elif part.relation == "greater":
        low = part.threshold
    else:
        high = part.threshold
    if low < span.low and span.high < high:
        return REPRODUCED
    return NOT_REPRODUCED if wide.high <= low or wide.low >= high else UNDETERMINED


def measure_part(records: pd.DataFrame, part: Part) -> dict[str, Estimate | None]:
    """The part's statistic for each method that it is about; None where nothing was measured.

    Args:
        records: Rows that are ok, one a cell.
        part: The statement.
    """
    cells = choose_cells(records, part.family, part.where)
    return {method: _estimate(records, cells, part, method) for method in _members(cells, part)}


def _find_deciding(part: Part, measured: dict[str, Estimate | None], tests: int) -> Finding:
    """The part's finding; for a statement about every method, that of the method which decides it."""
    findings = [_find(part, method, found, tests) for method, found in measured.items()]
    for verdict in (NOT_REPRODUCED, UNDETERMINED, REPRODUCED):
        for finding in findings:
            if finding.verdict == verdict:
                return finding
    return Finding(part, UNDETERMINED, None, 0, part.method)


def _find(part: Part, method: str, found: Estimate | None, tests: int) -> Finding:
    if found is None:
        return Finding(part, UNDETERMINED, None, 0, method)
    low, high = found.interval(1 - (1 - LEVEL) / tests)
    span, wide = span_at(found, 0), make_span(found.mean[0], low[0], high[0])
    return Finding(part, decide(span, part, wide), span, len(found.clusters.of_cell), method)


def _members(cells: pd.DataFrame, part: Part) -> list[str]:
    if part.method not in EVERY:
        return [part.method]
    inside = (cells["role"] == "method") & (cells["track"] == "log")
    inside &= cells["adjusts"] == (part.method == EVERY[0])
    return sorted(set(cells[inside]["method"]))


def _estimate(records: pd.DataFrame, cells: pd.DataFrame, part: Part, method: str) -> Estimate | None:
    """The statistic of one method over cells, or over seeds where other cells are subtracted."""
    gaps = _list_gaps(cells, part, method)
    if part.minus is not None:
        others = _list_gaps(choose_cells(records, part.family, part.minus), part, method)
        gaps = (gaps.groupby("seed")["gap"].mean() - others.groupby("seed")["gap"].mean()).reset_index()
    gaps = gaps[np.isfinite(gaps["gap"].astype(float))]
    if not len(gaps):
        return None
    clusters = Clusters.of(np.full(len(gaps), part.family), gaps["seed"].to_numpy())
    return round_means(estimate(gaps["gap"].to_numpy(dtype=float), clusters))


def _list_gaps(cells: pd.DataFrame, part: Part, method: str) -> pd.DataFrame:
    """What each cell says of a part: columns ``seed`` and ``gap``, NaN where a side was not measured."""
    rows = cells[cells["method"] == method]
    mine, other = _read(rows, part.metric), _read_other(cells, rows, part)
    if part.truth:
        true = _read(rows, part.truth)
        mine, other = (mine - true) ** 2, (other - true) ** 2
    return pd.DataFrame({"seed": rows["seed"].to_numpy(), "gap": mine - part.times * other})


def _read_other(cells: pd.DataFrame, rows: pd.DataFrame, part: Part) -> np.ndarray:
    """The other side in each row."""
    kind, _, name = part.against.partition(":")
    if kind == "value":
        return np.full(len(rows), float(name))
    if kind == "metric":
        return _read(rows, name)
    other = cells[cells["method"] == part.against].drop_duplicates(CELL)
    other = other[CELL].assign(value=_read(other, part.metric))
    return rows[CELL].merge(other, on=CELL, how="left")["value"].to_numpy(dtype=float)


def _read(rows: pd.DataFrame, name: str) -> np.ndarray:
    """A metric, or a number that methods report, in each row; NaN where there is none."""
    column = name if name.startswith(DIAGNOSTIC) else f"metric.{name}"
    return rows[column].to_numpy(dtype=float) if column in rows else np.full(len(rows), np.nan)


def make_verdicts(evidence: Evidence) -> list[Table]:
    """The table of claims; a claim of which no part was measured is left out."""
    judged = [v for v in judge_claims(evidence.frame) if any(finding.cells for finding in v.findings)]
    rows = []
    for verdict in judged:
        claim = verdict.claim
        lead = (claim.name, claim.statement, claim.source, claim.words, claim.stand_in, verdict.verdict)
        for finding in verdict.findings:
            who = finding.who if finding.who != finding.part.method else None
            rows.append((*lead, finding.part.statistic, finding.span, who, finding.cells, finding.verdict))
            lead = ("",) * 6
    if not rows:
        return []
    columns = (
        Column("claim", "Claim"),
        Column("statement", "Statement"),
        Column("source", "Source"),
        Column("words", "Source's words", note="a short quotation or cells of its table"),
        Column(
            "stand_in", "Stand-in", note="what is used in place of the source's estimator, metric or data"
        ),
        Column("verdict", "Verdict"),
        Column("statistic", "Part"),
        Column("found", "Found", 3),
        Column("decided_by", "Decided by", note="the method that decides a statement about every method"),
        Column("cells", "Cells"),
        Column("part_verdict", "Part verdict"),
    )
    counts = Counter(verdict.verdict for verdict in judged)
    count = ", ".join(f"{counts[name]} {name}" for name in (REPRODUCED, NOT_REPRODUCED, UNDETERMINED))
    text = (
        f"{len(judged)} claims: {count}. A part holds when its whole 95 % interval (seeds are clusters) is "
        "on the claimed side, and fails when a wider one, corrected for the number of parts, is on the "
        "other side. A claim is reproduced when all its parts hold. We set a threshold where the source "
        "gives none. Where a name ends in stand-in, another estimator, metric or kind of data is used here."
    )
    return [make_table("claims", "Published claims", columns, rows, text=text)]
