"""A workbench without worlds or methods; imported by worker processes too."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.contract import Predictions
from benchmark.runs.engines import CellResult


@dataclass(frozen=True)
class FakeBench:
    """Runs cells by their seed: the method's name says what happens at seed 1.

    Attributes:
        diary: Folder that gets one file for each time a cell is begun.
    """

    diary: Path

    def split(self, group, indices):
        return [(index,) for index in indices]

    def run(self, group, indices):
        return [self._cell(group, group.cells[index]) for index in indices]

    def _cell(self, group, cell):
        name = group.entrant.name
        stem = f"{name}-{cell.scenario.family}-{cell.seed}"
        times = len(list(self.diary.glob(f"{stem}.*")))
        (self.diary / f"{stem}.{times}").write_text(str(os.getpid()))
        if name.startswith("slow"):
            time.sleep(0.3)
        if cell.seed == 1:
            if name == "hangs" or (name == "hangs-once" and not times):
                time.sleep(60)
            if name == "dies" or (name == "dies-once" and not times):
                os._exit(9)
            if name == "refuses":
                return CellResult("incompatible", "no such column")
        return CellResult(
            "ok", "", Predictions(np.array([float(cell.seed), 0.5])), {"metric.rho": 0.1 * cell.seed}
        )
