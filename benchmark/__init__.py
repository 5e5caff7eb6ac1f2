"""The front door: what every verb of the command line does, as a Python function.

======================================  ================================================
``run_suite``, ``plan``, ``score``      run a suite, plan a run, score predictions again
``submit_file``, ``check_file``         a method in a file of its own, in the sandbox
``fit``                                 a method on one log, for notebooks
``read_log``, ``inspect_log``           a log of any table of yours; what it is like
``calibrate``, ``recommend``, ``power``  worlds like it; which method to trust on it, and on how many rows
``write_report``                        the page of these
``simulate``                            a log with its twin and its truth
``audit``                               what a method's reward gets wrong
``read_records``, ``compare``           the records of a store; two stores
``build_leaderboard``, ``publish_leaderboard``, ``add_bundle``, ``judge_claims``, ``find_standing``
``list_scenarios``, ``list_methods``, ``list_suites``, ``list_domains``, ``doctor``
======================================  ================================================

Each function is imported when it is first used, so that importing ``benchmark`` costs nothing and works
in the sandbox, where most of it does not exist.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.advice.inspection.inspect import inspect_log
    from benchmark.advice.reading.read import read_log
    from benchmark.advice.report.write import write_report
    from benchmark.advice.worlds.calibrate import calibrate
    from benchmark.advice.worlds.power import power
    from benchmark.advice.worlds.recommend import recommend
    from benchmark.board import (
        add_bundle,
        build_leaderboard,
        compare,
        find_standing,
        judge_claims,
        publish_leaderboard,
        read_records,
    )
    from benchmark.machine import doctor
    from benchmark.runs.fitting import fit
    from benchmark.runs.rescore import score
    from benchmark.sandbox.outside.files import audit, plan, run_suite
    from benchmark.sandbox.outside.submit import check_file, submit_file
    from benchmark.tasks.listing import list_domains, list_methods, list_scenarios, list_suites
    from benchmark.tasks.simulate import simulate

_HOMES = {
    "benchmark.advice.inspection.inspect": ("inspect_log",),
    "benchmark.advice.reading.read": ("read_log",),
    "benchmark.advice.report.write": ("write_report",),
    "benchmark.advice.worlds.calibrate": ("calibrate",),
    "benchmark.advice.worlds.power": ("power",),
    "benchmark.advice.worlds.recommend": ("recommend",),
    "benchmark.board": (
        *("add_bundle", "build_leaderboard", "compare", "find_standing", "judge_claims"),
        *("publish_leaderboard", "read_records"),
    ),
    "benchmark.machine": ("doctor",),
    "benchmark.runs.fitting": ("fit",),
    "benchmark.runs.rescore": ("score",),
    "benchmark.sandbox.outside.files": ("audit", "plan", "run_suite"),
    "benchmark.sandbox.outside.submit": ("check_file", "submit_file"),
    "benchmark.tasks.listing": ("list_domains", "list_methods", "list_scenarios", "list_suites"),
    "benchmark.tasks.simulate": ("simulate",),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "add_bundle",
    "audit",
    "build_leaderboard",
    "calibrate",
    "check_file",
    "compare",
    "doctor",
    "find_standing",
    "fit",
    "inspect_log",
    "judge_claims",
    "list_domains",
    "list_methods",
    "list_scenarios",
    "list_suites",
    "plan",
    "power",
    "publish_leaderboard",
    "read_log",
    "read_records",
    "recommend",
    "run_suite",
    "score",
    "simulate",
    "submit_file",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
