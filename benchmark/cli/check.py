"""``confoundbench check``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import benchmark
from benchmark.cli.options import FILE, ISOLATION, JSON
from benchmark.cli.output import emit, note, show_table


def check(file: Path = FILE, isolation: str = ISOLATION, as_json: bool = JSON) -> int:
    """Check that the method in a file keeps the rules for methods; the file runs in the sandbox.

    Example: confoundbench check examples/my_method.py
    """
    report = benchmark.check_file(file, isolation)
    if as_json:
        emit({**asdict(report), "passed": report.passed})
    else:
        rows = [[result.name, result.status, result.reason] for result in report.results]
        show_table(f"{report.file}: {report.method or 'does not load'}", ("check", "status", "reason"), rows)
        note("the method keeps the contract" if report.passed else "the method breaks the contract")
    return report.exit_code
