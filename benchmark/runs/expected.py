"""What a run owes: the cells of its plan, written beside the records before the first of them.

A board reads it, so that a method of which nothing came back is missed, not forgotten.
Shards of one plan owe the whole of it: the file's name is a digest of its content, and
every shard writes the same.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from benchmark.runs.plan import Plan
from benchmark.runs.store import Store


def write_owed(store: Store, plan: Plan) -> str:
    """Write the cells of a plan to ``plan-DIGEST.json``; returns the file's name.

    Args:
        store: Where the records go.
        plan: The whole plan, before any sharding.
    """
    content = describe_owed(plan)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]
    name = f"plan-{digest}.json"
    if not (store.folder / name).exists():
        store.write_json(name, content)
    return name


def describe_owed(plan: Plan) -> dict[str, Any]:
    """The suite and its cells, methods that owe the same cells together."""
    cells: dict[tuple[str, str, str], dict[str, list[int]]] = {}
    for group in plan.groups:
        entrant = (group.entrant.name, group.entrant.submission, group.backbone)
        owed = cells.setdefault(entrant, {})
        for cell in group.cells:
            owed.setdefault(cell.scenario.id, []).append(cell.seed)
    alike: dict[str, list[tuple[str, str, str]]] = {}
    for entrant, owed in cells.items():
        text = json.dumps({scenario: sorted(seeds) for scenario, seeds in owed.items()}, sort_keys=True)
        alike.setdefault(text, []).append(entrant)
    return {
        "suite": plan.suite.name,
        "suite_version": plan.suite.version,
        "season": plan.suite.season,
        "owed": [
            {
                "entrants": [
                    {"method": method, "submission": submission, "backbone": backbone}
                    for method, submission, backbone in sorted(entrants)
                ],
                "cells": json.loads(text),
            }
            for text, entrants in sorted(alike.items())
        ],
    }
