"""Engines: where groups of cells are worked on. An engine knows workers and clocks, no methods."""

from benchmark.runs.engines.base import CellResult, Workbench, WorkbenchFactory

__all__ = ["CellResult", "Workbench", "WorkbenchFactory"]
