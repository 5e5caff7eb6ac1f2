"""Contract checks for a method, by name: what an author runs before submitting.

Checks fit the method on small toy logs of every kind it declares and look at what comes back.
They know no scenario and no truth of the benchmark.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmark.contract import Method, UsageError
from methods.checks.answers import ANSWER_CHECKS
from methods.checks.conduct import CONDUCT_CHECKS
from methods.checks.logs import LOG_CHECKS
from methods.checks.subject import CheckFailed, CheckResult, CheckSkipped, Subject

if TYPE_CHECKING:
    from benchmark.harness import Harness

CHECKS = (*LOG_CHECKS, *ANSWER_CHECKS, *CONDUCT_CHECKS)
# An honest method is excused from at most seven of the 20 checks: those on samples, intervals, abstaining,
# null effects, weights, undeclared roles and a constant outcome.
FEWEST = 13


def check_method(
    method: Method, *, make_harness: Callable[[int], Harness] | None = None
) -> list[CheckResult]:
    """Run every contract check on a method.

    Args:
        method: What to check.
        make_harness: Called with a seed; returns a harness whose encoder knows the toy texts. By
            default a tiny decoder pretrained on them.

    Returns:
        One result a check, and a last one, ``enough-checks-ran``, that fails if fewer than ``FEWEST``
        checks could run.

    Raises:
        UsageError: If the object is no method.
    """
    missing = [part for part in ("name", "tags", "fit") if not hasattr(method, part)]
    if missing:
        raise UsageError(
            "this object is no method",
            expected="an object with name, tags and fit(log, harness)",
            found=f"{type(method).__name__} without {', '.join(missing)}",
        )
    if make_harness is None:
        from methods.checks.harness import tiny_harness

        make_harness = tiny_harness
    subject = Subject(method, make_harness)
    results = [_run(check, subject) for check in CHECKS]
    ran = sum(result.status != "skipped" for result in results)
    enough = "passed" if ran >= FEWEST else "failed"
    results.append(
        CheckResult("enough-checks-ran", enough, f"{ran} of {len(CHECKS)} checks ran, at least {FEWEST} must")
    )
    return _say_once(results)


def _say_once(results: list[CheckResult]) -> list[CheckResult]:
    """One failure that many checks meet is told by the first of them; the others refer to it."""
    first: dict[str, str] = {}
    told = []
    for result in results:
        if result.status == "failed" and result.reason in first:
            told.append(CheckResult(result.name, "failed", f"fails as {first[result.reason]} does"))
            continue
        if result.status == "failed":
            first[result.reason] = result.name
        told.append(result)
    return told


def _run(check: Callable[[Subject], str | None], subject: Subject) -> CheckResult:
    name = check.__name__.replace("_", "-")
    try:
        return CheckResult(name, "passed", check(subject) or "")
    except CheckSkipped as skipped:
        return CheckResult(name, "skipped", str(skipped))
    except CheckFailed as failed:
        return CheckResult(name, "failed", str(failed))
    except Exception as error:  # whatever a method throws is its own failure, not ours
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{where.filename.rpartition('/')[2]}:{where.lineno}"
        return CheckResult(name, "failed", f"{type(error).__name__} at {place}: {error}")


__all__ = ["CHECKS", "CheckFailed", "CheckResult", "CheckSkipped", "Subject", "check_method"]
