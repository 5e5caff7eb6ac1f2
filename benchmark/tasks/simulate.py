"""Simulates a scenario: its log, its randomised twin and its truth, in memory or as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.contract import PUBLIC_SEASON, Log, Streams, UsageError
from benchmark.contract.files import write_json
from benchmark.contract.log import mark_table
from benchmark.tasks.prepare import build_world, check_scenario
from benchmark.tasks.scenario import Scenario, check_rows
from benchmark.tasks.user_data import pin
from simulators.protocols import Truth, World

ROWS = 4000
ROWS_AT_A_TIME = 16 * 4096
TRUTH_OF_CARD = ("effects", "effects_error", "roles", "sign_flips")
OnRows = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Simulation:
    """A simulated scenario.

    Attributes:
        scenario: Its id.
        seed: World seed.
        n: Rows of the log.
        world: The world with its truth; see ``docs/architecture.md``.
        files: Names of the files that were written, if any.
    """

    scenario: str
    seed: int
    n: int
    world: World = field(repr=False)
    files: tuple[str, ...] = ()

    @cached_property
    def log(self) -> Log:
        """What a method sees."""
        return self.world.draw(self.n).log

    @cached_property
    def twin(self) -> Log:
        """The randomised twin: the same people, prompts and noise, texts drawn at random."""
        return self.world.draw(self.n, "twin").log

    @property
    def card(self) -> dict[str, Any]:
        """What goes wrong in this world, how strongly, and what identifies the effects."""
        return self.world.card()

    @property
    def truth(self) -> dict[str, Any]:
        """What a method cannot see; see ``describe_truth``."""
        return describe_truth(self.world.truth)


def simulate(
    scenario: str,
    out: str | Path | None = None,
    *,
    n: int | None = None,
    seed: int = 0,
    twin: bool = False,
    with_truth: bool = False,
    season: str | None = None,
    on_start: Callable[[int], None] | None = None,
    on_rows: OnRows | None = None,
) -> Simulation:
    """Simulate a scenario, and write it where a folder is given.

    Args:
        scenario: Family or id, such as ``"observed[strength=1]"``.
        out: Folder to write ``log.parquet`` and ``card.json`` to; by default nothing is written.
        n: Rows of the log; by default the scenario's own, 4000, or all that a table of yours yields.
        seed: World seed, at least 0.
        twin: Also write ``twin.parquet``.
        with_truth: Also write the causal truth.
        season: Which draw of worlds; by default the public one.
        on_start: Called once with the number of rows that will be written.
        on_rows: Called with numbers of rows as they are written.

    Raises:
        UsageError: If the scenario, a number or the folder is bad.

    Example:
        >>> import benchmark
        >>> simulation = benchmark.simulate("observed[strength=1]", n=300)
        >>> len(simulation.log), simulation.log.kind
        (300, 'outcome')
        >>> "urgency" in simulation.truth["effects"]
        True
    """
    parsed = Scenario.parse(scenario)
    wanted = check_rows(n) if n is not None else parsed.n
    if seed < 0:
        raise UsageError("a seed is never negative", expected="--seed of at least 0", found=seed)
    check_scenario(parsed)
    parsed = pin(parsed)
    world = build_world(replace(parsed, n=wanted), Streams(season or PUBLIC_SEASON, parsed.family, seed))
    most = world.n_rows
    rows = wanted or most or ROWS
    if most is not None and rows > most:
        raise UsageError(
            "the table has too few rows for a log of this length",
            expected=f"n of at most {most}",
            found=rows,
            fix="leave n out for all rows",
        )
    if on_start is not None:
        on_start(rows * (1 + twin))
    files = () if out is None else write_simulation(world, rows, Path(out), twin, with_truth, on_rows)
    return Simulation(parsed.id, seed, rows, world, files)


def write_simulation(
    world: World,
    n: int,
    out: Path,
    twin: bool = False,
    with_truth: bool = False,
    on_rows: OnRows | None = None,
) -> tuple[str, ...]:
    """Write a world's log and card, and its twin and truth on request; returns the names of the files.

    Raises:
        UsageError: If the folder cannot be written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        return tuple(_write(world, n, out, twin, with_truth, on_rows))
    except OSError as error:
        raise UsageError(
            f"cannot write to {str(out)!r}", expected="a folder that can be written to", found=error
        ) from error


def _write(
    world: World, n: int, out: Path, twin: bool, with_truth: bool, on_rows: OnRows | None
) -> Iterator[str]:
    for data, prefix in {"log": "", **({"twin": "twin_"} if twin else {})}.items():
        truth_path = out / f"{prefix}truth.parquet" if with_truth else None
        write_rows(world, n, data, out / f"{data}.parquet", truth_path, on_rows)
        yield f"{data}.parquet"
        if with_truth:
            yield f"{prefix}truth.parquet"
    card = world.card()
    if not with_truth:
        card = {name: value for name, value in card.items() if name not in TRUTH_OF_CARD}
    write_json(out / "card.json", card)
    yield "card.json"
    if with_truth:
        write_json(out / "truth.json", describe_truth(world.truth))
        yield "truth.json"
        for name, table in world.truth.tables().items():
            pq.write_table(table, out / f"{name}.parquet")
            yield f"{name}.parquet"


def write_rows(
    world: World, n: int, data: str, log_path: Path, truth_path: Path | None, on_rows: OnRows | None
) -> None:
    """Stream rows of the log or of its twin to parquet, some thousand at a time.

    Args:
        world: The world.
        n: Number of rows.
        data: ``"log"`` or ``"twin"``.
        log_path: Where the log goes.
        truth_path: Where the row-aligned truth goes, or None.
        on_rows: Called with the number of rows written.
    """
    with ExitStack() as stack:
        writers: dict[Path, Any] = {}
        for start in range(0, n, ROWS_AT_A_TIME):
            count = min(ROWS_AT_A_TIME, n - start)
            draw = world.draw(count, data, start)
            _append(writers, stack, log_path, draw.log.table, draw.log.feedback)
            if truth_path is not None:
                _append(writers, stack, truth_path, draw.truth)
            if on_rows is not None:
                on_rows(count)


def _append(
    writers: dict[Path, Any], stack: ExitStack, path: Path, table: pa.Table, feedback: str | None = None
) -> None:
    if feedback is not None:
        table = mark_table(table, feedback)
    if path not in writers:
        writers[path] = stack.enter_context(pq.ParquetWriter(path, table.schema))
    writers[path].write_table(table.cast(writers[path].schema))


def describe_truth(truth: Truth) -> dict[str, Any]:
    """The truth of a world as plain data."""

    def named(values: Any) -> dict[str, float]:
        return {name: float(value) for name, value in zip(truth.attributes, values, strict=True)}

    told = {
        "effects": named(truth.effects),
        "effects_mcse": named(truth.effects_mcse),
        "naive_limit": named(truth.naive_effects),
        "value_reference": float(truth.value_reference),
        "value_optimal": float(truth.value_optimal),
    }
    # an experiment measures effects and hands out no roles, and no optimum
    if truth.roles is not None:
        told["roles"] = dict(zip(truth.attributes, truth.roles, strict=True))
    return {name: value for name, value in told.items() if value == value}
