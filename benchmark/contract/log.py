"""The log: a read-only pyarrow table whose column names are their roles.

A log says nothing of the world that made it: no scenario, no seed, no truth.
The same class wraps a user's own table, so methods run on real logs unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.contract.errors import UsageError
from benchmark.contract.roles import (
    FEEDBACK_KINDS,
    GROUPS,
    LOG_KINDS,
    NUMBER_ROLES,
    TEXT_ROLES,
    role_of,
)

METADATA_KEY = b"confoundbench"
PROBABILITIES = ("propensity", "target_propensity", "observation_propensity")
FLAGS = ("observed", "randomised", "tie")


@dataclass(frozen=True, eq=False)
class Log:
    """A validated table of logged impressions, one row each.

    Attributes:
        table: Columns named by role (see ``benchmark.contract.roles``).
        feedback: One of ``FEEDBACK_KINDS``; what kind of number the outcome is.

    Raises:
        UsageError: If a column is unknown, missing, of the wrong type, or holds
            values its role does not allow.
    """

    table: pa.Table
    feedback: str = "scalar"

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", _validated(self.table, self.feedback))

    # -- shape ----------------------------------------------------------------
    def __len__(self) -> int:
        return self.table.num_rows

    @property
    def kind(self) -> str:
        """``"outcome"``, ``"pairs"`` or ``"rankings"``."""
        return _kind_of(self.table.column_names)

    def has(self, role: str) -> bool:
        """Whether any column has this role."""
        return any(role_of(name) == role for name in self.table.column_names)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that some column has, sorted."""
        return tuple(sorted({role for name in self.table.column_names if (role := role_of(name))}))

    def names(self, group: str) -> tuple[str, ...]:
        """The names in a group, in column order: ``names("covariate") == ("weekday", ...)``."""
        return tuple(c.partition(".")[2] for c in self.table.column_names if role_of(c) == group and "." in c)

    # -- columns --------------------------------------------------------------
    @cached_property
    def prompts(self) -> np.ndarray:
        """Prompts, shape (n,), object dtype; empty strings where none is recorded."""
        if "prompt" not in self.table.column_names:
            return _freeze(np.full(len(self), "", dtype=object))
        return self.strings("prompt")

    @cached_property
    def texts(self) -> np.ndarray:
        """Texts, shape (n,), object dtype."""
        return self.strings("text")

    @cached_property
    def outcomes(self) -> np.ndarray:
        """Outcomes, shape (n,), float64; NaN only where ``observed`` is 0."""
        return self.numbers("outcome")

    @cached_property
    def covariates(self) -> np.ndarray:
        """Recorded covariates, shape (n, d), float64; d may be 0."""
        return self.matrix("covariate")

    def strings(self, column: str) -> np.ndarray:
        """One text column, shape (n,), object dtype, read-only."""
        return _freeze(self._column(column).to_numpy(zero_copy_only=False).astype(object))

    def numbers(self, column: str) -> np.ndarray:
        """One number column, shape (n,), float64, read-only."""
        values = self._column(column).cast(pa.float64())
        return _freeze(values.to_numpy(zero_copy_only=False).astype(np.float64))

    def matrix(self, group: str) -> np.ndarray:
        """All columns of a group side by side, shape (n, k), float64, read-only."""
        names = self.names(group)
        if not names:
            return _freeze(np.zeros((len(self), 0)))
        return _freeze(np.column_stack([self.numbers(f"{group}.{name}") for name in names]))

    def take(self, rows: np.ndarray) -> Log:
        """The log restricted to (or repeated at) some rows.

        Args:
            rows: Integer indices, shape (m,).
        """
        return Log(self.table.take(pa.array(np.asarray(rows, dtype=np.int64))), self.feedback)

    def _column(self, name: str) -> pa.ChunkedArray:
        if name not in self.table.column_names:
            raise UsageError(
                f"the log has no column {name!r}",
                expected=", ".join(self.table.column_names),
                found=repr(name),
                fix="check log.has(role) first, or declare the role in Tags.needs",
            )
        return self.table.column(name)

    # -- exchange -------------------------------------------------------------
    def write(self, path: str | Path) -> None:
        """Write as parquet; the feedback kind travels in the schema metadata."""
        pq.write_table(mark_table(self.table, self.feedback), path)

    @classmethod
    def read(cls, path: str | Path) -> Log:
        """Read a log written by ``write`` (or any parquet table with role-named columns)."""
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise UsageError(
                f"cannot read a log from {str(path)!r}", expected="a parquet file", found=error
            ) from error
        return cls.from_table(table)

    @classmethod
    def from_table(
        cls, table: Any, roles: Mapping[str, str] | None = None, feedback: str | None = None
    ) -> Log:
        """A log from any table whose columns already hold what their roles ask for.

        ``benchmark.read_log`` guesses roles and encodes categories, dates and missing values.

        Args:
            table: A ``pyarrow.Table``, a data frame of pandas or polars, or a ``datasets.Dataset``.
            roles: Column name to role (``{"headline": "text", "day": "covariate.day"}``);
                columns not named are dropped. Without it the columns must be role-named.
            feedback: Kind of outcome; by default read from the metadata, else "binary" where every
                outcome is 0 or 1 and both occur, else "scalar".

        Raises:
            UsageError: If a column is missing, or two columns have the same role.
        """
        if hasattr(table, "with_format"):
            return cls.from_dataset(table, roles, feedback)
        table = _as_arrow(table)
        found = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
        if roles is not None:
            missing = [name for name in roles if name not in table.column_names]
            if missing:
                raise UsageError(
                    "roles name columns that the table does not have",
                    expected=", ".join(table.column_names),
                    found=", ".join(missing),
                )
            twice = sorted({role for role in roles.values() if list(roles.values()).count(role) > 1})
            if twice:
                raise UsageError(
                    "two columns have the same role",
                    expected="one column for each role",
                    found="; ".join(
                        f"{role}: {', '.join(name for name in roles if roles[name] == role)}"
                        for role in twice
                    ),
                    fix="leave one of them out, or name a group's columns apart, such as covariate.day",
                )
            table = pa.table({role: table.column(name) for name, role in roles.items()})
        return cls(table, feedback or found.get("feedback") or _guess_feedback(table))

    def to_dataset(self) -> Any:
        """The log as a ``datasets.Dataset``; the feedback kind travels in its description."""
        from datasets import Dataset, DatasetInfo

        return Dataset(self.table, info=DatasetInfo(description=_describe(self.feedback)))

    @classmethod
    def from_dataset(
        cls, dataset: Any, roles: Mapping[str, str] | None = None, feedback: str | None = None
    ) -> Log:
        """A log from a ``datasets.Dataset``; see ``from_table`` for the arguments."""
        table = dataset.with_format("arrow")[:]
        description = (dataset.info.description or "").encode()
        if description.startswith(b"{"):
            table = table.replace_schema_metadata({METADATA_KEY: description})
        return cls.from_table(table, roles, feedback)


def _as_arrow(table: Any) -> pa.Table:
    """A table of Arrow from whatever can be exported to it."""
    if isinstance(table, pa.Table):
        return table
    try:
        made = pa.table(table)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise UsageError(
            "cannot make a log of this",
            expected="a pyarrow.Table, a data frame, or a datasets.Dataset",
            found=f"{type(table).__name__}: {error}",
            fix="benchmark.read_log takes files and columns of mixed types",
        ) from error
    metadata = table.schema.metadata if hasattr(table, "schema") else None
    return made.replace_schema_metadata(metadata if isinstance(metadata, dict) else None)


def _guess_feedback(table: pa.Table) -> str:
    if "chosen" in table.column_names:
        return "preference"
    if "outcome" not in table.column_names:
        return "scalar"
    values = {value for value in table.column("outcome").unique().to_pylist() if value == value}
    return "binary" if values - {None} == {0, 1} else "scalar"


def mark_table(table: pa.Table, feedback: str) -> pa.Table:
    """A log's table with its feedback kind in the schema metadata, as ``Log.read`` finds it."""
    return table.replace_schema_metadata({METADATA_KEY: _describe(feedback).encode()})


def _describe(feedback: str) -> str:
    return json.dumps({"version": 1, "feedback": feedback}, sort_keys=True)


def _freeze(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values


def _kind_of(columns: list[str]) -> str:
    kinds = [kind for kind, needed in LOG_KINDS.items() if all(c in columns for c in needed)]
    if len(kinds) != 1:
        raise UsageError(
            "a log needs exactly one kind of feedback",
            expected="; or ".join(" + ".join(needed) for needed in LOG_KINDS.values()),
            found=", ".join(columns) or "no columns",
            fix="rename columns, or pass roles={'your column': 'text', ...}",
        )
    return kinds[0]


def _validated(table: pa.Table, feedback: str) -> pa.Table:
    if not isinstance(table, pa.Table):
        raise UsageError("a log wraps a pyarrow table", expected="pyarrow.Table", found=type(table))
    if feedback not in FEEDBACK_KINDS:
        raise UsageError("unknown feedback kind", expected=FEEDBACK_KINDS, found=repr(feedback))
    kind = _kind_of(table.column_names)
    if table.num_rows == 0:
        raise UsageError("the log is empty", expected="at least one row", found="0 rows")
    columns = {name: _validated_column(table, name, kind) for name in table.column_names}
    return pa.table(columns)


def _validated_column(table: pa.Table, name: str, kind: str) -> pa.ChunkedArray:
    role, column = role_of(name), table.column(name)
    if role is None:
        raise UsageError(
            f"column {name!r} has no role",
            expected="a role ("
            + ", ".join((*TEXT_ROLES, *NUMBER_ROLES))
            + ") or GROUP.NAME with GROUP in "
            + ", ".join(GROUPS),
            found=repr(name),
            fix="drop the column or pass roles={...}",
        )
    if role in TEXT_ROLES:
        return _validated_text(name, column)
    return _validated_number(table, name, column)


def _validated_text(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise UsageError(f"column {name!r} must hold text", expected="string", found=column.type)
    if column.null_count:
        raise UsageError(
            f"column {name!r} has empty cells", expected="no nulls", found=f"{column.null_count} nulls"
        )
    return column


def _validated_number(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise UsageError(
            f"column {name!r} must hold numbers",
            expected="int or float",
            found=kind,
            fix="benchmark.read_log encodes categories, dates and missing values",
        )
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    bad = ~np.isfinite(values)
    if name == "outcome" and "observed" in table.column_names:
        seen = table.column("observed").cast(pa.float64()).to_numpy(zero_copy_only=False)
        bad &= seen != 0
    if bad.any():
        raise UsageError(
            f"column {name!r} has missing or infinite values",
            expected="finite numbers" + (" (NaN only where observed = 0)" if name == "outcome" else ""),
            found=f"{int(bad.sum())} bad rows, the first at row {int(np.argmax(bad))}",
            fix="drop those rows" + (" or mark them in an 'observed' column" if name == "outcome" else ""),
        )
    if name in PROBABILITIES and ((values <= 0) | (values > 1)).any():
        raise UsageError(
            f"column {name!r} must hold probabilities",
            expected="values in (0, 1]",
            found=f"minimum {values.min():g}, maximum {values.max():g}",
        )
    if name in FLAGS and not np.isin(values, (0, 1)).all():
        raise UsageError(f"column {name!r} must hold 0 or 1", found=f"values such as {values[0]:g}")
    return column
