"""A log of any length streams to disk: memory does not grow with its rows."""

from __future__ import annotations

import subprocess
import sys

import pytest

PEAK = """
import sys
from pathlib import Path
import simulators
from benchmark.tasks.simulate import write_rows
from benchmark.contract import Streams

parameters = {"prompts": sys.argv[3], "texture": sys.argv[4]}
world = simulators.build("observed", parameters, Streams("tests", "observed", 0))
folder, rows = Path(sys.argv[1]), int(sys.argv[2])
write_rows(world, rows, "log", folder / "log.parquet", folder / "truth.parquet", lambda written: None)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
LIMIT = 500_000  # kilobytes


# A child's ru_maxrss starts from its parent's; the peak of its own memory map is in /proc alone.
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.slow
@pytest.mark.parametrize(("prompts", "texture"), [("6", "plain"), ("unique", "lifelike")])
def test_memory_does_not_grow_with_the_rows(tmp_path, prompts, texture):
    """Three times the rows take less than a tenth more, so ten million stay below 500 MB."""

    def peak(rows):
        command = [sys.executable, "-c", PEAK, str(tmp_path), str(rows), prompts, texture]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(told.stdout)

    few, many = peak(400_000), peak(1_200_000)
    assert many < 1.1 * few
    assert many < LIMIT
