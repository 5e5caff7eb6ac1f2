"""Controls of the run itself: nothing may be learned where nothing can be known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from leaderboard.comparison_group import COIN, CONTROLS
from leaderboard.frame import CELL, FAILED
from leaderboard.producers.evidence import Evidence
from leaderboard.tables import Column, Table, format_count, make_table

SIGNS = 100
ERRORS = 3.0
FEW = 20
# It is told the truth, so it may do better than a coin.
TRUE_LABELS = "dpo-true-labels"
EXACT = 1e-9
MOST_FAILED = 0.1
LEAK, UNPROVEN = "LEAK", "UNPROVEN"


@dataclass(frozen=True)
class Control:
    """What an entrant did in the impossible worlds.

    Attributes:
        entrant: The entrant.
        mean: Mean regret where it answered, NaN where it never did.
        limit: Least credible mean.
        worlds: Worlds in which it answered.
        failed: Cells in which it failed.
        declined: Cells that its tags decline.
        verdict: ``LEAK``, ``UNPROVEN``, or words for people.
    """

    entrant: str
    mean: float
    limit: float
    worlds: int
    failed: int
    declined: int
    verdict: str


def make_controls(evidence: Evidence) -> list[Table]:
    """Regret on the impossible worlds, where the sign of every effect is a fair coin outside the log."""
    rows = [
        (c.entrant, round(c.mean, 6), round(c.limit, 6), c.worlds, c.failed, c.declined, c.verdict)
        for c in judge_controls(evidence)
    ]
    if not rows:
        return []
    columns = (
        Column("entrant", "Method"),
        Column("rho", "Mean regret ρ", 3),
        Column("limit", "Limit", 3, "one half minus three standard errors"),
        Column("signs", "Worlds"),
        Column("failed", "Failed", note="cells without an answer, which could hide a leak"),
        Column("declined", "Declined", note="cells whose log lacks what the method needs"),
        Column("verdict", "Verdict"),
    )
    text = (
        "No method can do better than a coin toss in these worlds. With "
        f"{SIGNS} worlds or more, a mean below the limit is a leak. Whoever fails in more than "
        f"{MOST_FAILED:.0%} of the cells has not shown that there is none."
    )
    return [make_table("controls", "Impossible worlds", columns, rows, text=text)]


def judge_controls(evidence: Evidence) -> list[Control]:
    """What each entrant did in the impossible worlds; every one of its rows counts, however it ended."""
    records = evidence.frame.records
    told = (records["role"] == "ceiling") | (records["entrant"] == TRUE_LABELS)
    part = records[records["family"].isin(CONTROLS) & ~told]
    return [_judge_control(str(name), rows) for name, rows in part.groupby("entrant", sort=True)]


def _judge_control(name: str, rows: pd.DataFrame) -> Control:
    answered = rows[(rows["status"] == "ok") & rows["metric.rho"].notna()]
    declined = int((rows["status"] == "incompatible").sum())
    failed = int(rows["status"].isin(FAILED).sum())
    scores = answered.groupby("seed")["metric.rho"].mean().to_numpy()
    mean = float(scores.mean()) if len(scores) else math.nan
    error = float(np.std(scores, ddof=1)) / math.sqrt(len(scores)) if len(scores) > 1 else math.nan
    limit = COIN - ERRORS * error
    if declined == len(rows):
        verdict = "its tags decline these worlds"
    elif failed > MOST_FAILED * (len(rows) - declined):
        verdict = UNPROVEN
    elif len(scores) < 2:
        verdict = "too few worlds to judge"
    elif len(scores) < SIGNS:
        verdict = "too few worlds to judge" if mean >= limit else "suspicious; run more worlds"
    else:
        verdict = LEAK if mean < limit else "as it should be"
    return Control(name, mean, limit, len(scores), failed, declined, verdict)


def find_problems(evidence: Evidence) -> tuple[str, ...]:
    """Everything that makes the board incomplete or invalid, as sentences."""
    frame, problems = evidence.frame, []
    if len(frame.absent):
        named = frame.absent.groupby(["entrant", "scenario"]).size()
        listed = "; ".join(f"{e} on {s} ({n})" for (e, s), n in named.head(FEW).items())
        more = f" and {len(named) - FEW} more" if len(named) > FEW else ""
        verb = "is" if len(frame.absent) == 1 else "are"
        problems.append(f"{format_count(len(frame.absent), 'cell')} {verb} missing: {listed}{more}.")
    if len(frame.infrastructure):
        named = frame.infrastructure.groupby("entrant").size()
        listed = ", ".join(f"{e} ({n})" for e, n in named.items())
        count = format_count(len(frame.infrastructure), "cell")
        problems.append(f"The machine failed {count}, for which no score is imputed: {listed}.")
    for group in evidence.groups:
        known = group.cells["cell_naive_rho"].notna()
        for role in ("naive", "ceiling"):
            lost = int((group.cells[role].isna() & known).sum())
            if lost:
                problems.append(f"{lost} {group.kind} cells have no {role} score ({group.backbone}).")
    problems += _broken_canaries(evidence)
    controls = judge_controls(evidence)
    leaks = [control.entrant for control in controls if control.verdict == LEAK]
    submitted = set(frame.records.loc[frame.records["submission"] != "", "entrant"])
    hidden = [c.entrant for c in controls if c.verdict == UNPROVEN and c.entrant in submitted]
    if hidden:
        problems.append(
            "INVALID: these submissions fail in impossible worlds, so that a leak cannot be ruled out: "
            f"{', '.join(hidden)}."
        )
    if leaks:
        problems.append(
            f"INVALID: these methods do better than a coin on impossible worlds: {', '.join(leaks)}."
        )
    return tuple(dict.fromkeys(problems))


def _broken_canaries(evidence: Evidence) -> list[str]:
    """A copy of naive must tie with it exactly; a constant must score a coin exactly."""
    problems = []
    records = evidence.frame.records
    canaries = records[(records["role"] == "canary") & (records["status"] == "ok")]
    keys = ["kind", *CELL]
    naive = records[(records["role"] == "naive") & (records["status"] == "ok")][[*keys, "metric.rho"]]
    for name, rows in canaries.groupby("entrant", sort=True):
        scores = rows[rows["metric.rho"].notna()]
        if "copy-naive" in str(name):
            scores = scores.merge(naive, on=keys, suffixes=("", ".naive"))
            wrong = (scores["metric.rho"] - scores["metric.rho.naive"]).abs() > EXACT
        elif "constant" in str(name):
            wrong = (scores["metric.rho"] - COIN).abs() > EXACT
        else:
            continue
        if wrong.any():
            count = format_count(int(wrong.sum()), "cell")
            problems.append(f"INVALID: the control {name} lacks its known score in {count}.")
    return problems
