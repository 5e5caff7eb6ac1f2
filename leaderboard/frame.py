"""Records to one checked table: what was measured, what is missing and what failed.

Knows the columns of a record and nothing of the worlds or methods behind them.
Nothing is dropped silently: a duplicate is refused, a gap is listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from benchmark.contract.errors import IncompleteError, UsageError, unknown_name
from benchmark.contract.records import (
    STATUSES,
    TWIN,
    ExpectedCell,
    SuiteIdentity,
    list_records,
    read_expected,
    read_reasons,
    read_records,
)
from leaderboard.ledger import Ledger, count_attempts

CELL = ["scenario", "seed", "backbone"]
FIT = [*CELL, "fitted_on"]
REQUIRED = (
    *("suite", "suite_version", "season", "scenario", "family", "strength", "n", "seed", "method", "track"),
    *("kind", "backbone", "status", "reason", "adjusts", "policy", "canary", "role", "submission"),
    *("fitted_on", "board"),
    *("cell_naive_rho", "cell_effect_scale", "cell_roles", "metric.rho"),
)
FAILED = ("failed", "invalid", "timeout", "memory")
UNGUARDED = " (not isolated)"


@dataclass(frozen=True, eq=False)
class Frame:
    """Checked records of one suite, or of several that share no backbone.

    Attributes:
        records: One row a (entrant, cell), sorted; column ``entrant`` names a method, with
            the start of its file's digest where it was submitted. These are the fits on logs, and the
            ceiling's.
        absent: Rows that should be there: columns ``entrant``, ``scenario``, ``seed``, ``backbone``,
            ``fitted_on``. All cells that a run planned are expected, and of a scenario every seed that any
            entrant has.
        suite: Name of the suite; of several their names, joined by " + ".
        version: Version of the suite, likewise.
        season: Season of the worlds.
        attempts: For each submitted name, how many files its author has added so far, under any name.
        reasons: Why each scenario is in the suite, by scenario, where the plan says so.
        twins: As ``records``, of the fits on entrants' own views of the randomised twin.
    """

    records: pd.DataFrame
    absent: pd.DataFrame
    suite: str
    version: str
    season: str
    attempts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    twins: pd.DataFrame = field(default_factory=pd.DataFrame)

    def of_role(self, *roles: str) -> pd.DataFrame:
        """The records of some roles."""
        return self.records[self.records["role"].isin(roles)]

    @property
    def infrastructure(self) -> pd.DataFrame:
        """Records of cells the machine failed, never imputed."""
        both = pd.concat([self.records, self.twins])
        return both[both["status"] == "infrastructure"]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is absent and the machine failed no cell."""
        return self.absent.empty and self.infrastructure.empty


def read(store: str | Path, suite: str | None = None) -> Frame:
    """Read and check every ``records-*.parquet`` of a store.

    Args:
        store: Folder with record files.
        suite: Name of the suite to keep, where the store holds several.

    Raises:
        UsageError: If the folder does not exist or its records are malformed or mixed.
        IncompleteError: If it holds no records.
    """
    folder = Path(store)
    if not folder.is_dir():
        raise UsageError(
            f"there is no store {str(store)!r}",
            expected="a folder written by `confoundbench run`",
            found="no such folder",
            fix="run `confoundbench run --store DIR` first",
        )
    files, table = list_records(folder), read_records(folder)
    if not table.num_rows:
        raise IncompleteError(
            f"the store {str(store)!r} holds no records",
            expected="at least one records-KEY.parquet",
            found=f"{len(files)} record files without rows" if files else "none",
            fix="run `confoundbench run --store DIR` first",
        )
    frame = from_table(table, suite)
    identities = _identify(frame.records)
    promised = [cell for identity in identities for cell in read_expected(folder, identity)]
    planned = pd.DataFrame(promised, columns=ExpectedCell._fields)
    expected = planned.assign(entrant=_name_entrants(planned))
    every = pd.concat([frame.records, frame.twins])
    absent = pd.concat([frame.absent, _find_unrecorded(expected, every)]).drop_duplicates()
    absent = absent.sort_values(["entrant", *FIT], ignore_index=True)
    reasons = {key: why for identity in identities for key, why in read_reasons(folder, identity).items()}
    attempts = count_attempts(Ledger(folder).read())
    return replace(frame, absent=absent, attempts=attempts, reasons=reasons)


def from_table(table: pa.Table | pd.DataFrame, suite: str | None = None) -> Frame:
    """Check records.

    Args:
        table: One row a cell, columns as ``benchmark.contract.records`` describes.
        suite: Name of the suite to keep, where there are several.

    Raises:
        UsageError: If columns are missing, a status is unknown, a cell is recorded twice
            or several suites, versions or seasons are mixed.
    """
    records = table.copy() if isinstance(table, pd.DataFrame) else table.to_pandas()
    lacking = [name for name in REQUIRED if name not in records.columns]
    if lacking:
        raise UsageError(
            "the records lack columns", expected=", ".join(REQUIRED), found="without " + ", ".join(lacking)
        )
    unknown = sorted(set(records["status"]) - set(STATUSES))
    if unknown:
        raise UsageError("unknown status", expected=", ".join(STATUSES), found=", ".join(unknown))
    records = _one_suite(records, suite)
    records["submission"] = records["submission"].fillna("")
    records["entrant"] = _name_entrants(records)
    if "label" not in records.columns:
        records["label"] = records["method"]
    if "isolation" not in records.columns:
        records["isolation"] = ""
    records["isolation"] = records["isolation"].fillna("")
    records["label"] = records["label"].mask(records["isolation"] == "none", records["label"] + UNGUARDED)
    _refuse_duplicates(records)
    records = _fill_cell_facts(records)
    records = _mark_unscored(records).sort_values(["entrant", "role", *FIT], kind="stable", ignore_index=True)
    identities = _identify(records)
    on_twin = (records["fitted_on"] == TWIN) & (records["role"] != "ceiling")
    return Frame(
        records[~on_twin].reset_index(drop=True),
        _find_absent(records),
        " + ".join(identity.name for identity in identities),
        " + ".join(identity.version for identity in identities),
        identities[0].season,
        twins=records[on_twin].reset_index(drop=True),
    )


def _one_suite(records: pd.DataFrame, suite: str | None) -> pd.DataFrame:
    if suite is not None:
        names = sorted(set(records["suite"]))
        if suite not in names:
            raise unknown_name("suite", suite, names)
        records = records[records["suite"] == suite]
    found = records[["suite", "suite_version", "season"]].drop_duplicates()
    trained = records[["suite", "suite_version", "season", "backbone"]].drop_duplicates()
    alone = not found["suite"].duplicated().any() and not trained["backbone"].duplicated().any()
    if len(found) > 1 and not (alone and found["season"].nunique() == 1):
        raise UsageError(
            "the store mixes suites, versions or seasons, which are never ranked together",
            expected="one suite and version for each backbone, and one season",
            found="; ".join(sorted(" ".join(map(str, row)) for row in found.itertuples(index=False))),
            fix="name one with --suite, or use one store a suite",
        )
    return records.copy()


def _identify(records: pd.DataFrame) -> list[SuiteIdentity]:
    """The suites of some records, sorted; methods of different ones trained on different backbones."""
    found = records[["suite", "suite_version", "season"]].drop_duplicates()
    return sorted(SuiteIdentity(*map(str, row)) for row in found.itertuples(index=False))


def _refuse_duplicates(records: pd.DataFrame) -> None:
    twice = records[records.duplicated(["entrant", "role", *FIT], keep=False)]
    if len(twice):
        worst = twice.iloc[0]
        raise UsageError(
            "a cell is recorded more than once",
            expected="one record for each method, scenario, seed, backbone and what it was fitted on",
            found=f"{len(twice)} rows; {worst['entrant']} on {worst['scenario']} seed {worst['seed']}",
            fix="the store mixes results of different versions; start a new store",
        )


def _fill_cell_facts(records: pd.DataFrame) -> pd.DataFrame:
    """Facts of a cell that a failed record may lack, taken from the others of the same cell."""
    records["kind"] = records["kind"].replace("", None)
    records["cell_roles"] = records["cell_roles"].replace("", None)
    records["board"] = records["board"].replace("", None)
    names = ["kind", "board", "cell_naive_rho", "cell_effect_scale", "cell_roles"]
    facts = records.groupby(CELL)[names].transform("first")
    records[facts.columns] = facts
    records["kind"] = records["kind"].fillna("unknown")
    records["board"] = records["board"].fillna("")
    records["cell_roles"] = records["cell_roles"].fillna("")
    return records


def _mark_unscored(records: pd.DataFrame) -> pd.DataFrame:
    """Mark cells invalid that are ok without a rho where rho is defined, because NaN is a failure."""
    unscored = (records["status"] == "ok") & records["metric.rho"].isna() & records["cell_naive_rho"].notna()
    records.loc[unscored, "status"] = "invalid"
    records.loc[unscored, "reason"] = "no rho in a cell where rho is defined"
    return records


def _find_absent(records: pd.DataFrame) -> pd.DataFrame:
    """Every (entrant, seed) expected for a scenario of which the entrant has another seed."""
    cells = records[CELL].drop_duplicates()
    begun = records[["entrant", "scenario", "backbone", "fitted_on"]].drop_duplicates()
    return _find_unrecorded(begun.merge(cells, on=["scenario", "backbone"]), records)


def _find_unrecorded(expected: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """The cells of entrants that have no record, sorted."""
    columns = ["entrant", *FIT]
    seen = pd.MultiIndex.from_frame(records[columns])
    gone = expected[~pd.MultiIndex.from_frame(expected[columns]).isin(seen)]
    return gone[columns].sort_values(columns, ignore_index=True)


def _name_entrants(rows: pd.DataFrame) -> pd.Series:
    """A method's name, with the start of its file's digest where it was submitted."""
    short = rows["submission"].str.slice(0, 8)
    return rows["method"].where(short == "", rows["method"] + "@" + short)
