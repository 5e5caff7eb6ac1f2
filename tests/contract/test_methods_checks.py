"""The contract checks pass honest methods and catch each broken clause by name."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import methods
from benchmark.contract import Incompatible, Log, RewardFunction, Sample, Tags, Train, UsageError
from methods.checks import CHECKS, check_method


@dataclass
class Stub:
    """A method whose fit is a given function of itself, a log and a harness."""

    function: Any
    tags: Tags = field(default_factory=Tags)
    name: str = "stub"
    calls: int = 0

    def fit(self, log: Log, harness: Any) -> Any:
        reason = self.tags.reason_to_refuse(log)
        if reason:
            raise Incompatible(reason)
        self.calls += 1
        return self.function(self, log, harness)


def length(scale: float = 1.0) -> RewardFunction:
    return RewardFunction(lambda prompts, texts: np.array([scale * len(text) for text in texts], float))


def failures(function, tags: Tags | None = None) -> set[str]:
    results = check_method(Stub(function, tags or Tags()))
    return {result.name for result in results if result.status == "failed"}


def test_an_honest_stub_passes():
    assert failures(lambda self, log, harness: length()) == set()


@pytest.mark.parametrize("name", ["naive", "covariate-regression", "doubly-robust", "canary-random"])
def test_catalogue_methods_pass(name):
    results = check_method(methods.load(name))
    assert [result for result in results if result.status == "failed"] == []
    assert len(results) == len(CHECKS) + 1
    assert results[-1].name == "ran-enough"


def _nan(self, log, harness):
    return RewardFunction(lambda prompts, texts: np.full(len(texts), np.nan))


def _short(self, log, harness):
    return RewardFunction(lambda prompts, texts: np.zeros(1))


def _crash(self, log, harness):
    raise ValueError("no idea")


def _drift(self, log, harness):
    return length(float(self.calls))


def _global(self, log, harness):
    random.random()
    return length()


def _batch(self, log, harness):
    return RewardFunction(lambda prompts, texts: np.arange(len(texts), dtype=float))


def _first_row(self, log, harness):
    first = float(len(log.texts[0]))
    return RewardFunction(lambda prompts, texts: np.array([abs(len(text) - first) for text in texts]))


def _names(self, log, harness):
    odd = float("age" in log.names("covariate"))
    return RewardFunction(
        lambda prompts, texts: np.array([len(t) * odd + t.count("e") for t in texts], float)
    )


def _one_row(self, log, harness):
    return length(1.0 / (len(log) - 1))


def _greedy(self, log, harness):
    yield Sample(harness.policy(), log.prompts[:3], harness.budget.samples)
    return length()


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (_nan, "gives-finite-rewards"),
        (_short, "gives-finite-rewards"),
        (_crash, "fits-every-declared-kind"),
        (_drift, "repeats-with-same-seed"),
        (_drift, "keeps-no-state"),
        (_global, "leaves-global-randomness"),
        (_batch, "answers-each-text-alone"),
        (_first_row, "ignores-row-order"),
        (_names, "ignores-covariate-names"),
        (_one_row, "survives-one-row"),
        (_greedy, "stays-within-budget"),
    ],
)
def test_a_broken_clause_fails_its_check(function, name):
    assert name in failures(function)


def test_a_claim_without_substance_fails():
    claims = Tags(adjusts=True, calibrated=True, needs=frozenset({"covariate"}))
    naive = methods.load("naive")
    assert "finds-nothing-where-nothing-is" in failures(
        lambda self, log, harness: naive.fit(log, harness), claims
    )
    assert "samples-texts" in failures(lambda self, log, harness: length(), Tags(policy=True))
    assert "gives-valid-intervals" in failures(lambda self, log, harness: length(), Tags(intervals=True))


def test_something_that_is_no_method_is_a_usage_error():
    with pytest.raises(UsageError, match="no method"):
        check_method(object())


def test_requests_are_counted():
    def two(self, log, harness):
        from benchmark.contract import Texts
        from methods.objectives.unpaired import SFT

        texts = {"text": Texts(log.prompts, log.texts)}
        yield Train(harness.policy(), texts, {}, SFT())
        model = yield Train(harness.policy(), texts, {}, SFT())
        return harness.fitted_policy(model)

    results = check_method(Stub(two, Tags(policy=True)))
    found = next(result for result in results if result.name == "stays-within-budget")
    assert found.status == "passed"
    assert "2 trainings" in found.reason
