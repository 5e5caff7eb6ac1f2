"""What a store holds, as it was when it was read: which cells, how they ended, and what is damaged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from benchmark.contract.errors import DamagedFile
from benchmark.contract.records import ALWAYS_RETRIED, CELL_IDENTITY

identify = itemgetter(*CELL_IDENTITY)
"""The cell that a record is about, as a tuple."""


@dataclass(frozen=True)
class StoreIndex:
    """What a store holds, read once.

    Attributes:
        cells: Which group holds each cell's record, by the cell's identity.
        statuses: Status of each cell of a group, in the group's order, by the group's key.
        damaged: What is wrong with files that are not what was written, by group's key or file's name.
    """

    cells: dict[tuple[Any, ...], str] = field(default_factory=dict)
    statuses: dict[str, list[str]] = field(default_factory=dict)
    damaged: dict[str, DamagedFile] = field(default_factory=dict)

    def is_stored(self, key: str, retry: Collection[str] = ()) -> bool:
        """Whether a group need not run again.

        Args:
            key: The group's key.
            retry: Statuses to run again; ``infrastructure`` is always run again.
        """
        return key in self.statuses and not {*retry, ALWAYS_RETRIED} & set(self.statuses[key])

    def add(self, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Note a group that was stored."""
        self.cells.update(dict.fromkeys(map(identify, rows), key))
        self.statuses[key] = [row["status"] for row in rows]
