"""The columns of a record, one flat row a cell, and tables of such rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from benchmark.contract.records.metrics import METRICS
from benchmark.contract.records.statuses import STATUSES

ROLES = ("method", "naive", "ceiling", "canary")
LOG, TWIN = "log", "twin"
FITTED_ON = (LOG, TWIN)
BOARDS = {
    "recorded": "what confounds is in the log",
    "auxiliary": "something else in the log identifies the effect",
    "preferences": "people compared texts",
    "unidentified": "nothing in the log identifies the effect",
    "controls": "controls, where it is known what should come out",
}

COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "suite": (pa.string(), "name of the suite"),
    "suite_version": (pa.string(), "version of the suite"),
    "season": (pa.string(), "season of the worlds; another season has other worlds"),
    "scenario": (pa.string(), "canonical scenario id"),
    "family": (pa.string(), "scenario family"),
    "strength": (pa.float64(), "confounding strength; NaN where the family has no such parameter"),
    "n": (pa.int64(), "rows of the log"),
    "seed": (pa.int64(), "world seed"),
    "method": (pa.string(), "method name"),
    "label": (pa.string(), "name shown on the board"),
    "track": (pa.string(), "what the method may see: log, propensity, slice or oracle"),
    "kind": (pa.string(), "kind of log: outcome, pairs or rankings"),
    "backbone": (pa.string(), "what methods trained on"),
    "device": (pa.string(), "device class the cell ran on"),
    "precision": (pa.string(), "floating-point precision"),
    "status": (pa.string(), "one of " + ", ".join(STATUSES)),
    "reason": (pa.string(), "why the status is not ok; empty otherwise"),
    "adjusts": (pa.bool_(), "whether the method claims to remove confounding"),
    "policy": (pa.bool_(), "whether the fitted method writes texts"),
    "canary": (pa.bool_(), "whether the method is a control with a known result, which is not ranked"),
    "role": (pa.string(), "one of " + ", ".join(ROLES)),
    "submission": (pa.string(), "SHA-256 of a submitted file; empty for methods of the repository"),
    "fitted_on": (
        pa.string(),
        "what the method was fitted on: log, or twin for the randomised twin; the ceiling has its own twin",
    ),
    "board": (pa.string(), "one of " + ", ".join(BOARDS) + "; by what identifies the effect in the cell"),
    "isolation": (
        pa.string(),
        "sandbox of a submitted file: bubblewrap or none; empty for methods of the repository",
    ),
    "cell_naive_rho": (pa.float64(), "exact rho of the confounded limit on the cell's pairs"),
    "cell_effect_scale": (pa.float64(), "largest absolute true effect of the cell"),
    "cell_roles": (pa.string(), "roles of the columns of the cell's log, separated by blanks"),
    "favourites": (pa.string(), "JSON: texts that the method likes most and their truth; first seed only"),
    "meter.wall_s": (pa.float64(), "wall seconds of fitting and answering"),
    "meter.peak_mb": (pa.float64(), "peak memory of the worker, MB"),
    "meter.tokens": (pa.float64(), "tokens trained on, scored and sampled"),
    "meter.flops": (pa.float64(), "counted floating-point operations"),
}
METER_PREFIX, METRIC_PREFIX, DIAGNOSTIC_PREFIX = "meter.", "metric.", "diagnostic."
# Together these name a cell: a store holds one record of each.
CELL_IDENTITY = (
    *("suite", "suite_version", "season", "scenario", "seed"),
    *("method", "role", "submission", "backbone", "fitted_on"),
)


def name_columns(
    scores: Mapping[str, float], meters: Mapping[str, float], diagnostics: Mapping[str, float]
) -> dict[str, float]:
    """Numbers of a cell under the names of their columns.

    Example:
        >>> name_columns({"rho": 0.5}, {"wall_s": 2}, {})
        {'metric.rho': 0.5, 'meter.wall_s': 2.0}
    """
    parts = ((METRIC_PREFIX, scores), (METER_PREFIX, meters), (DIAGNOSTIC_PREFIX, diagnostics))
    return {f"{prefix}{name}": float(value) for prefix, values in parts for name, value in values.items()}


def make_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table with every known column, and diagnostics as found.

    Args:
        rows: One mapping a cell; columns left out are null (text), NaN (numbers) or false.
    """
    rows = list(rows)
    kinds = {name: kind for name, (kind, _) in COLUMNS.items()}
    kinds |= {f"{METRIC_PREFIX}{metric.name}": pa.float64() for metric in METRICS}
    found = sorted({name for row in rows for name in row if name.startswith(DIAGNOSTIC_PREFIX)})
    kinds |= {name: pa.float64() for name in found}
    columns = {}
    for name, kind in kinds.items():
        empty = float("nan") if kind == pa.float64() else "" if kind == pa.string() else False
        empty = 0 if kind == pa.int64() else empty
        columns[name] = pa.array([row.get(name, empty) for row in rows], kind)
    return pa.table(columns)


def add_missing_columns(table: pa.Table) -> pa.Table:
    """Records written before own twins existed, with the columns that say so; others as they are."""
    if "board" not in table.column_names:
        table = table.append_column("board", pa.array([""] * table.num_rows, pa.string()))
    if "fitted_on" not in table.column_names:
        roles = table.column("role").to_pylist()
        on = [TWIN if role == "ceiling" else LOG for role in roles]
        table = table.append_column("fitted_on", pa.array(on, pa.string()))
    return table


def widen(table: pa.Table) -> pa.Table:
    """A table whose numbers of single precision have double precision, as everywhere else."""
    wide = [f.with_type(pa.float64()) if f.type == pa.float32() else f for f in table.schema]
    return table.cast(pa.schema(wide))


def join_tables(tables: Iterable[pa.Table]) -> pa.Table:
    """Tables one below the other; a diagnostic that a table lacks is NaN."""
    tables = list(tables)
    if not tables:
        return make_table([])
    joined = pa.concat_tables(tables, promote_options="default")
    for index, field in enumerate(joined.schema):
        if field.type == pa.float64() and joined.column(index).null_count:
            filled = joined.column(index).fill_null(float("nan"))
            joined = joined.set_column(index, field, filled)
    return joined
