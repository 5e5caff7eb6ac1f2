"""``confoundbench simulate``: write a scenario's log, and its twin and truth on request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchmark.cli.output import JSON, emit, note, progress_bar
from benchmark.contract.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

OUT = typer.Option(..., "--out", help="Folder to write to.")
ROWS_AT_A_TIME = 16 * 4096
TRUTH_OF_CARD = ("effects", "effects_error", "roles", "sign_flips")


def simulate(
    scenario: str = typer.Argument(..., help="such as observed or 'observed[strength=1]'"),
    out: Path = OUT,
    n: int | None = typer.Option(
        None, "--n", help="Rows of the log; by default 4000, or all that a table of yours yields."
    ),
    seed: int = typer.Option(0, "--seed", help="World seed, at least 0."),
    twin: bool = typer.Option(False, "--twin", help="Also write the randomised twin."),
    with_truth: bool = typer.Option(False, "--with-truth", help="Also write the causal truth."),
    season: str | None = typer.Option(None, "--season", help="Which draw of worlds."),
    as_json: bool = JSON,
) -> None:
    """Write the log of a scenario: log.parquet and card.json, plus twin and truth on request.

    Examples: confoundbench simulate observed --n 4000 --out build/observed;
    confoundbench simulate 'marker[strength=2]' --twin --with-truth --out build/marker;
    confoundbench simulate 'corpus[data=trial.csv,text=message,test=issue,outcome=score]' --out build/trial
    """
    from benchmark.contract.seeding import PUBLIC_SEASON, Streams
    from benchmark.tasks.prepare import build_world, check_scenario
    from benchmark.tasks.scenario import Scenario, check_rows
    from benchmark.tasks.user_data import pin

    parsed = Scenario.parse(scenario)
    wanted = check_rows(n) if n is not None else parsed.n
    if seed < 0:
        raise UsageError("a seed is never negative", expected="--seed of at least 0", found=seed)
    check_scenario(parsed)
    parsed = pin(parsed)
    world = build_world(parsed, Streams(season or PUBLIC_SEASON, parsed.family, seed))
    most = world.n_rows
    rows = wanted or most or 4000
    if most is not None and rows > most:
        raise UsageError(
            "the table does not yield so many rows of log",
            expected=f"n of at most {most}",
            found=rows,
            fix="leave n out for all rows",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = list(_write(world, rows, out, twin, with_truth, as_json))
    except OSError as error:
        raise UsageError(
            f"cannot write to {str(out)!r}", expected="a folder that can be written to", found=error
        ) from error
    if as_json:
        emit({"scenario": parsed.id, "n": rows, "seed": seed, "out": str(out), "files": files})
    else:
        note(world.card()["situation"])
        note(f"wrote {rows} rows to {out}: {', '.join(files)}")


def _write(world: Any, n: int, out: Path, twin: bool, with_truth: bool, quiet: bool) -> Iterator[str]:
    import pyarrow.parquet as pq

    arms = {"log": "", **({"twin": "twin_"} if twin else {})}
    with progress_bar("simulating", n * len(arms), quiet) as advance:
        for arm, prefix in arms.items():
            write_arm(
                world,
                n,
                arm,
                out / f"{arm}.parquet",
                out / f"{prefix}truth.parquet" if with_truth else None,
                advance,
            )
            yield f"{arm}.parquet"
            if with_truth:
                yield f"{prefix}truth.parquet"
    card = world.card()
    if not with_truth:
        card = {name: value for name, value in card.items() if name not in TRUTH_OF_CARD}
    _write_json(out / "card.json", card)
    yield "card.json"
    if with_truth:
        _write_json(out / "truth.json", describe_truth(world.truth))
        yield "truth.json"
        for name, table in world.truth.tables().items():
            pq.write_table(table, out / f"{name}.parquet")
            yield f"{name}.parquet"


def write_arm(world: Any, n: int, arm: str, log_path: Path, truth_path: Path | None, advance: Any) -> None:
    """Stream rows of one arm to parquet, a few blocks at a time.

    Args:
        world: The world.
        n: Number of rows.
        arm: ``"log"`` or ``"twin"``.
        log_path: Where the log goes.
        truth_path: Where the row-aligned truth goes, or None.
        advance: Called with the number of rows written.
    """
    with ExitStack() as stack:
        writers: dict[Path, Any] = {}
        for start in range(0, n, ROWS_AT_A_TIME):
            count = min(ROWS_AT_A_TIME, n - start)
            draw = world.draw(count, arm, start)
            _append(writers, stack, log_path, draw.log.table, draw.log.feedback)
            if truth_path is not None:
                _append(writers, stack, truth_path, draw.truth)
            advance(count)


def _append(
    writers: dict[Path, Any], stack: ExitStack, path: Path, table: pa.Table, feedback: str | None = None
) -> None:
    import pyarrow.parquet as pq

    from benchmark.contract.log import METADATA_KEY

    if feedback is not None:
        described = json.dumps({"version": 1, "feedback": feedback}, sort_keys=True)
        table = table.replace_schema_metadata({METADATA_KEY: described.encode()})
    if path not in writers:
        writers[path] = stack.enter_context(pq.ParquetWriter(path, table.schema))
    writers[path].write_table(table.cast(writers[path].schema))


def describe_truth(truth: Any) -> dict[str, Any]:
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


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True, default=_native) + "\n")


def _native(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
