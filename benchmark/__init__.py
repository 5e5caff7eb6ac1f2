"""The front door: what every verb of the command line does, as a Python function.

=====================================  =================================================
``run_suite``, ``plan``, ``score``      run a suite, plan a run, score predictions again
``submit_file``, ``check_file``         a method in a file of its own, in the sandbox
``fit``                                 a method on one log, for notebooks
``simulate``                            a log with its twin and its truth
``audit``                               what a method's reward gets wrong
``read_records``, ``compare``           the records of a store; two stores
``build_leaderboard``, ``publish_leaderboard``, ``add_bundle``, ``judge_claims``
``list_scenarios``, ``list_methods``, ``list_suites``, ``list_domains``, ``doctor``
=====================================  =================================================

Each function is imported when it is first used, so that importing ``benchmark`` costs nothing and works
in the sandbox, where most of it does not exist.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.board import (
        add_bundle,
        build_leaderboard,
        compare,
        judge_claims,
        publish_leaderboard,
        read_records,
    )
    from benchmark.machine import check_machine as doctor
    from benchmark.runs.audit import audit
    from benchmark.runs.fitting import fit
    from benchmark.runs.rescore import score
    from benchmark.runs.run import plan, run_suite
    from benchmark.sandbox.outside.submit import check_file, submit_file
    from benchmark.tasks.listing import list_domains, list_methods, list_scenarios, list_suites
    from benchmark.tasks.simulate import simulate

_HOMES = {
    "add_bundle": "benchmark.board:add_bundle",
    "audit": "benchmark.runs.audit:audit",
    "build_leaderboard": "benchmark.board:build_leaderboard",
    "check_file": "benchmark.sandbox.outside.submit:check_file",
    "compare": "benchmark.board:compare",
    "doctor": "benchmark.machine:check_machine",
    "fit": "benchmark.runs.fitting:fit",
    "judge_claims": "benchmark.board:judge_claims",
    "list_domains": "benchmark.tasks.listing:list_domains",
    "list_methods": "benchmark.tasks.listing:list_methods",
    "list_scenarios": "benchmark.tasks.listing:list_scenarios",
    "list_suites": "benchmark.tasks.listing:list_suites",
    "plan": "benchmark.runs.run:plan",
    "publish_leaderboard": "benchmark.board:publish_leaderboard",
    "read_records": "benchmark.board:read_records",
    "run_suite": "benchmark.runs.run:run_suite",
    "score": "benchmark.runs.rescore:score",
    "simulate": "benchmark.tasks.simulate:simulate",
    "submit_file": "benchmark.sandbox.outside.submit:submit_file",
}

__all__ = [
    "add_bundle",
    "audit",
    "build_leaderboard",
    "check_file",
    "compare",
    "doctor",
    "fit",
    "judge_claims",
    "list_domains",
    "list_methods",
    "list_scenarios",
    "list_suites",
    "plan",
    "publish_leaderboard",
    "read_records",
    "run_suite",
    "score",
    "simulate",
    "submit_file",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, function = _HOMES[name].partition(":")
    return getattr(import_module(module), function)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
