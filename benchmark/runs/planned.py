"""A run before it starts: what it holds, what is missing and about what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.contract.errors import DamagedFile
from benchmark.runs.options import RunOptions
from benchmark.runs.plan import Group, Plan
from benchmark.tasks.backbones import parse_backbone
from benchmark.tasks.suite import Suite

PRETRAINING_SECONDS, PREPARING_SECONDS = 30.0, 3.0
"""About what one tiny decoder takes on one core, and a backbone that is made without pretraining."""


@dataclass(frozen=True)
class PlannedRun:
    """A run before it starts.

    Attributes:
        plan: What this run, or this shard of it, holds.
        whole: The plan before any sharding.
        missing: Groups of cells that are not in the store, or are to be run again.
        backbones: Backbones that the missing cells train on and that must be made first, as
            (text domain, name).
        store: Folder of the records.
        device: Where methods train, such as ``"cpu"`` or ``"cuda:0"``.
        workers: Number of processes; 0 stands for this one.
        options: What was asked for.
        damaged: What is wrong with files of the store that are to be set aside.
    """

    plan: Plan
    whole: Plan
    missing: tuple[Group, ...]
    backbones: tuple[tuple[str, str], ...]
    store: Path
    device: str
    workers: int
    options: RunOptions
    damaged: tuple[DamagedFile, ...] = ()

    @property
    def suite(self) -> Suite:
        """The suite as it is run: pinned, in its season, on its backbone."""
        return self.plan.suite

    @property
    def missing_cells(self) -> int:
        """Cells that are still to run."""
        return sum(len(group.cells) for group in self.missing)

    @property
    def core_seconds(self) -> float:
        """Estimated cost of what is missing on one core, seconds, pretraining included."""
        made = sum(
            PREPARING_SECONDS if parse_backbone(name).light else PRETRAINING_SECONDS
            for _, name in self.backbones
        )
        return made + sum(group.seconds for group in self.missing)

    @property
    def seconds(self) -> float:
        """Estimated wall time, seconds."""
        return self.core_seconds / max(1, self.workers)

    @property
    def methods(self) -> dict[str, dict[str, float]]:
        """Missing groups, cells and core seconds of each method, by name."""
        found: dict[str, dict[str, float]] = {}
        for group in sorted(self.missing, key=lambda group: group.entrant.name):
            entry = found.setdefault(group.entrant.name, {"groups": 0, "cells": 0, "core_seconds": 0.0})
            entry["groups"] += 1
            entry["cells"] += len(group.cells)
            entry["core_seconds"] += group.seconds
        return found

    def as_dict(self) -> dict[str, Any]:
        """The run as plain data."""
        return {
            "suite": self.suite.name,
            "cells": self.plan.n_cells,
            "groups": len(self.plan.groups),
            "missing_cells": self.missing_cells,
            "missing_groups": len(self.missing),
            "backbones": [list(entry) for entry in self.backbones],
            "core_seconds": self.core_seconds,
            "seconds": self.seconds,
            "workers": self.workers,
            "store": str(self.store),
            "methods": self.methods,
            "damaged": [error.what for error in self.damaged],
        }
