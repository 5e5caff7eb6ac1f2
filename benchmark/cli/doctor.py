"""``confoundbench doctor``."""

from __future__ import annotations

from dataclasses import asdict

import benchmark
from benchmark.cli.options import JSON
from benchmark.cli.output import emit, show_table
from benchmark.contract.errors import EXIT_INFRASTRUCTURE, EXIT_OK


def doctor(as_json: bool = JSON) -> int:
    """Check this machine: Python, torch, threads, sandbox, disk and backbones.

    Example: confoundbench doctor --json
    """
    checks = benchmark.doctor()
    failed = any(check.status == "failed" for check in checks)
    if as_json:
        emit({"healthy": not failed, "checks": [asdict(check) for check in checks]})
    else:
        rows = [[check.name, check.status, check.detail, check.fix] for check in checks]
        show_table("doctor", ("check", "status", "found", "fix"), rows)
    return EXIT_INFRASTRUCTURE if failed else EXIT_OK
