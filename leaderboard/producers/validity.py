"""Controls of the run itself: nothing may be learned where nothing can be known."""

from __future__ import annotations

import math

import numpy as np

from leaderboard.comparison_group import COIN, CONTROLS
from leaderboard.frame import CELL
from leaderboard.producers.evidence import Evidence
from leaderboard.tables import Column, Table, format_count, make_table

SIGNS = 100
ERRORS = 3.0
FEW = 20
# It is told the truth, so it may do better than a coin.
TRUE_LABELS = "dpo-true-labels"
EXACT = 1e-9


def make_controls(evidence: Evidence) -> list[Table]:
    """Regret on the impossible worlds, where the sign of every effect is a fair coin outside the log."""
    rows = [
        (name, round(mean, 6), round(limit, 6), count, verdict)
        for name, mean, limit, count, verdict in judge_controls(evidence)
    ]
    if not rows:
        return []
    columns = (
        Column("entrant", "Method"),
        Column("rho", "Mean regret ρ", 3),
        Column("limit", "Limit", 3, "one half minus three standard errors"),
        Column("signs", "Worlds"),
        Column("verdict", "Verdict"),
    )
    text = (
        "No method can do better than a coin toss in these worlds. With "
        f"{SIGNS} worlds or more, a mean below the limit is a leak."
    )
    return [make_table("controls", "Impossible worlds", columns, rows, text=text)]


def judge_controls(evidence: Evidence) -> list[tuple[str, float, float, int, str]]:
    """Name, mean regret, least credible mean, number of worlds and verdict of each entrant."""
    records = evidence.frame.records
    part = records[
        records["family"].isin(CONTROLS)
        & (records["status"] == "ok")
        & (records["role"] != "ceiling")
        & (records["entrant"] != TRUE_LABELS)
    ]
    found = []
    for name, rows in part.groupby("entrant", sort=True):
        scores = rows.groupby("seed")["metric.rho"].mean().dropna().to_numpy()
        if len(scores) < 2:
            continue
        limit = COIN - ERRORS * float(np.std(scores, ddof=1)) / math.sqrt(len(scores))
        mean = float(scores.mean())
        verdict = "LEAK" if mean < limit else "as it should be"
        if len(scores) < SIGNS:
            verdict = "too few worlds to judge" if mean >= limit else "suspicious; run more worlds"
        found.append((str(name), mean, limit, len(scores), verdict))
    return found


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
    leaks = [name for name, *_, verdict in judge_controls(evidence) if verdict == "LEAK"]
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
