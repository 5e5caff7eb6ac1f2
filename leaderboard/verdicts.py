"""Verdicts on published claims, computed from records.

A part of a claim holds if its whole interval is on the claimed side and fails if it is on the
other side. A claim is reproduced if every part holds and not reproduced if any part fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leaderboard.claims import CLAIMS, EVERY, Claim, Part
from leaderboard.frame import CELL, Frame
from leaderboard.producers.evidence import Evidence, span_of
from leaderboard.tables import Column, Span, Table, make_table

REPRODUCED, NOT_REPRODUCED, UNDETERMINED = "reproduced", "not reproduced", "undetermined"


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
    verdicts = []
    for claim in claims:
        findings = tuple(_judge(frame.records, part) for part in claim.parts)
        verdicts.append(Verdict(claim, combine(finding.verdict for finding in findings), findings))
    return tuple(verdicts)


def combine(verdicts: Iterable[str]) -> str:
    """One verdict from those of all parts: all must hold, one failure suffices."""
    found = set(verdicts)
    if NOT_REPRODUCED in found:
        return NOT_REPRODUCED
    return REPRODUCED if found == {REPRODUCED} else UNDETERMINED


def decide(span: Span | None, relation: str, threshold: float) -> str:
    """The verdict an interval supports."""
    if span is None or not span.is_known:
        return UNDETERMINED
    if relation == "equal":
        if -threshold < span.low and span.high < threshold:
            return REPRODUCED
        return NOT_REPRODUCED if span.low > threshold or span.high < -threshold else UNDETERMINED
    low, high, edge = span.low, span.high, threshold
    if relation == "less":
        low, high, edge = -span.high, -span.low, -threshold
    if low > edge:
        return REPRODUCED
    return NOT_REPRODUCED if high <= edge else UNDETERMINED


def _judge(records: pd.DataFrame, part: Part) -> Finding:
    """The part's finding; for a statement about every method, that of the method which decides it."""
    findings = [_judge_method(records, part, method) for method in _members(records, part)]
    for verdict in (NOT_REPRODUCED, UNDETERMINED, REPRODUCED):
        for finding in findings:
            if finding.verdict == verdict:
                return finding
    return Finding(part, UNDETERMINED, None, 0, part.method)


def _members(records: pd.DataFrame, part: Part) -> list[str]:
    if part.method not in EVERY:
        return [part.method]
    wanted = part.method == EVERY[0]
    inside = (records["role"] == "method") & (records["track"] == "log") & (records["submission"] == "")
    inside &= (
        (records["adjusts"] == wanted) & (records["family"] == part.family) & (records["status"] == "ok")
    )
    return sorted(set(records[inside]["method"]))


def _judge_method(records: pd.DataFrame, part: Part, method: str) -> Finding:
    low, high = part.strengths
    inside = (records["family"] == part.family) & (records["status"] == "ok") & (records["submission"] == "")
    inside &= records["strength"].isna() | records["strength"].between(low, high)
    cells = records[inside]
    rows = cells[cells["method"] == method]
    column = f"metric.{part.metric}"
    if not len(rows) or column not in rows:
        return Finding(part, UNDETERMINED, None, 0, method)
    rows = rows.assign(gap=rows[column].to_numpy() - _other(cells, rows, column, part.against))
    span = span_of(rows["gap"], rows["family"], rows["seed"])
    count = int(rows["gap"].notna().sum())
    return Finding(part, decide(span, part.relation, part.threshold), span, count, method)


def _other(cells: pd.DataFrame, rows: pd.DataFrame, column: str, against: str) -> Any:
    """What is subtracted in each row; NaN where the other side was not measured."""
    kind, _, name = against.partition(":")
    if kind == "value":
        return float(name)
    if kind == "metric":
        return rows.get(f"metric.{name}", pd.Series(float("nan"), index=rows.index)).to_numpy()
    other = cells[cells["method"] == against].drop_duplicates(CELL)
    joined = rows[CELL].merge(other[[*CELL, column]], on=CELL, how="left")
    return joined[column].to_numpy()


def make_verdicts(evidence: Evidence) -> list[Table]:
    """The table of claims; a claim about families that were not run is left out."""
    families = set(evidence.frame.records["family"])
    rows = []
    for verdict in judge_claims(evidence.frame):
        if not families & {part.family for part in verdict.claim.parts}:
            continue
        lead = (verdict.claim.name, verdict.claim.statement, verdict.claim.source, verdict.verdict)
        for finding in verdict.findings:
            who = finding.who if finding.who != finding.part.method else None
            rows.append((*lead, finding.part.statistic, finding.span, who, finding.cells, finding.verdict))
            lead = ("", "", "", "")
    if not rows:
        return []
    columns = (
        Column("claim", "Claim"),
        Column("statement", "Statement"),
        Column("source", "Source"),
        Column("verdict", "Verdict"),
        Column("statistic", "Part"),
        Column("found", "Found", 3),
        Column("decided_by", "Decided by", note="the method that decides a statement about every method"),
        Column("cells", "Cells"),
        Column("part_verdict", "Part verdict"),
    )
    text = (
        "A part holds when its whole 95 % interval (seeds are clusters) is on the claimed side, and fails "
        "when it is on the other side. A claim is reproduced when all its parts hold. We set a threshold "
        "where the source gives none."
    )
    return [make_table("claims", "Published claims", columns, rows, text=text)]
