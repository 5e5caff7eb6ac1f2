"""Every method of the standard set passes every contract check an author's own would have to pass."""

from __future__ import annotations

import importlib

import pytest

from methods.checks import check_method

MODULES = (
    "fine_grained", "deconfounded_optimisation", "offline_alignment", "off_policy", "offline_exploration",
    "self_play", "paraphrase", "pair_losses", "unpaired", "reward_optimisation",
)  # fmt: skip
METHODS = [
    method
    for name in MODULES
    for method in importlib.import_module(f"methods.catalogue.{name}").METHODS
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_method_keeps_the_contract(method):
    results = check_method(method)
    assert {r.name: r.reason for r in results if r.status == "failed"} == {}
    assert {r.name: r.status for r in results}["fits-every-declared-kind"] == "passed"
    assert {r.name: r.status for r in results}["gives-finite-rewards"] == "passed"
