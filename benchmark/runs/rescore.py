"""Scores stored predictions again, for instance after the scorer gained a metric; nothing is fitted."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmark.contract.records import join_damage, name_columns
from benchmark.runs.engines.work import Kept
from benchmark.runs.run import default_store
from benchmark.runs.store import Store
from benchmark.scoring.score import score_with_key
from benchmark.tasks.prepare import make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import Suite, load_suite


def score(
    suite: str | Path | Suite = "quick",
    store: str | Path | None = None,
    *,
    on_start: Callable[[int], None] | None = None,
    on_group: Callable[[str], None] | None = None,
) -> int:
    """Score stored predictions again; returns how many cells were scored.

    Args:
        suite: The suite that the records belong to.
        store: Folder of the records; by default ``build/store/SUITE``.
        on_start: Called once with the number of groups.
        on_group: Called with each finished group's key.

    Raises:
        UsageError: If there is no such suite or store.
        DamagedFile: If a file of the store is damaged; nothing is scored then.

    Example:
        >>> import benchmark, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     summary = benchmark.run_suite(
        ...         "quick", folder, methods=["naive"], scenarios=["null[n=100]"], seeds=1, workers=0
        ...     )
        ...     benchmark.score("quick", folder)
        3
    """
    from methods import load

    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    opened = Store.existing(store or default_store(suite))
    damaged = opened.read_index().damaged
    if damaged:
        raise join_damage(tuple(damaged.values()))
    keys = opened.list_keys()
    if on_start is not None:
        on_start(len(keys))
    tasks, scored = Kept(64), 0
    for key in keys:
        rows = opened.read_rows(key)
        if rows and (rows[0]["suite"], rows[0]["suite_version"]) == (suite.name, suite.version):
            for row, predictions in zip(rows, opened.read_predictions(key, len(rows)), strict=True):
                if predictions is None:
                    continue
                scenario, seed = Scenario.parse(row["scenario"]), row["seed"]
                task = tasks.get((scenario, seed), partial(make_task, scenario, seed, suite))
                if row["submission"]:  # its tags are not kept, but what they led to is
                    calibrated = not math.isnan(row["metric.effect_rmse"])
                else:
                    calibrated = load(row["method"]).tags.calibrated
                row.update(name_columns(score_with_key(predictions, task.key, calibrated), {}, {}))
                scored += 1
            opened.rewrite_records(key, rows)
        if on_group is not None:
            on_group(key)
    return scored
