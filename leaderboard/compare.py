"""Compares two stores for a CI job: did any method get worse by more than a margin?

Paired by cell, seeds as clusters. A method is *worse* when its regret rose by more than the
margin and Holm's procedure over methods says that it rose; it is *no worse* when the upper
95 % limit of the rise is below the margin (every method must pass, so no correction is due);
otherwise it is *unclear*, because there are too few seeds. A comparison of nothing never passes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from benchmark.contract.errors import (
    EXIT_INCOMPLETE,
    EXIT_OK,
    EXIT_REGRESSION,
    IncompleteError,
    UsageError,
)
from leaderboard.comparison_group import COIN
from leaderboard.frame import CELL, FAILED, Frame, read
from leaderboard.intervals import Clusters, Estimate, estimate
from leaderboard.power import count_needed_seeds
from leaderboard.ranks import adjust_p_values
from leaderboard.render.markdown import render_table
from leaderboard.render.plain import table_data
from leaderboard.tables import Column, Span, Table, format_count, make_span, make_table

MARGIN = 0.02
LOSS = 0.05
ALPHA = 0.05
WORSE, NO_WORSE, UNCLEAR, MISSING = "worse", "no worse", "unclear", "missing"
Measured = tuple[Estimate | None, int, int, int, Span | None]
KEY = ["entrant", "role", *CELL]


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        exit_code: 0 if every method is no worse; 1 if a method is worse; 3 if cells are missing,
            nothing was measured, or there are too few seeds to decide.
        markdown: A report.
        junit_xml: One test case a method.
        data: The same as plain data.
    """

    exit_code: int
    markdown: str
    junit_xml: str
    data: dict[str, Any]

    def write(self, folder: str | Path) -> None:
        """Write ``compare.md``, ``compare.xml`` and ``compare.json``."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / "compare.md").write_text(self.markdown, encoding="utf-8")
        (path / "compare.xml").write_text(self.junit_xml, encoding="utf-8")
        (path / "compare.json").write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Change:
    """How one method changed.

    Attributes:
        entrant: The method.
        verdict: One of the four verdicts.
        rise: Rise in regret with its interval, or None.
        p: Holm-adjusted one-sided p value of a rise, NaN where unknown.
        cells: Cells compared.
        lost: Cells of the base that the head lacks.
        failed: Cells that were ok in the base and failed in the head.
        time: Ratio of run times with its interval, or None.
        seeds: Seeds of the family that has the most.
        seeds_to_find: Seeds with which a loss of .05 would be found with 80 % power, or None if unknown.
        seeds_to_pass: Seeds with which no rise would be shown to lie below the margin with 80 % power.
    """

    entrant: str
    verdict: str
    rise: Span | None
    p: float
    cells: int
    lost: int
    failed: int
    time: Span | None
    seeds: int = 0
    seeds_to_find: int | None = None
    seeds_to_pass: int | None = None


def compare_stores(
    base: str | Path, head: str | Path, margin: float = MARGIN, suite: str | None = None
) -> Comparison:
    """Compare two stores.

    Args:
        base: Store before the change.
        head: Store after it.
        margin: Largest tolerated rise in mean regret, above 0.
        suite: Name of the suite, where a store holds several.

    Raises:
        UsageError: If a store does not exist, is malformed, or the margin is not positive.
    """
    if not 0 < margin < 1:
        raise UsageError("the margin must be a regret", expected="a number between 0 and 1", found=margin)
    before = read(base, suite)
    try:
        after = read(head, suite)
    except IncompleteError:
        return _report([], margin, "The head holds no records: nothing was measured.")
    return compare_frames(before, after, margin)


def compare_frames(before: Frame, after: Frame, margin: float = MARGIN) -> Comparison:
    """As ``compare_stores``, on frames."""
    if (before.suite, before.season) != (after.suite, after.season):
        found = f"{before.suite} {before.season} and {after.suite} {after.season}"
        raise UsageError("the stores hold different worlds", expected="one suite and season", found=found)
    joined = _join(_pair_by_name(before, "base"), _pair_by_name(after, "head"))
    names = sorted(set(joined["entrant"]))
    raw = [_measure(joined[joined["entrant"] == name]) for name in names]
    p = np.array([np.nan if e is None else e.p_value(side="greater")[0] for e, *_ in raw])
    changes = [
        _judge(name, measured, float(adjusted), margin, len(names))
        for name, measured, adjusted in zip(names, raw, adjust_p_values(p, "holm"), strict=True)
    ]
    return _report(changes, margin)


def _pair_by_name(frame: Frame, which: str) -> pd.DataFrame:
    """Records under the method's name alone, so that a file and its next version are compared."""
    records = frame.records
    twice = records[records.duplicated(["method", "role", *CELL], keep=False)]
    if len(twice):
        raise UsageError(
            f"the {which} holds several files named {twice.iloc[0]['method']!r}",
            expected="one version of each method in a store",
            found=", ".join(sorted(set(twice["entrant"]))),
            fix="run each version into a store of its own",
        )
    return records.assign(entrant=records["method"])


def _join(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Base cells that count, with what the head says of them."""
    facts = [*KEY, "family", "status", "metric.rho", "cell_naive_rho"]
    if "meter.wall_s" in before and "meter.wall_s" in after:
        facts.append("meter.wall_s")
    counted = before[(before["status"] == "ok") & before["metric.rho"].notna()]
    kept = [name for name in facts if name not in ("family", "cell_naive_rho")]
    return counted[facts].merge(after[kept], on=KEY, how="left", suffixes=("", ".head"))


def _measure(rows: pd.DataFrame) -> Measured:
    """Rise in regret, cells, lost cells, newly failed cells and run-time ratio of one method."""
    failed = rows["status.head"].isin(FAILED)
    new = rows["metric.rho.head"].where(rows["status.head"] == "ok")
    # A failure counts as on the board: a coin, the naive limit or the score before, whichever is worst.
    worst = np.fmax(rows["cell_naive_rho"].fillna(COIN), np.fmax(rows["metric.rho"], COIN))
    new = new.where(~failed, worst)
    seen = new.notna().to_numpy()
    lost = int((~seen).sum())
    if not seen.any():
        return None, 0, lost, 0, None
    part = rows[seen]
    clusters = Clusters.of(part["family"].to_numpy(), part["seed"].to_numpy())
    rise = estimate((new[seen] - part["metric.rho"]).to_numpy(), clusters)
    return rise, len(part), lost, int(failed.sum()), _time_ratio(part, clusters)


def _time_ratio(part: pd.DataFrame, clusters: Clusters) -> Span | None:
    """Geometric mean of head over base run time, with its interval."""
    if "meter.wall_s.head" not in part:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(part["meter.wall_s.head"].to_numpy() / part["meter.wall_s"].to_numpy())
    if not np.isfinite(logs).all():
        return None
    found = estimate(logs, clusters)
    low, high = found.interval()
    return make_span(np.exp(found.mean[0]), np.exp(low[0]), np.exp(high[0]), digits=4)


def _judge(name: str, measured: Measured, p: float, margin: float, tests: int) -> Change:
    rise, cells, lost, failed, time = measured
    if rise is None:
        return Change(name, MISSING, None, p, cells, lost, failed, time)
    low, high = rise.interval()
    span = make_span(rise.mean[0], low[0], high[0])
    _, limit = rise.interval(1 - 2 * ALPHA)
    if span.value > margin and p < ALPHA:
        verdict = WORSE
    elif lost:
        verdict = MISSING
    elif limit[0] < margin:
        verdict = NO_WORSE
    else:
        verdict = UNCLEAR
    return Change(
        *(name, verdict, span, p, cells, lost, failed, time),
        seeds=int(rise.clusters.sizes.max()),
        seeds_to_find=count_needed_seeds(rise, LOSS, ALPHA, tests),
        seeds_to_pass=count_needed_seeds(rise, margin, ALPHA),
    )


def _report(changes: list[Change], margin: float, reason: str = "") -> Comparison:
    verdicts = {change.verdict for change in changes}
    if not changes and not reason:
        reason = "The base holds no measured cell: nothing can be compared."
    if WORSE in verdicts:
        code = EXIT_REGRESSION
    elif not changes or verdicts & {MISSING, UNCLEAR}:
        code = EXIT_INCOMPLETE
    else:
        code = EXIT_OK
    summary = reason or _summary(changes, margin)
    table = _table(changes)
    markdown = f"## Comparison\n\n{summary}\n\n{render_table(table)}\n"
    data = {"exit_code": code, "margin": margin, "summary": summary, **table_data(table)}
    return Comparison(code, markdown, _junit(changes, summary), data)


def _summary(changes: list[Change], margin: float) -> str:
    counts = {v: sum(c.verdict == v for c in changes) for v in (WORSE, UNCLEAR, MISSING, NO_WORSE)}
    listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    advice = ""
    if counts[UNCLEAR]:
        needed = _most(c.seeds_to_pass for c in changes if c.verdict == UNCLEAR)
        seeds = f"about {needed} seeds" if needed else "at least two seeds"
        advice = f" Where it is unclear, run {seeds} of both sides or name a wider margin."
    if counts[MISSING]:
        advice += " Cells of the base are missing from the head."
    needed = _most(c.seeds_to_find for c in changes)
    if needed:
        advice += (
            f" To find a loss of {LOSS:g} with 80 % power in every method takes about {needed} seeds; there "
            f"are {max(c.seeds for c in changes)}."
        )
    return f"{format_count(len(changes), 'method')}, margin {margin:g} in mean regret: {listed}.{advice}"


def _most(counts: Iterable[int | None]) -> int:
    """The largest of the known counts, 0 if none is known."""
    return max((count for count in counts if count), default=0)


def _table(changes: list[Change]) -> Table:
    order = {WORSE: 0, MISSING: 1, UNCLEAR: 2, NO_WORSE: 3}
    rows = [
        (
            c.entrant,
            c.verdict,
            c.rise,
            None if np.isnan(c.p) else round(c.p, 6),
            c.cells,
            c.lost or None,
            c.failed or None,
            c.time,
            c.seeds_to_find,
        )
        for c in sorted(changes, key=lambda c: (order[c.verdict], c.entrant))
    ]
    columns = (
        Column("entrant", "Method"),
        Column("verdict", "Verdict"),
        Column("rise", "Rise in regret ρ", 4),
        Column("p", "p (Holm)", 4, least=1e-4),
        Column("cells", "Cells"),
        Column("lost", "Lost cells"),
        Column("failed", "Newly failed"),
        Column("time", "Run time ratio", 2),
        Column("seeds_needed", "Seeds needed", note="with which a loss of .05 is found with 80 % power"),
    )
    return make_table("compare", "Comparison", columns, rows)


def _junit(changes: list[Change], summary: str) -> str:
    """JUnit: worse is a failure; missing and unclear are errors, because nothing was shown."""
    bad = [c for c in changes if c.verdict in (MISSING, UNCLEAR)]
    suite = ElementTree.Element(
        "testsuite",
        name="confoundbench compare",
        tests=str(max(len(changes), 1)),
        failures=str(sum(c.verdict == WORSE for c in changes)),
        errors=str(len(bad) if changes else 1),
    )
    for change in changes:
        case = ElementTree.SubElement(suite, "testcase", classname="compare", name=change.entrant)
        message = f"{change.verdict}: rise {change.rise.value if change.rise else 'not measured'}"
        if change.verdict == WORSE:
            ElementTree.SubElement(case, "failure", message=message)
        elif change.verdict != NO_WORSE:
            ElementTree.SubElement(case, "error", message=message)
    if not changes:
        case = ElementTree.SubElement(suite, "testcase", classname="compare", name="anything measured")
        ElementTree.SubElement(case, "error", message=summary)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"
