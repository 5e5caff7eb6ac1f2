"""True labels in place of recorded ones, for a reference row: what is lost without noise and confounding.

Only ``Task.view`` calls this, and only for the reference ``dpo-true-labels``; no submission ever sees it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from benchmark.contract import Log
from simulators.protocols import Truth

RANKED = ("first", "second", "third")


def label_truly(log: Log, truth: Truth) -> Log:
    """A log of the same texts with outcomes that are true rewards, or pairs and rankings in true order.

    Args:
        log: Any log.
        truth: The truth of its world.
    """
    context = {name: log.numbers(f"context.{name}") for name in log.names("context")} or None

    def reward(column: str) -> np.ndarray:
        return np.asarray(truth.reward(log.prompts, log.strings(column), context), dtype=np.float64)

    if log.kind == "outcome":
        return _with(log, {"outcome": reward("text")})
    columns = ("chosen", "rejected") if log.kind == "pairs" else RANKED
    texts = np.stack([log.strings(column) for column in columns])
    order = np.argsort(-np.stack([reward(column) for column in columns]), axis=0, kind="stable")
    changed: dict[str, np.ndarray] = dict(zip(columns, np.take_along_axis(texts, order, axis=0), strict=True))
    if log.has("tie"):
        changed["tie"] = np.zeros(len(log), dtype=np.int8)
    return _with(log, changed)


def _with(log: Log, columns: dict[str, np.ndarray]) -> Log:
    table = log.table
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    return Log(table, "scalar" if log.kind == "outcome" else log.feedback)
