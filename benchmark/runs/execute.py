"""Runs groups of a plan on an engine: what comes back is stored at once, group by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.contract import unknown_name
from benchmark.contract.records import ALWAYS_RETRIED, STATUSES
from benchmark.runs.engines.base import CellResult, Finished
from benchmark.runs.plan import Group, Plan
from benchmark.runs.store import Store, StoreIndex
from benchmark.tasks.prepare import strength_of

Engine = Callable[[Sequence[Group]], Finished]
OnGroup = Callable[[Group, Sequence[str]], None]


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes:
        store: Folder of the records.
        planned: Cells of the plan.
        ran: Cells that were run now.
        skipped: Cells that were found in the store.
        statuses: Cells of the plan that the store now holds, by status.
    """

    store: Path
    planned: int
    ran: int
    skipped: int
    statuses: Mapping[str, int]

    @property
    def complete(self) -> bool:
        """Whether something was measured and no cell was lost to the machine."""
        return self.statuses.get("ok", 0) > 0 and not self.statuses.get("infrastructure", 0)

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain data."""
        return {
            "store": str(self.store),
            "planned": self.planned,
            "ran": self.ran,
            "skipped": self.skipped,
            "statuses": dict(self.statuses),
            "complete": self.complete,
        }


def select_groups(plan: Plan, index: StoreIndex, retry: Sequence[str] = ()) -> tuple[Group, ...]:
    """Groups that are not stored, or hold a status to run again.

    Raises:
        UsageError: If a status is unknown.
    """
    for status in retry:
        if status not in STATUSES:
            raise unknown_name("status", status, STATUSES)
    return tuple(group for group in plan.groups if not index.is_stored(group.key, retry))


def execute(
    plan: Plan,
    store: Store,
    engine: Engine,
    *,
    retry: Sequence[str] = (),
    on_group: OnGroup | None = None,
) -> Summary:
    """Run what is missing and store each group as it finishes.

    Cells of a group whose status is not to be run again keep their stored results.

    Args:
        plan: The plan.
        store: Where results go.
        engine: Runs groups and yields each with its results.
        retry: Statuses to run again.
        on_group: Called with each finished group and its cells' statuses.
    """
    store.sweep()
    index = store.read_index()
    todo = select_groups(plan, index, retry)
    for group, results in engine(todo):
        rows = [make_row(plan, group, number, result) for number, result in enumerate(results)]
        predictions = [result.predictions for result in results]
        if group.key in index.statuses:
            restore_others(store, group, rows, predictions, {*retry, ALWAYS_RETRIED})
        store.write_group(group.key, rows, predictions)
        store.supersede(group.key, rows, index)
        statuses = [row["status"] for row in rows]
        if on_group is not None:
            on_group(group, statuses)
    ran = sum(len(group.cells) for group in todo)
    stored = Counter(status for group in plan.groups for status in index.statuses.get(group.key, ()))
    return Summary(store.folder, plan.n_cells, ran, plan.n_cells - ran, dict(stored))


def restore_others(
    store: Store, group: Group, rows: list[dict[str, Any]], predictions: list[Any], retried: Collection[str]
) -> None:
    """Put back what is stored of a group wherever its status was not to be run again."""
    before = store.read_rows(group.key)
    answers = store.read_predictions(group.key, len(before))
    for number, row in enumerate(before):
        if row["status"] not in retried:
            rows[number], predictions[number] = row, answers[number]


def make_row(plan: Plan, group: Group, index: int, result: CellResult) -> dict[str, Any]:
    """The record of one cell."""
    suite, cell, entrant = plan.suite, group.cells[index], group.entrant
    return {
        "suite": suite.name,
        "suite_version": suite.version,
        "season": suite.season,
        "scenario": cell.scenario.id,
        "family": cell.scenario.family,
        "strength": strength_of(cell.scenario),
        "n": cell.scenario.n,
        "seed": cell.seed,
        "method": entrant.name,
        "label": entrant.label or entrant.name,
        "track": entrant.track,
        "backbone": group.backbone,
        "device": plan.device,
        "precision": plan.precision,
        "status": result.status,
        "reason": result.reason,
        "adjusts": entrant.adjusts,
        "policy": entrant.policy,
        "canary": entrant.role == "canary",
        "role": entrant.role,
        "submission": entrant.submission,
        "fitted_on": group.fitted_on,
        **result.row,
        **({"board": "controls"} if group.control else {}),
    }
