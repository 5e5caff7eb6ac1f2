"""What runs planned, read from the plans that lie beside the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.contract.errors import UsageError

COLUMNS = ["method", "submission", "scenario", "seed", "backbone"]


def read_owed(folder: Path, suite: tuple[str, str, str]) -> pd.DataFrame:
    """Every planned cell of a suite.

    Args:
        folder: The store, with ``plan-*.json`` files written by ``confoundbench run``.
        suite: Name, version and season; plans of others are passed over.

    Returns:
        Columns ``method``, ``submission``, ``scenario``, ``seed``, ``backbone``, each cell once.

    Raises:
        UsageError: If a plan cannot be read.
    """
    rows: list[tuple[Any, ...]] = []
    for path in sorted(folder.glob("plan-*.json")):
        try:
            plan = json.loads(path.read_text("utf-8"))
            if (plan["suite"], plan["suite_version"], plan["season"]) == suite:
                rows += _cells(plan)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"cannot read the plan {path.name}",
                expected="a file written by `confoundbench run`",
                found=f"{type(error).__name__}: {error}",
                fix="restore it, or delete it: the board then no longer misses what it planned",
            ) from error
    return pd.DataFrame(rows, columns=COLUMNS).drop_duplicates(ignore_index=True)


def _cells(plan: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (
            str(entrant["method"]),
            str(entrant["submission"]),
            str(scenario),
            int(seed),
            str(entrant["backbone"]),
        )
        for part in plan["owed"]
        for entrant in part["entrants"]
        for scenario, seeds in part["cells"].items()
        for seed in seeds
    ]
