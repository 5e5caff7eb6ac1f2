"""Every kind of composition in the catalogue passes every contract check an author's own would have to pass.

Rows that differ in what they are told alone (an adjustment before a training, a strength) fit by the same
code, so one of them stands for all; closed forms are quick and differ in their adjustment.
"""

from __future__ import annotations

from typing import Any

import pytest

import methods
from methods.checks import check_method
from methods.recipe import Recipe


def composition(method: Any) -> tuple[str, ...]:
    """What code a method runs, by the types of its parts."""
    parts = ["objective", "pairing", "recipe"]
    if isinstance(method, Recipe) and method.objective is None:
        parts.append("adjust")
    return (type(method).__name__, *(type(getattr(method, part, None)).__name__ for part in parts))


REPRESENTATIVES = list({composition(method): method for method in methods.list_methods()}.values())


@pytest.mark.parametrize("method", REPRESENTATIVES, ids=lambda method: method.name)
def test_method_keeps_the_contract(method):
    results = check_method(method)
    assert {r.name: r.reason for r in results if r.status == "failed"} == {}
    assert {r.name: r.status for r in results}["fits-every-declared-kind"] == "passed"
    assert {r.name: r.status for r in results}["gives-finite-rewards"] == "passed"


def test_every_file_of_the_catalogue_is_represented():
    """A composition may stand for rows of another file, but none of its own may go unseen."""
    seen = {composition(method) for method in REPRESENTATIVES}
    assert len(REPRESENTATIVES) == len(seen) >= 40
    assert {composition(method) for method in methods.list_methods()} == seen
