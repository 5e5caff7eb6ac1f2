"""Compares the values of two published boards, whatever their names and their wording.

``python tests/statistics/published_tables.py BEFORE_SITE AFTER_SITE`` prints every difference and exits
with 1 where there is one. Rows are matched by content, because ties are sorted by name. The two folders
are forms of ``leaderboard/site``; an older one comes from ``git archive COMMIT leaderboard/site``.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from pathlib import Path

METHODS = {
    "dpo-p1": "dpo-raw",
    "dpo-p2": "dpo-matched",
    "dpo-p3": "dpo-residual",
}
CLAIMS = {
    "A-C1": "confounded-log-beats-no-outcomes",
    "A-C2": "raw-dpo-amplifies-the-marker",
    "A-C3": "residuals-equal-joint-regression",
    "A-C4": "instrument-beats-naive",
    "A-C5": "residual-pairs-leave-the-marker",
    "A-C7": "marginal-residuals-beat-naive",
    "A-C8": "residuals-need-a-recorded-confounder",
    "hidden": "hidden-confounding-stays",
    "no-loss": "no-loss-adjusts-by-itself",
    "inherit": "raw-dpo-inherits-the-bias",
    "null": "naive-finds-effects-where-none-are",
    "B-C1": "known-propensities-remove-the-bias",
    "B-C2": "doubly-robust-removes-the-bias",
    "B-C5": "doubly-robust-cpo-matches-cpo",
    "B-C7": "adjusted-outcome-model-restores-oo-rlhf",
    "C-2": "adversarial-beats-multi-head-beats-base",
    "C-6": "representations-fail-when-hidden",
    "D-3": "causal-prompts-beat-correlated-ones",
    "E-1": "causal-dpo-beats-dpo",
    "E-2": "released-causal-dpo-equals-dpo",
    "E-4": "causal-dpo-fails-when-hidden",
}
COLUMNS = {"group": "letters"}
PHRASES = {"strength 1 to inf": "strength 1 or more"}
# Columns that hold sentences.
WORDING = ("statement", "source", "reason")

Rows = list[dict[str, str]]


def compare_sites(before: Path, after: Path) -> list[str]:
    """Every difference between two sites, as sentences; empty where all values are the same."""
    old, new = _read_tables(before), _read_tables(after)
    found = [f"{name}: only in {before}" for name in sorted(old.keys() - new.keys())]
    found += [f"{name}: only in {after}" for name in sorted(new.keys() - old.keys())]
    for name in sorted(old.keys() & new.keys()):
        found += _compare_rows(name, old[name], new[name])
    first, second = _numbers_in_text(before), _numbers_in_text(after)
    for name in sorted(first.keys() | second.keys()):
        if first.get(name) != second.get(name):
            found.append(f"{name}: text says {first.get(name)} before and {second.get(name)} after")
    return found


def _read_tables(site: Path) -> dict[str, Rows]:
    """Every csv of a site under the new names, without columns of sentences."""
    files = sorted([*site.glob("tables/*.csv"), *site.glob("timings/*.csv")])
    return {path.relative_to(site).as_posix(): _read_rows(path) for path in files}


def _read_rows(path: Path) -> Rows:
    rows, claim = [], ""
    with path.open(encoding="utf-8", newline="") as file:
        for raw in csv.DictReader(file):
            row = {
                COLUMNS.get(column, column): _rename(value)
                for column, value in raw.items()
                if column not in WORDING
            }
            if "claim" in row:
                # The parts of a claim follow its first row, which alone names it.
                claim = row["claim"] = CLAIMS.get(row["claim"], row["claim"]) or claim
            rows.append(row)
    return rows


def _rename(text: str) -> str:
    for old, new in PHRASES.items():
        text = text.replace(old, new)
    return re.sub(r"[\w-]+", lambda word: METHODS.get(word[0], word[0]), text)


def _compare_rows(name: str, before: Rows, after: Rows) -> list[str]:
    old, new = ([tuple(sorted(row.items())) for row in rows] for rows in (before, after))
    lost, added = Counter(old) - Counter(new), Counter(new) - Counter(old)
    found = [f"{name}: before alone: {_describe(row)}" for row in old if row in lost]
    return found + [f"{name}: after alone: {_describe(row)}" for row in new if row in added]


def _describe(row: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{column}={value}" for column, value in row if value)


def _numbers_in_text(site: Path) -> dict[str, list[str]]:
    """The numbers in the header, the problems and the notes below each table."""
    board = json.loads((site / "leaderboard.json").read_text("utf-8"))
    texts = {"header": board["header"], "problems": board["problems"]}
    texts |= {f"notes of {name}": table["notes"] for name, table in board["tables"].items()}
    # A digit inside a name, such as dpo-p1, is no value.
    return {
        name: sorted(re.findall(r"(?<![\w.-])\d+(?:\.\d+)?", " ".join(lines)))
        for name, lines in texts.items()
    }


def main(arguments: list[str]) -> int:
    """Print the differences between two sites; the exit code is 1 where there are any."""
    if len(arguments) != 2:
        sys.stderr.write("usage: published_tables.py BEFORE_SITE AFTER_SITE\n")
        return 2
    before, after = map(Path, arguments)
    found = compare_sites(before, after)
    tables = _read_tables(before)
    cells = sum(len(row) for rows in tables.values() for row in rows)
    summary = f"{len(found)} differences in {cells} cells of {len(tables)} tables"
    sys.stdout.write("\n".join([*found, summary]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
