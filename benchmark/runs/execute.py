"""Runs a plan: what is not stored yet goes to an engine, what comes back is written at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmark.contract import Method, UsageError, unknown_name
from benchmark.contract.records import ALWAYS_RETRIED, STATUSES, name_columns
from benchmark.runs.engines.base import CellResult, Finished, WorkbenchFactory, run_inline
from benchmark.runs.plan import Entrant, Group, Plan, describe_recipe
from benchmark.runs.provenance import component_versions
from benchmark.runs.store import Store
from benchmark.tasks.backbones import TINY, parse_backbone
from benchmark.tasks.prepare import (
    domain_of,
    family_defaults,
    find_backbone,
    hash_backbone,
    is_readable,
    make_backbone,
)
from benchmark.tasks.suite import Suite

ENGINES = ("local", "ray")
CEILING = "ceiling"
NAIVE = "naive"


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes:
        planned: Cells of the plan.
        skipped: Cells found in the store.
        statuses: Cells run now, by status.
    """

    planned: int
    skipped: int
    statuses: Mapping[str, int]

    @property
    def ran(self) -> int:
        """Cells run now."""
        return sum(self.statuses.values())


def list_entrants() -> tuple[Entrant, ...]:
    """Every method of the repository as a plan names it, the ceiling included."""
    from methods import list_methods, load

    return tuple(describe_entrant(method) for method in (*list_methods(), load(CEILING)))


def describe_entrant(method: Method, submission: str = "") -> Entrant:
    """A method as a plan names it.

    Args:
        method: The method.
        submission: SHA-256 of the file it was submitted in, or "".
    """
    role = method.name if method.name in (NAIVE, CEILING) else "canary" if method.tags.canary else "method"
    return Entrant(
        name=method.name,
        role="method" if submission else role,
        fingerprint=describe_recipe(method),
        label=str(getattr(method, "label", "") or method.name),
        track=method.tags.track,
        policy=method.tags.policy,
        adjusts=method.tags.adjusts,
        calibrated=method.tags.calibrated,
        submission=submission,
    )


def key_context(
    suite: Suite, scenarios: Iterable[Any], device: str, precision: str, *backbones: str
) -> dict[str, Any]:
    """What goes into every key beside a group's own content."""
    domains = sorted({domain_of(scenario) for scenario in scenarios})
    made = {name: {domain: hash_backbone(domain, name) for domain in domains} for name in backbones}
    return {
        "components": component_versions(),
        "backbones": made if len(made) != 1 else next(iter(made.values())),
        "device": device,
        "precision": precision,
        "suite": [suite.name, suite.version],
    }


def select_groups(plan: Plan, store: Store, retry: Sequence[str] = ()) -> tuple[Group, ...]:
    """Groups that are not stored, or hold a status to run again.

    Raises:
        UsageError: If a status is unknown.
    """
    for status in retry:
        if status not in STATUSES:
            raise unknown_name("status", status, STATUSES)
    return tuple(group for group in plan.groups if not store.is_stored(group.key, retry))


def execute(
    plan: Plan,
    store: Store,
    engine: Callable[[Sequence[Group]], Finished],
    *,
    device: str = "cpu",
    precision: str = "float32",
    retry: Sequence[str] = (),
    on_group: Callable[[Group, Sequence[str]], None] | None = None,
) -> Summary:
    """Run what is missing and store each group as it finishes.

    Cells of a group whose status is not to be run again keep their stored results.

    Args:
        plan: The plan.
        store: Where results go.
        engine: Runs groups and yields each with its results.
        device: Device class, for the records.
        precision: Floating-point precision, for the records.
        retry: Statuses to run again.
        on_group: Called with each finished group and its cells' statuses.
    """
    store.sweep()
    todo, index = select_groups(plan, store, retry), store.index_cells()
    counts: dict[str, int] = {}
    for group, results in engine(todo):
        rows = [
            make_row(plan.suite, group, index, result, device, precision)
            for index, result in enumerate(results)
        ]
        predictions = [result.predictions for result in results]
        keep_settled(store, group, rows, predictions, {*retry, ALWAYS_RETRIED})
        store.write_group(group.key, rows, predictions)
        store.supersede(group.key, rows, index)
        statuses = [row["status"] for row in rows]
        for status in statuses:
            counts[status] = counts.get(status, 0) + 1
        if on_group is not None:
            on_group(group, statuses)
    skipped = plan.n_cells - sum(len(group.cells) for group in todo)
    return Summary(plan.n_cells, skipped, counts)


def keep_settled(
    store: Store, group: Group, rows: list[dict[str, Any]], predictions: list[Any], retried: Collection[str]
) -> None:
    """Put back what is stored of a group wherever its status was not to be run again."""
    if group.key not in store.list_keys():
        return
    before = store.read_rows(group.key)
    answers = store.read_predictions(group.key, len(before))
    for index, row in enumerate(before):
        if row["status"] not in retried:
            rows[index], predictions[index] = row, answers[index]


def make_row(
    suite: Suite, group: Group, index: int, result: CellResult, device: str, precision: str
) -> dict[str, Any]:
    """The record of one cell."""
    cell, entrant = group.cells[index], group.entrant
    return {
        "suite": suite.name,
        "suite_version": suite.version,
        "season": suite.season,
        "scenario": cell.scenario.id,
        "family": cell.scenario.family,
        "strength": cell.scenario.strength(family_defaults().get(cell.scenario.family)),
        "n": cell.scenario.n,
        "seed": cell.seed,
        "method": entrant.name,
        "label": entrant.label or entrant.name,
        "track": entrant.track,
        "backbone": group.backbone,
        "device": device,
        "precision": precision,
        "status": result.status,
        "reason": result.reason,
        "adjusts": entrant.adjusts,
        "policy": entrant.policy,
        "canary": entrant.role == "canary",
        "role": entrant.role,
        "submission": entrant.submission,
        **result.row,
    }


def choose_engine(
    name: str, workers: int, factory: WorkbenchFactory, seconds_per_cell: float
) -> Callable[[Sequence[Group]], Finished]:
    """The engine of a name; 0 local workers means this very process.

    Raises:
        UsageError: If the engine is unknown or the number of workers negative.
    """
    if workers < 0:
        raise UsageError(
            "the number of workers is negative", expected="--workers of at least 0", found=workers
        )
    if name == "ray":
        from benchmark.runs.engines.ray import run_ray

        return partial(run_ray, factory=factory, workers=workers, seconds_per_cell=seconds_per_cell)
    if name != "local":
        raise unknown_name("engine", name, ENGINES)
    if workers == 0:
        return partial(run_inline, factory=factory)
    from benchmark.runs.engines.local import run_local

    return partial(run_local, factory=factory, workers=workers, seconds_per_cell=seconds_per_cell)


def prepare_backbones(groups: Iterable[Group], workers: int = 1) -> int:
    """Make the backbones that some groups train on and that are not there yet; returns how many.

    Args:
        groups: The groups.
        workers: How many may be made at a time, each in a process of one thread.
    """
    wanted = sorted({(domain_of(cell.scenario), group.backbone) for group in groups for cell in group.cells})
    missing = [entry for entry in wanted if not is_readable(find_backbone(*entry))]
    large = any(parse_backbone(name).name != TINY for _, name in missing)
    if workers == 0 or (min(workers, len(missing)) < 2 and not large):
        for entry in missing:
            make_backbone(*entry)
        return len(missing)
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from benchmark.runs.engines.local import environment, worker_settings

    with (
        environment(worker_settings(name for _, name in missing)),
        ProcessPoolExecutor(min(workers, len(missing)), get_context("spawn")) as pool,
    ):
        list(pool.map(make_backbone, *zip(*missing, strict=True)))
    return len(missing)


def rescore(store: Store, suite: Suite, on_group: Callable[[str], None] | None = None) -> int:
    """Score stored predictions again; returns how many cells were scored.

    Args:
        store: Where records and predictions lie.
        suite: The suite that the records belong to.
        on_group: Called with each finished group's key.
    """
    from benchmark.runs.engines.work import Kept
    from benchmark.scoring.score import score_with_key
    from benchmark.tasks.prepare import make_task
    from benchmark.tasks.scenario import Scenario
    from methods import load

    tasks, scored = Kept(64), 0
    for key in store.list_keys():
        rows = store.read_rows(key)
        if not rows or (rows[0]["suite"], rows[0]["suite_version"]) != (suite.name, suite.version):
            continue
        for row, predictions in zip(rows, store.read_predictions(key, len(rows)), strict=True):
            if predictions is None:
                continue
            scenario, seed = Scenario.parse(row["scenario"]), row["seed"]
            task = tasks.get((scenario, seed), partial(make_task, scenario, seed, suite))
            calibrated = not row["submission"] and load(row["method"]).tags.calibrated
            row.update(name_columns(score_with_key(predictions, task.key, calibrated), {}, {}))
            scored += 1
        store.rewrite_records(key, rows)
        if on_group is not None:
            on_group(key)
    return scored
