"""Makes the records of a bundle again, from its predictions and the truth; what it states is not believed.

What can be derived is derived and compared with what the bundle states: facts of the cells, tags, scores.
What cannot be derived is checked for range: statuses, meters and reasons. Nothing of the bundle is executed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.contract import ContractError, IncompleteError, Predictions, UsageError
from benchmark.contract.records import (
    METER_PREFIX,
    SOURCE,
    STATUSES,
    find_owner,
    key_of,
    list_records,
    make_table,
    name_predictions,
    read_bundle,
    read_rows,
    unpack_predictions,
)
from benchmark.runs.engines.base import CellResult
from benchmark.runs.engines.work import describe_cell
from benchmark.runs.entrants import Entrant
from benchmark.runs.execute import make_row
from benchmark.runs.plan import Cell, Group, Plan
from benchmark.sandbox.outside.bench import score_answer
from benchmark.sandbox.outside.cell import clean
from benchmark.sandbox.outside.probe import ISOLATIONS
from benchmark.sandbox.outside.submission import (
    Submission,
    check_name,
    digest_code,
    list_catalogue_names,
    rebuild_tags,
)
from benchmark.sandbox.outside.submit import describe_submission
from benchmark.tasks.prepare import make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import Suite

DIGITS = 1e-9
CONTROLS = "controls"
LARGEST_METER = 1e18
MOST_UNPACKED = 256 * 2**20
# Stated by whoever ran the cells and not derivable; everything else of a row is made again.
STATED = ("status", "reason", "device", "precision", "backbone")


@dataclass(frozen=True, eq=False)
class OpenBundle:
    """A bundle that is whole, signed and well-formed; its scores are not checked yet.

    Attributes:
        folder: Where it lies.
        submission: The file, its name and tags.
        code: Digest of what the file does.
        owner: Public key of its author.
        isolation: Where it ran.
        table: Its records as stated.
    """

    folder: Path
    submission: Submission
    code: str
    owner: str
    isolation: str
    table: Any


def open_bundle(folder: str | Path) -> OpenBundle:
    """Read a bundle and check its form.

    Raises:
        UsageError: If it is not intact or its name is malformed, reserved or a catalogue method's.
        ContractError: If its tags are malformed.
    """
    folder = Path(folder)
    manifest, table = read_bundle(folder)
    source = (folder / SOURCE).read_bytes()
    name = check_name(manifest["method"], list_catalogue_names())
    isolation = manifest.get("isolation")
    if isolation not in ISOLATIONS:
        raise _wrong("the bundle", "isolation", ", ".join(ISOLATIONS), isolation)
    tags = rebuild_tags(manifest.get("tags"))
    submission = Submission(name, tags, source)
    return OpenBundle(folder, submission, digest_code(source, name), find_owner(manifest), isolation, table)


def rebuild_rows(
    bundle: OpenBundle,
    suite: Suite,
    *,
    secret: bytes | None = None,
    on_row: Callable[[], None] | None = None,
) -> list[dict[str, Any]]:
    """The records of a bundle, made again from its predictions.

    Args:
        bundle: The bundle; its cells must have been compared with a board's before, since each is drawn here.
        suite: The suite, in the season that the records name.
        secret: Key of a verified season.
        on_row: Called after each record.

    Raises:
        UsageError: If a record states what does not follow from its predictions.
        IncompleteError: If the machine failed a cell.
    """
    entrant = describe_submission(bundle.submission, bundle.isolation)
    found = []
    for path in list_records(bundle.folder):
        rows = read_rows(path)
        answers = _read_answers(bundle.folder / name_predictions(key_of(path)), len(rows))
        for row, answer in zip(rows, answers, strict=True):
            found.append(_rebuild(bundle, entrant, suite, secret, row, answer))
            if on_row is not None:
                on_row()
    return found


def _rebuild(
    bundle: OpenBundle,
    entrant: Entrant,
    suite: Suite,
    secret: bytes | None,
    row: Mapping[str, Any],
    answer: Predictions | None,
) -> dict[str, Any]:
    where = f"{row['scenario']} seed {row['seed']}"
    cell = Cell(Scenario.parse(row["scenario"]), row["seed"])
    task = make_task(cell.scenario, cell.seed, suite, secret, row["fitted_on"])
    control = row["board"] == CONTROLS and task.board != CONTROLS
    group = Group(entrant, (cell,), row["backbone"], 0, "", row["fitted_on"], control)
    meters = _read_meters(where, row)
    status = _check_status(
        where, row, bundle.submission.tags.reason_to_refuse(task.view(entrant.track, group.data)), answer
    )
    if answer is not None:
        try:
            answer = answer.validate(task.queries)
        except ContractError as error:
            raise _wrong(where, "predictions", "an answer to every question", error.what) from error
    facts = {"kind": task.log.kind, "isolation": bundle.isolation, **describe_cell(task)}
    result = CellResult(
        status, clean(row["reason"]), answer, facts | score_answer(entrant, task, answer, meters)
    )
    made = make_row(Plan(suite, (group,), row["device"], row["precision"]), group, 0, result)
    (whole,) = make_table([made]).to_pylist()
    for name in row.keys() | whole.keys():
        stated, derived = row.get(name), whole.get(name, np.nan)
        if name not in STATED and not _equal(stated, derived):
            raise _wrong(where, name, derived, stated)
    return made


def _check_status(where: str, row: Mapping[str, Any], refusal: str | None, answer: Predictions | None) -> str:
    status = row["status"]
    if status not in STATUSES or (status == "incompatible" and not refusal):
        raise _wrong(where, "status", "one that its tags explain", status)
    if refusal and (status, row["reason"]) != ("incompatible", refusal):
        raise _wrong(where, "status", f"incompatible: {refusal}", f"{status}: {row['reason']}"[:200])
    if status == "infrastructure":
        raise IncompleteError(
            f"the machine failed on {where}", expected="a result", found=clean(row["reason"]),
            fix="submit the file again; finished cells are kept",
        )  # fmt: skip
    if (status == "ok") != (answer is not None):
        raise _wrong(where, "predictions", "predictions where the status is ok, and only there", status)
    for name, allowed in (("device", ("cpu", "cuda")), ("precision", ("float32", "tf32", "bfloat16"))):
        if row[name] not in allowed:
            raise _wrong(where, name, " or ".join(allowed), row[name])
    return status


def _read_meters(where: str, row: Mapping[str, Any]) -> dict[str, float]:
    meters = {n.removeprefix(METER_PREFIX): v for n, v in row.items() if n.startswith(METER_PREFIX)}
    for name, value in meters.items():
        if not (np.isnan(value) or 0 <= value <= LARGEST_METER):
            raise _wrong(where, METER_PREFIX + name, f"0 to {LARGEST_METER:g}", value)
    return meters


def _read_answers(path: Path, cells: int) -> list[Predictions | None]:
    """The predictions of a file, its size checked before it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MOST_UNPACKED:
            raise ValueError(f"{size // 2**20} MiB when unpacked")
        return unpack_predictions(path.read_bytes(), cells)
    except Exception as error:  # whatever a stranger's file leads to is the file's fault
        raise UsageError(
            f"cannot read the predictions {path.name}", expected="arrays of numbers and texts",
            found=f"{type(error).__name__}: {error}"[:200], fix="submit the file again",
        ) from error  # fmt: skip


def _equal(stated: Any, derived: Any) -> bool:
    if isinstance(stated, float) and isinstance(derived, int | float):
        return bool(np.isclose(stated, derived, rtol=DIGITS, atol=DIGITS, equal_nan=True))
    return type(stated) is type(derived) and stated == derived


def _wrong(where: str, name: str, expected: object, found: object) -> UsageError:
    return UsageError(
        f"the bundle states what does not follow: {name} of {where}",
        expected=str(expected)[:200],
        found=clean(repr(found))[:200],
        fix="submit the file again; a bundle that was made by another version cannot be added",
    )
