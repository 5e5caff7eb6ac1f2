"""Expected cells: every cell that a run planned, written beside the records before the first of them.

A board reads them, so a method of which no record came back still shows up as missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.contract.files import write_json
from benchmark.contract.records.columns import LOG
from benchmark.contract.records.seals import damaged

PLANS_PATTERN = "plan-*.json"
_DIGITS = 20


class SuiteIdentity(NamedTuple):
    """What records must share to be ranked together: name, version and season of their suite."""

    name: str
    version: str
    season: str


class ExpectedCell(NamedTuple):
    """A cell that a plan promises, under the names of the columns of its record."""

    method: str
    submission: str
    scenario: str
    seed: int
    backbone: str
    fitted_on: str = LOG


def list_plans(folder: Path) -> tuple[Path, ...]:
    """The files with expected cells in a folder, sorted."""
    return tuple(sorted(folder.glob(PLANS_PATTERN)))


def write_expected(
    folder: Path,
    suite: SuiteIdentity,
    cells: Iterable[ExpectedCell],
    reasons: Mapping[str, str] | None = None,
) -> Path:
    """Write the expected cells of a whole plan.

    The name of the file is a digest of its content, so that every shard of one plan writes the same file.

    Args:
        folder: Where the records go.
        suite: What is run.
        cells: Every cell of the plan, before any sharding.
        reasons: Why each scenario is in the suite, where the suite says so.

    Returns:
        The file, ``plan-DIGEST.json``.
    """
    content = {
        "suite": suite.name,
        "suite_version": suite.version,
        "season": suite.season,
        "expected": _combine(cells),
        "reasons": dict(reasons or {}),
    }
    path = folder / PLANS_PATTERN.replace("*", _digest(content))
    if not path.exists():
        write_json(path, content)
    return path


def read_suite(path: Path) -> str:
    """Name of the suite of a plan; empty where the file is no plan."""
    try:
        return str(json.loads(path.read_bytes())["suite"])
    except (ValueError, KeyError, TypeError):
        return ""


def read_expected(folder: Path, suite: SuiteIdentity) -> tuple[ExpectedCell, ...]:
    """The expected cells of a suite, each once.

    Args:
        folder: The store.
        suite: Plans of any other are passed over.

    Raises:
        DamagedFile: If a plan cannot be read.
    """
    found: dict[ExpectedCell, None] = {}
    for cells in _read_plans(folder, suite, lambda plan: dict.fromkeys(_separate(plan["expected"]))):
        found |= cells
    return tuple(found)


def read_reasons(folder: Path, suite: SuiteIdentity) -> dict[str, str]:
    """Why each scenario is in a suite, by scenario; those of which no plan says so are left out.

    Raises:
        DamagedFile: If a plan cannot be read.
    """
    found: dict[str, str] = {}
    for reasons in _read_plans(folder, suite, lambda plan: dict(plan.get("reasons", {}))):
        found |= {str(scenario): str(reason) for scenario, reason in reasons.items()}
    return found


def _read_plans(
    folder: Path, suite: SuiteIdentity, read: Callable[[dict[str, Any]], dict[Any, Any]]
) -> Iterable[dict[Any, Any]]:
    for path in list_plans(folder):
        try:
            plan = json.loads(path.read_bytes())
            if (plan["suite"], plan["suite_version"], plan["season"]) == suite:
                yield read(plan)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged(path, f"{type(error).__name__}: {error}") from error


def list_damaged_plans(folder: Path) -> tuple[Path, ...]:
    """The files with expected cells whose content is not what their name is the digest of."""
    return tuple(path for path in list_plans(folder) if not _is_intact(path))


def _is_intact(path: Path) -> bool:
    try:
        return path.name == PLANS_PATTERN.replace("*", _digest(json.loads(path.read_bytes())))
    except (OSError, ValueError):
        return False


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_DIGITS]


def _combine(cells: Iterable[ExpectedCell]) -> list[dict[str, Any]]:
    """Cells as plain data, entrants that have the same cells together."""
    by_entrant: dict[tuple[str, ...], dict[str, list[int]]] = {}
    for cell in cells:
        scenarios = by_entrant.setdefault((cell.method, cell.submission, cell.backbone, cell.fitted_on), {})
        scenarios.setdefault(cell.scenario, []).append(cell.seed)
    alike: dict[str, list[tuple[str, ...]]] = {}
    for entrant, scenarios in by_entrant.items():
        text = json.dumps({scenario: sorted(seeds) for scenario, seeds in scenarios.items()}, sort_keys=True)
        alike.setdefault(text, []).append(entrant)
    return [
        {
            "entrants": [
                dict(zip(("method", "submission", "backbone", "fitted_on"), entrant, strict=True))
                for entrant in sorted(entrants)
            ],
            "cells": json.loads(text),
        }
        for text, entrants in sorted(alike.items())
    ]


def _separate(parts: list[dict[str, Any]]) -> Iterable[ExpectedCell]:
    for part in parts:
        for entrant in part["entrants"]:
            method, submission, backbone = (
                str(entrant[name]) for name in ("method", "submission", "backbone")
            )
            fitted_on = str(entrant.get("fitted_on", LOG))
            for scenario, seeds in part["cells"].items():
                for seed in seeds:
                    yield ExpectedCell(method, submission, str(scenario), int(seed), backbone, fitted_on)
