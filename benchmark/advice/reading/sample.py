"""Draws rows from a stream of batches, each with equal chance, and counts what all rows hold.

A row is drawn when its random key is among the smallest, so one pass suffices and memory is bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import make_rng

MISSING_WORDS = ("", "na", "n/a", "nan", "null", "none", "-", "?", "#n/a", "nil", "missing")


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of a table.

    Attributes:
        table: The drawn rows in their order.
        rows: Rows of the whole table.
        missing: Missing values of each column in the whole table.
    """

    table: pa.Table
    rows: int
    missing: Counter[str]

    @property
    def is_whole(self) -> bool:
        """Whether every row was drawn."""
        return self.table.num_rows == self.rows


def draw_sample(batches: Iterable[pa.RecordBatch], most: int, name: str = "the table") -> Sample:
    """Draw at most some rows.

    Args:
        batches: Batches with the same columns.
        most: The most rows to draw, at least 1.
        name: What the table is called in messages.

    Raises:
        UsageError: If there are no rows.
    """
    rng = make_rng("advice", "sample")
    kept: list[pa.Table] = []
    keys: list[np.ndarray] = []
    rows, bound, missing = 0, 1.0, Counter[str]()
    for batch in batches:
        rows += batch.num_rows
        for column, values in zip(batch.schema.names, batch.columns, strict=True):
            missing[column] += int(pc.sum(is_missing(values)).as_py() or 0)
        key = rng.random(batch.num_rows)
        chosen = np.flatnonzero(key < bound)
        kept.append(pa.Table.from_batches([batch.take(pa.array(chosen))]))
        keys.append(key[chosen])
        if sum(map(len, keys)) > 2 * most:
            bound = _keep_smallest(kept, keys, most)
    if not rows:
        raise UsageError(f"{name} has no rows", expected="at least one row", found="0 rows")
    _keep_smallest(kept, keys, most)
    return Sample(kept[0], rows, missing)


def is_missing(values: pa.Array) -> pa.Array:
    """Which values are missing: nulls, NaN, blank texts, and words such as ``NA``."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        short = pc.less_equal(pc.binary_length(values), 32)
        plain = pc.utf8_lower(pc.utf8_trim_whitespace(pc.if_else(short, values, "x")))
        absent = pc.is_in(plain, value_set=pa.array(MISSING_WORDS, plain.type))
        return pc.fill_null(pc.or_kleene(pc.is_null(values), absent), True)
    return pc.is_null(values, nan_is_null=True)


def _keep_smallest(kept: list[pa.Table], keys: list[np.ndarray], most: int) -> float:
    """Keep the rows with the smallest keys, in their order; returns the largest key kept."""
    table = pa.concat_tables(kept, promote_options="permissive")
    key = np.concatenate(keys)
    bound = 1.0
    if len(key) > most:
        bound = float(np.partition(key, most - 1)[most - 1])
        chosen = np.flatnonzero(key <= bound)[:most]
        table, key = table.take(pa.array(chosen)), key[chosen]
    kept[:], keys[:] = [table.combine_chunks()], [key]
    return bound
