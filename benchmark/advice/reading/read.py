"""Reads a table as a log: the one function that puts the parts of ``reading`` together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmark.advice.reading.choices import Choices
from benchmark.advice.reading.encode import encode_covariate, encode_outcome
from benchmark.advice.reading.profile import CONSTANT, DATE, Column, profile_column
from benchmark.advice.reading.roles import COVARIATE, Role, guess_roles
from benchmark.advice.reading.sample import draw_sample
from benchmark.advice.reading.sources import open_source
from benchmark.contract import Log
from benchmark.contract.errors import UsageError

MOST_ROWS = 100_000
DIRECT = ("propensity", "target_propensity", "observation_propensity", "randomised")


@dataclass(frozen=True, eq=False)
class OwnLog:
    """A log of one's own, and what was done to read it.

    Attributes:
        name: What the table is called.
        log: The rows that were drawn, encoded.
        rows: Rows of the whole table.
        roles: What each column was taken for.
        notes: What was done, in sentences.
        sources: Each made column to the column that it was made of.
        placebos: Covariate names that are outcomes from before the text.
    """

    name: str
    log: Log
    rows: int
    roles: tuple[Role, ...]
    notes: tuple[str, ...]
    sources: dict[str, str] = field(repr=False)
    placebos: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """What was read, as plain data."""
        return {
            "table": self.name,
            "rows": self.rows,
            "rows_used": len(self.log),
            "outcome_kind": self.log.feedback,
            "roles": [vars(role) for role in self.roles],
            "notes": list(self.notes),
        }


def read_log(
    table: Any,
    choices: Choices | None = None,
    *,
    rows: int = MOST_ROWS,
    encoding: str | None = None,
    **columns: Any,
) -> OwnLog:
    """Read any table as a log.

    Roles are guessed and categories, dates, booleans and missing values are encoded; ``OwnLog.roles`` and
    ``OwnLog.notes`` say what was done. Of a longer table some rows are drawn at random.

    Args:
        table: A path (csv, tsv, parquet, or a folder), a ``pyarrow.Table``, a data frame or a
            ``datasets.Dataset``.
        choices: What the columns are; by default guessed.
        rows: The most rows to draw.
        encoding: Encoding of a text file; found out where not given.
        **columns: Fields of ``Choices``, such as ``outcome="clicks"``, in place of ``choices``.

    Raises:
        UsageError: If the table cannot be read, or no column can be the text or the outcome.

    Example:
        >>> import pandas as pd
        >>> import benchmark
        >>> frame = pd.DataFrame(
        ...     {"headline": ["Read this now", "Some other words"] * 30, "day": ["Mon", "Tue", "Sun"] * 20}
        ... )
        >>> frame["clicked"] = [0, 1, 1, 0, 0, 1] * 10
        >>> own = benchmark.read_log(frame)
        >>> own.log.feedback, own.log.names("covariate")
        ('binary', ('day',))
    """
    if rows < 1:
        raise UsageError("some rows must be drawn", expected="rows of at least 1", found=rows)
    chosen = choices or _choose(columns)
    source = open_source(table, encoding)
    sample = draw_sample(source.batches(), rows, source.name)
    profiles = {name: profile_column(name, sample.table.column(name)) for name in sample.table.column_names}
    if {"chosen", "rejected"} <= set(profiles):
        raise UsageError(
            "the table holds preferences",
            expected="a log of outcomes: a text and an outcome in each row",
            found="the columns chosen and rejected",
            fix="Log.from_table takes such a table; there is no advice on it yet",
        )
    roles = guess_roles(profiles, chosen)
    notes = list(dict.fromkeys(source.notes))
    if not sample.is_whole:
        notes.append(
            f"{sample.table.num_rows} of {sample.rows} rows were drawn at random, each with equal chance."
        )
    repeated = int(
        pd.util.hash_pandas_object(sample.table.to_pandas().astype(str), index=False).duplicated().sum()
    )
    if repeated:
        notes.append(f"{repeated} rows repeat another row in every column; they were kept.")
    log, sources, placebos = _make_log(profiles, roles, notes)
    return OwnLog(source.name, log, sample.rows, roles, tuple(notes), sources, placebos)


def _choose(columns: dict[str, Any]) -> Choices:
    """Choices from keyword arguments; one name stands for a tuple of one."""
    many = {"covariates", "instruments", "placebos", "ignore"}
    made: dict[str, Any] = {
        name: ((value,) if isinstance(value, str) else tuple(value))
        if name in many and value is not None
        else value
        for name, value in columns.items()
    }
    try:
        return Choices(**made)
    except TypeError as error:
        raise UsageError(
            "cannot read what the columns are", expected=", ".join(Choices.__dataclass_fields__), found=error
        ) from None


def _make_log(
    profiles: dict[str, Column], roles: tuple[Role, ...], notes: list[str]
) -> tuple[Log, dict[str, str], tuple[str, ...]]:
    by_role = {role.role: role.column for role in roles}
    text, kept = _texts(profiles[by_role["text"]], notes)
    outcome = encode_outcome(profiles[by_role["outcome"]])
    notes.append(f"{by_role['outcome']}: {outcome.note}.")
    made: dict[str, np.ndarray] = {"text": text}
    if "prompt" in by_role:
        prompts = profiles[by_role["prompt"]].values
        made["prompt"] = np.array(["" if value is None else str(value) for value in prompts], object)
    _add_outcome(made, by_role["outcome"], outcome.values, kept, notes)
    sources: dict[str, str] = {}
    placebos: list[str] = []
    for role in roles:
        column = profiles[role.column]
        if role.role in (COVARIATE, "instrument") and column.kind != CONSTANT:
            _add_encoded(made, sources, column, role.role, notes)
            if role.placebo:
                placebos.append(_safe(role.column))
        elif role.role == "unit":
            made["unit"] = pd.factorize(pd.Series(column.values).astype(str))[0]
        elif role.role in DIRECT and role.role not in made:
            made[role.role] = _numeric(column, role)
        elif role.role == "time":
            values = _numeric(column, role)
            made["time"] = np.where(np.isnan(values), np.nanmedian(values), values)
            if column.kind == DATE:
                _add_encoded(made, sources, column, COVARIATE, notes)
    table = pa.table({name: pa.array(values[kept]) for name, values in made.items()})
    return Log(table, outcome.feedback), sources, tuple(placebos)


def _texts(column: Column, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The texts, and which rows have one."""
    strings = np.array(
        ["" if value is None or value != value else str(value).strip() for value in column.values], object
    )
    kept = strings != ""
    if not kept.all():
        notes.append(f"{int((~kept).sum())} rows have no text in {column.name!r}; they were left out.")
    if not kept.any():
        raise UsageError(
            f"column {column.name!r} holds no text",
            expected="texts",
            found="empty values",
            fix="name another: --text",
        )
    return strings, kept


def _add_outcome(
    made: dict[str, np.ndarray], name: str, values: np.ndarray, kept: np.ndarray, notes: list[str]
) -> None:
    seen = np.isfinite(values)
    if not (seen & kept).any():
        raise UsageError(
            f"column {name!r} holds no outcome",
            expected="numbers, or two words",
            found="no readable value",
            fix="name another column: --outcome",
        )
    made["outcome"] = values
    if not seen[kept].all():
        made["observed"] = seen.astype(np.int8)
        notes.append(
            f"{name}: {int((~seen[kept]).sum())} rows have no outcome; they are marked in 'observed'."
        )


def _add_encoded(
    made: dict[str, np.ndarray], sources: dict[str, str], column: Column, group: str, notes: list[str]
) -> None:
    encoded = encode_covariate(column)
    notes.extend(encoded.notes)
    for name, values in encoded.columns.items():
        key = f"{group}.{_safe(name)}"
        while key in made:
            key += "_"
        made[key] = values
        sources[key.partition(".")[2]] = column.name


def _numeric(column: Column, role: Role) -> np.ndarray:
    if not column.is_numeric:
        raise UsageError(
            f"column {column.name!r} cannot be the {role.role}",
            expected="numbers" + (" or dates" if role.role == "time" else ""),
            found=f"{column.kind}, such as {', '.join(map(repr, column.examples))}",
            fix="name another column",
        )
    return column.values


def _safe(name: str) -> str:
    """A name that a role may carry behind its dot."""
    return re.sub(r"\s+", "_", name.strip()).replace(".", "_") or "column"
