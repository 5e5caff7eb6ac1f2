"""Published results take over a store's records: what was published of the repository's methods goes."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmark.contract.errors import IncompleteError
from benchmark.contract.records import list_plans, list_records, read_columns
from leaderboard.frame import read


def adopt_store(store: str | Path, results: str | Path) -> int:
    """Replace the published records and plans by a store's; submissions that were added stay.

    Predictions are left where they are: they are large, and nothing that is published needs them.

    Args:
        store: Folder written by ``confoundbench run``, complete.
        results: Folder of published records; made if need be.

    Returns:
        Number of files copied.

    Raises:
        UsageError: If the store is not a store of one suite.
        IncompleteError: If cells of the store are missing; nothing is changed then.
    """
    frame, target = read(store), Path(results)
    if not frame.is_complete:
        raise IncompleteError(
            "only a complete store is published",
            expected="a record for every planned cell",
            found=f"{len(frame.absent)} missing, {len(frame.infrastructure)} failed by the machine",
            fix="run the suite again; finished cells are kept",
        )
    target.mkdir(parents=True, exist_ok=True)
    replaced = [path for path in list_records(target) if not _is_submitted(path)]
    for old in (*replaced, *list_plans(target)):
        old.unlink()
    fresh = (*list_records(Path(store)), *list_plans(Path(store)))
    for path in fresh:
        shutil.copyfile(path, target / path.name)
    return len(fresh)


def _is_submitted(path: Path) -> bool:
    return "" not in read_columns(path, "submission")["submission"]
