"""What a board holds, read from its records: the suite they belong to and the cells that it compares."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.contract import UsageError
from benchmark.contract.records import TWIN, SuiteIdentity
from benchmark.runs.entrants import NAIVE
from benchmark.runs.store import Store
from benchmark.tasks.prepare import make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.seasons import name_season
from benchmark.tasks.suite import CellProduct, Suite, check_suite, list_suites, load_suite

DIGITS = 1e-9
PUBLISHED = Path("leaderboard/results")
"""Where the published board's records lie in a clone."""


@dataclass(frozen=True)
class BoardCell:
    """What a board's record of the naive method says of a cell.

    Attributes:
        naive_rho: Exact regret of the confounded limit, NaN where undefined.
        control: Whether the cell is a control.
        own_twin: Whether methods are also fitted on the cell's randomised twin.
    """

    naive_rho: float
    control: bool
    own_twin: bool


@dataclass(frozen=True)
class BoardCells:
    """The cells of a board.

    Attributes:
        identity: Suite, version and season of its records.
        cells: Every cell by scenario, seed and backbone.
    """

    identity: SuiteIdentity
    cells: dict[tuple[str, int, str], BoardCell]

    def restrict(self, suite: Suite) -> Suite:
        """The suite with exactly the cells of the board."""
        seeds: dict[tuple[str, str, bool, bool], list[int]] = {}
        for (scenario, seed, backbone), cell in sorted(self.cells.items()):
            seeds.setdefault((scenario, backbone, cell.control, cell.own_twin), []).append(seed)
        products = tuple(
            CellProduct(
                scenarios=(scenario,),
                seeds=tuple(numbers),
                backbone=backbone,
                control=control,
                own_twin=own_twin,
            )
            for (scenario, backbone, control, own_twin), numbers in seeds.items()
        )
        return suite.model_copy(update={"cells": products})

    def is_current(self, suite: Suite, secret: bytes | None = None) -> bool:
        """Whether today's worlds are the board's: one cell of each scenario is drawn and compared."""
        first = {scenario: (seed, cell) for (scenario, seed, _), cell in sorted(self.cells.items())}
        drawn = (
            (make_task(Scenario.parse(scenario), seed, suite, secret).key.naive_rho, cell.naive_rho)
            for scenario, (seed, cell) in first.items()
        )
        return all(np.isclose(now, then, rtol=0, atol=DIGITS, equal_nan=True) for now, then in drawn)


def read_cells(store: str | Path) -> tuple[BoardCells, ...]:
    """The cells of each suite in a folder of records; none where it holds no records.

    Args:
        store: The folder.

    Raises:
        UsageError: If there is no such folder.
    """
    rows = [row for row in Store.existing(store).read_records().to_pylist() if row["role"] == NAIVE]
    twins = {_name_cell(row) for row in rows if row["fitted_on"] == TWIN}
    found: dict[SuiteIdentity, dict[tuple[str, int, str], BoardCell]] = {}
    for row in rows:
        if row["fitted_on"] == TWIN:
            continue
        identity = SuiteIdentity(row["suite"], row["suite_version"], row["season"])
        name = _name_cell(row)
        cell = BoardCell(row["cell_naive_rho"], row["board"] == "controls", name in twins)
        found.setdefault(identity, {})[name] = cell
    return tuple(BoardCells(identity, cells) for identity, cells in found.items())


def _name_cell(row: dict[str, Any]) -> tuple[str, int, str]:
    return row["scenario"], row["seed"], row["backbone"]


def join_board(
    suite: Suite, board: str | Path | None = None, secret: bytes | None = None
) -> tuple[Suite, Path | None, str]:
    """A suite with the cells of a board, so that what is run can be ranked there.

    Args:
        suite: The suite, in its season.
        board: Folder of the board's records; by default the published ones, where they are of this suite.
        secret: Key of a verified season.

    Returns:
        The suite, the board's folder or None, and a sentence on what was chosen.

    Raises:
        UsageError: If a board was named and its cells cannot be joined.
    """
    place = PUBLISHED if board is None else Path(board)
    wanted = SuiteIdentity(suite.name, suite.version, suite.season)
    problem, cells = f"there is no board in {place}", None
    if board is not None or place.is_dir():
        found = read_cells(place)
        cells = next((each for each in found if each.identity == wanted), None)
        held = ", ".join(" ".join(each.identity) for each in found) or "no records"
        problem = f"the board in {place} holds {held}, not {' '.join(wanted)}"
    if cells is not None:
        problem = f"the board in {place} was made with another version of the worlds"
        if cells.is_current(suite, secret):
            return cells.restrict(suite), place, f"the {len(cells.cells)} cells of the board in {place}"
    if board is not None:
        raise UsageError(problem, expected=" ".join(wanted), fix="run the suite again for a board of today")
    return suite, None, f"the suite's own cells, because {problem}"


def find_suite(
    store: str | Path,
    identity: SuiteIdentity,
    suite: str | Path | Suite | None = None,
    secret: bytes | None = None,
) -> Suite:
    """The suite that a board's records belong to, in their season.

    Args:
        store: Folder of the records; its ``run.json`` holds the suite where a run wrote it.
        identity: What the records say.
        suite: The suite, where neither the folder nor the package holds it.
        secret: Key of a verified season.

    Raises:
        UsageError: If it cannot be found, or the secret belongs to another season.
    """
    named = suite if isinstance(suite, Suite) else load_suite(suite) if suite is not None else None
    candidates = [named] if named else [*_read_runs(Path(store)), *_read_package(identity.name)]
    for found in candidates:
        seasons = {found.season} | ({name_season(found.season, secret)} if secret else set())
        if (found.name, found.version) == identity[:2] and identity.season in seasons:
            return found.model_copy(update={"season": identity.season})
    raise UsageError(
        "the suite of these records is not known here",
        expected=" ".join(identity),
        found=", ".join(f"{s.name} {s.version} {s.season}" for s in candidates) or "none",
        fix="pass --suite FILE with the suite that was run, and --secret for a verified season",
    )


def _read_runs(store: Path) -> list[Suite]:
    found = []
    for path in sorted(store.glob("run*.json")):
        try:
            content: dict[str, Any] = json.loads(path.read_text("utf-8"))
            found.append(check_suite(content["suite"], path.name))
        except (OSError, ValueError, KeyError, TypeError, UsageError):
            continue  # provenance is for people; a suite of this name may come with the package
    return found


def _read_package(name: str) -> list[Suite]:
    return [load_suite(name)] if name in list_suites() else []
