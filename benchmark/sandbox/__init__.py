"""Runs submitted files where simulators, truth and results do not exist."""

from benchmark.sandbox.cell import CellResult, Sandbox, Task
from benchmark.sandbox.limits import Limits
from benchmark.sandbox.probe import ISOLATIONS, Probe, choose_isolation, probe_bubblewrap

__all__ = [
    "ISOLATIONS",
    "CellResult",
    "Limits",
    "Probe",
    "Sandbox",
    "Task",
    "choose_isolation",
    "probe_bubblewrap",
]
