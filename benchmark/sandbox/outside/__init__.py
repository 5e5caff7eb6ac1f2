"""Watches a sandboxed cell from outside, stages its files and scores its answers.

Names are imported when first used: asking whether a sandbox is possible must not load a deep
learning library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.sandbox.outside.cell import CellResult, Sandbox, Task
    from benchmark.sandbox.outside.limits import Limits
    from benchmark.sandbox.outside.probe import (
        ISOLATIONS,
        Probe,
        choose_isolation,
        list_layers,
        probe_bubblewrap,
    )

_HOMES = {
    "ISOLATIONS": "probe",
    "CellResult": "cell",
    "Limits": "limits",
    "Probe": "probe",
    "Sandbox": "cell",
    "Task": "cell",
    "choose_isolation": "probe",
    "list_layers": "probe",
    "probe_bubblewrap": "probe",
}

__all__ = [
    "ISOLATIONS",
    "CellResult",
    "Limits",
    "Probe",
    "Sandbox",
    "Task",
    "choose_isolation",
    "list_layers",
    "probe_bubblewrap",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
