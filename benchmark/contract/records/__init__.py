"""Records: one flat row a cell, the only thing the leaderboard ever reads, and the files they lie in.

The format stands here and nowhere else: whoever writes or reads records, plans or bundles does so
through these names. ``docs/records.md`` describes it for readers.
"""

from benchmark.contract.records.bundles import MANIFEST, SOURCE, name_bundle, read_bundle, seal_bundle
from benchmark.contract.records.columns import (
    CELL_IDENTITY,
    COLUMNS,
    DIAGNOSTIC_PREFIX,
    METER_PREFIX,
    METRIC_PREFIX,
    ROLES,
    join_tables,
    make_table,
    name_columns,
)
from benchmark.contract.records.groups import (
    DAMAGED,
    SUPERSEDED,
    join_damage,
    key_of,
    list_records,
    name_predictions,
    name_records,
    name_run,
    pack_predictions,
    read_columns,
    read_group,
    read_records,
    read_rows,
    set_aside,
    unpack_predictions,
    write_records,
)
from benchmark.contract.records.metrics import METRICS, Metric
from benchmark.contract.records.plans import (
    ExpectedCell,
    SuiteIdentity,
    list_damaged_plans,
    list_plans,
    read_expected,
    write_expected,
)
from benchmark.contract.records.seals import Seal, damaged, digest
from benchmark.contract.records.signatures import KEY_BYTES, find_owner, make_key, sign
from benchmark.contract.records.statuses import ALWAYS_RETRIED, REASON_LENGTH, STATUSES, status_of

__all__ = [
    "ALWAYS_RETRIED",
    "CELL_IDENTITY",
    "COLUMNS",
    "DAMAGED",
    "DIAGNOSTIC_PREFIX",
    "KEY_BYTES",
    "MANIFEST",
    "METER_PREFIX",
    "METRICS",
    "METRIC_PREFIX",
    "REASON_LENGTH",
    "ROLES",
    "SOURCE",
    "STATUSES",
    "SUPERSEDED",
    "ExpectedCell",
    "Metric",
    "Seal",
    "SuiteIdentity",
    "damaged",
    "digest",
    "find_owner",
    "join_damage",
    "join_tables",
    "key_of",
    "list_damaged_plans",
    "list_plans",
    "list_records",
    "make_key",
    "make_table",
    "name_bundle",
    "name_columns",
    "name_predictions",
    "name_records",
    "name_run",
    "pack_predictions",
    "read_bundle",
    "read_columns",
    "read_expected",
    "read_group",
    "read_records",
    "read_rows",
    "seal_bundle",
    "set_aside",
    "sign",
    "status_of",
    "unpack_predictions",
    "write_expected",
    "write_records",
]
