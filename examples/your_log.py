"""A table of one's own from start to finish: read, inspect, find worlds like it, rank methods, count rows.

    python examples/your_log.py                       # a small made-up table
    python examples/your_log.py my.csv --out build/mine

The made-up table is as untidy as real ones: days as words, missing ages, a repeated row and an empty text. On
Mondays the newsletter opens with "Happy Monday", and on Mondays people click more whatever it says.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import benchmark


def make_table(rows: int = 600) -> pd.DataFrame:
    """A made-up log of newsletters; the greeting is worth nothing, a question .15 clicks."""
    rng = np.random.default_rng(0)
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 364, rows), unit="D")
    monday = dates.dayofweek == 0
    greets = rng.random(rows) < np.where(monday, 0.9, 0.1)
    asks = rng.random(rows) < 0.5
    age = rng.normal(45, 12, rows).round()
    topics = np.array(["garden tools", "summer shoes", "train tickets"])[rng.integers(3, size=rows)]
    chance = 0.15 + 0.2 * monday + 0.15 * asks + 0.002 * (age - 45)
    table = pd.DataFrame(
        {
            "subject_line": [
                ("Happy Monday! " if greeted else "")
                + (f"Have you seen our {t}?" if asked else f"See our {t}.")
                for greeted, asked, t in zip(greets, asks, topics, strict=True)
            ],
            "clicked": np.where(rng.random(rows) < chance, "yes", "no"),
            "weekday": dates.day_name(),
            "age": np.where(rng.random(rows) < 0.1, np.nan, age),
            "subscriber_id": rng.integers(0, 250, rows),
        }
    )
    table.loc[7, "subject_line"] = ""
    return pd.concat([table, table.loc[[3]]], ignore_index=True)


def main() -> None:
    """Go through all steps and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("table", nargs="?", type=Path, help="csv, tsv or parquet; a made-up table by default")
    parser.add_argument("--out", type=Path, default=Path("build/your-log"))
    parser.add_argument("--reference", type=int, default=320, help="simulated worlds to compare the log with")
    parser.add_argument("--method", action="append", default=[], help="by default those the log allows")
    options = parser.parse_args()

    own = benchmark.read_log(make_table() if options.table is None else options.table)
    for role in own.roles:
        print(f"{role.column}: {role.role}, because {role.reason}")  # noqa: T201
    inspection = benchmark.inspect_log(own)
    print(*own.notes, *inspection.findings, sep="\n")  # noqa: T201
    calibration = benchmark.calibrate(own, options.out / "worlds.toml", reference=options.reference)
    recommendation = benchmark.recommend(own, calibration=calibration, methods=options.method)
    power = benchmark.power(own, 0.15, calibration=calibration, rows=(250, 500, 1000), method="naive")
    print(recommendation.answer, power.answer, sep="\n")  # noqa: T201
    print(benchmark.write_report(options.out, inspection, recommendation, power))  # noqa: T201


if __name__ == "__main__":
    main()
