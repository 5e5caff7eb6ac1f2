"""What an engine and a workbench agree on, and the engine that works in this very process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmark.contract import Predictions
from benchmark.runs.plan import Group

Finished = Iterator[tuple[Group, list["CellResult"]]]


@dataclass(frozen=True, eq=False)
class CellResult:
    """How one cell ended.

    Attributes:
        status: One of ``benchmark.contract.records.STATUSES``.
        reason: Why, where the status is not ok.
        predictions: The method's answers, or None.
        row: Record columns known to whoever ran the cell.
    """

    status: str
    reason: str = ""
    predictions: Predictions | None = None
    row: Mapping[str, Any] = field(default_factory=dict)


class Workbench(Protocol):
    """Runs cells; made once in each worker, so that it may keep what cells share."""

    def split(self, group: Group, indices: Sequence[int]) -> list[tuple[int, ...]]:
        """Cells of a group in the batches in which they are run."""
        ...

    def run(self, group: Group, indices: Sequence[int]) -> list[CellResult]:
        """Run a batch of cells; a failing cell is a result, never an exception."""
        ...


WorkbenchFactory = Callable[[], Workbench]


def run_inline(groups: Iterable[Group], factory: WorkbenchFactory) -> Finished:
    """Run groups here, one after the other; nothing can be stopped for taking too long."""
    bench = factory()
    for group in groups:
        results: dict[int, CellResult] = {}
        for batch in bench.split(group, range(len(group.cells))):
            results.update(zip(batch, bench.run(group, batch), strict=True))
        yield group, [results[index] for index in range(len(group.cells))]
