"""``confoundbench inspect``."""

from __future__ import annotations

from pathlib import Path

import benchmark
from benchmark.cli import columns as column
from benchmark.cli.options import JSON
from benchmark.cli.output import emit, show_table
from benchmark.contract.errors import EXIT_OK


def inspect(
    log: str = column.LOG,
    text: str | None = column.TEXT,
    outcome: str | None = column.OUTCOME,
    prompt: str | None = column.PROMPT,
    covariates: str | None = column.COVARIATES,
    propensity: str | None = column.PROPENSITY,
    instrument: str = column.INSTRUMENTS,
    unit: str | None = column.UNIT,
    time: str | None = column.TIME,
    placebo: str = column.PLACEBOS,
    ignore: str = column.IGNORE,
    rows: int = column.ROWS,
    encoding: str | None = column.ENCODING,
    report: Path | None = column.REPORT,
    as_json: bool = JSON,
) -> int:
    """Say what a log of yours is like: how texts were chosen, and how fragile the answers are.

    Examples: confoundbench inspect log.csv; confoundbench inspect log.parquet --outcome clicks --placebo
    clicks_before
    """
    own = column.read_own(
        log, rows, encoding, as_json, text=text, outcome=outcome, prompt=prompt, covariates=covariates,
        propensity=propensity, instruments=instrument, unit=unit, time=time, placebos=placebo, ignore=ignore,
    )  # fmt: skip
    found = benchmark.inspect_log(own)
    if report is not None:
        benchmark.write_report(report, inspection=found)
    if as_json:
        emit(found.as_dict())
        return EXIT_OK
    show_table("what was found", ("",), [[sentence] for sentence in found.findings])
    if found.disagreement is not None:
        shown = [
            [p.phrase, f"{p.share:.0%}", p.naive, p.adjusted, "yes" * p.disagrees]
            for p in found.disagreement.phrases[:10]
        ]
        show_table(
            "effects of phrases", ("phrase", "rows", "at face value", "adjusted", "they differ"), shown
        )
    tilts = [[t.about, f"{t.effect:.3g}", f"{t.gamma:.2f} [{t.low:.2f}, {t.high:.2f}]"] for t in found.tilts]
    show_table("how unfair an unrecorded choice must be to undo it", ("what", "effect", "Gamma"), tilts)
    return EXIT_OK
