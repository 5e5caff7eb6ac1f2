"""Runs groups of a plan on an engine: what comes back is stored at once, group by group."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from benchmark.contract import InfrastructureError, unknown_name
from benchmark.contract.records import ALWAYS_RETRIED, STATUSES
from benchmark.runs.engines.base import CellResult, Finished
from benchmark.runs.index import StoreIndex
from benchmark.runs.leases import Leases
from benchmark.runs.plan import Group, Plan
from benchmark.runs.store import Store
from benchmark.tasks.prepare import strength_of

Engine = Callable[[Iterable[Group]], Finished]
OnGroup = Callable[[Group, Sequence[str]], None]
# How long a run waits before it looks again at groups that another run works on.
PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes:
        store: Folder of the records.
        planned: Cells of the plan.
        ran: Cells that were run now.
        skipped: Cells that were found in the store.
        statuses: Cells of the plan that the store now holds, by status.
        set_aside: Where damaged files of the store lie now; their cells ran again.
    """

    store: Path
    planned: int
    ran: int
    skipped: int
    statuses: Mapping[str, int]
    set_aside: tuple[Path, ...] = ()

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
            "set_aside": [str(path) for path in self.set_aside],
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
    """Run what is missing and store each group as it finishes; damaged groups count as missing.

    Groups that another run on the same store works on are left to it; this run waits until they are stored,
    and takes over those of a run that ended. Cells of a group whose status is not to be run again keep
    their stored results.

    Args:
        plan: The plan.
        store: Where results go.
        engine: Runs groups and yields each with its results.
        retry: Statuses to run again.
        on_group: Called with each finished group and its cells' statuses.
    """
    with Leases.of(store.folder) as leases:
        store.sweep()
        index = store.read_index()
        aside = set_damaged_aside(store, index, leases)
        todo, ran = select_groups(plan, index, retry), 0
        while todo:
            others: list[Group] = []
            ours = claim_groups(todo, others, store, index, leases, retry, on_group)
            for group in ours:  # an engine starts only if there is something to do
                for finished, results in engine(chain([group], ours)):
                    store_results(plan, store, index, finished, results, retry)
                    leases.release(finished.key)
                    ran += len(finished.cells)
                    if on_group is not None:
                        on_group(finished, index.statuses[finished.key])
            todo = tuple(others)
            if todo:
                time.sleep(PATIENCE_SECONDS)
    return replace(summarise(plan, store, index), ran=ran, skipped=plan.n_cells - ran, set_aside=aside)


def summarise(plan: Plan, store: Store, index: StoreIndex | None = None) -> Summary:
    """What a store holds of a plan, as the summary of a run that found everything there."""
    index = index or store.read_index()
    stored = Counter(status for group in plan.groups for status in index.statuses.get(group.key, ()))
    return Summary(store.folder, plan.n_cells, 0, plan.n_cells, dict(stored))


def claim_groups(
    todo: Sequence[Group],
    others: list[Group],
    store: Store,
    index: StoreIndex,
    leases: Leases,
    retry: Sequence[str],
    on_group: OnGroup | None,
) -> Iterator[Group]:
    """The groups that this run is to work on, each leased when it is asked for.

    Args:
        todo: Groups that were missing when the store was read.
        others: Gets the groups that another run works on.
        store: Where results go.
        index: What the store holds; brought up to date with what other runs stored meanwhile.
        leases: The leases of this run.
        retry: Statuses to run again.
        on_group: Called with each group that another run has finished, and its cells' statuses.
    """
    for group in todo:
        if not leases.claim(group.key):
            others.append(group)
            continue
        if store.holds(group.key):
            store.index_group(group.key, index)
        if index.is_stored(group.key, retry):
            leases.release(group.key)
            if on_group is not None:
                on_group(group, index.statuses[group.key])
        else:
            yield group


def store_results(
    plan: Plan,
    store: Store,
    index: StoreIndex,
    group: Group,
    results: Sequence[CellResult],
    retry: Sequence[str],
) -> None:
    """Store a finished group and bring the index up to date."""
    rows = [make_row(plan, group, number, result) for number, result in enumerate(results)]
    predictions = [result.predictions for result in results]
    if group.key in index.statuses:
        restore_others(store, group, rows, predictions, {*retry, ALWAYS_RETRIED})
    try:
        store.write_group(group.key, rows, predictions)
        store.supersede(group.key, rows, index)
    except InfrastructureError as error:
        kept = f"{len(index.statuses)} groups of cells are stored and kept"
        raise InfrastructureError(
            error.what, expected=error.expected, found=f"{error.found}; {kept}", fix=error.fix
        ) from error


def set_damaged_aside(store: Store, index: StoreIndex, leases: Leases) -> tuple[Path, ...]:
    """Set aside what is damaged, so that its cells run again; returns where the files lie now."""
    moved: list[Path] = []
    for name in tuple(index.damaged):
        if leases.claim(name):  # another run may be writing this very group
            if store.holds(name):
                store.index_group(name, index)
            if name in index.damaged:
                moved += store.set_aside(name)
                del index.damaged[name]
            leases.release(name)
    return tuple(moved)


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
