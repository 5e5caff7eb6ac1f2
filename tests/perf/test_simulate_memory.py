"""A log of any length streams to disk: memory does not grow with its rows."""

from __future__ import annotations

import subprocess
import sys

import pytest

PEAK = """
import resource, sys
from pathlib import Path
import simulators
from benchmark.commands.simulation import write_arm
from benchmark.contract import Streams

world = simulators.build("observed", {}, Streams("tests", "observed", 0))
folder, rows = Path(sys.argv[1]), int(sys.argv[2])
write_arm(world, rows, "log", folder / "log.parquet", folder / "truth.parquet", lambda written: None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
GIGABYTE = 2**30 if sys.platform == "darwin" else 2**20  # ru_maxrss counts bytes there, kilobytes here


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path):
    """Three times the rows take less than a tenth more, so ten million stay far below 2 GB."""

    def peak(rows):
        told = subprocess.run(
            [sys.executable, "-c", PEAK, str(tmp_path), str(rows)], capture_output=True, text=True, check=True
        )
        return int(told.stdout)

    few, many = peak(400_000), peak(1_200_000)
    assert many < 1.1 * few
    assert many < GIGABYTE
