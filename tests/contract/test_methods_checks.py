"""The contract checks pass honest methods and catch each broken clause by name."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import methods
import methods.checks
from benchmark.contract import Encode, Log, RewardFunction, Sample, Tags, Train, UsageError
from methods.adjust.scored import Scored, score_at_face_value
from methods.checks import CHECKS, CheckSkipped, check_method
from methods.recipe import Recipe


@dataclass
class Stub:
    """A method whose fit is a given function of itself, a log and a harness."""

    function: Any
    tags: Tags = field(default_factory=Tags)
    name: str = "stub"
    calls: int = 0

    def fit(self, log: Log, harness: Any) -> Any:
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
    assert results[-1].name == "enough-checks-ran"


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


def _gives_rewards_alone(self, log, harness):
    return length()


def _reads_more(self, log, harness):
    return length(float(log.numbers("covariate.age")[0]))


def _writes(self, log, harness):
    log.outcomes.setflags(write=True)
    log.outcomes[:] = 0.0
    return length()


def _replaces(self, log, harness):
    object.__setattr__(log, "table", log.table.slice(0, 5))
    return length()


def _divides_by_spread(self, log, harness):
    with np.errstate(all="ignore"):
        return length(float(np.divide(0.0, log.outcomes.std())))


def _compares_prompts(self, log, harness):
    with np.errstate(all="ignore"):
        return length(float(np.divide(1.0, len(set(log.prompts)) - 1)))


def _mixes_company(self, log, harness):
    """Keeps on itself what belongs to one fit; alone, nobody sees it."""
    self.seen = log
    yield Encode(log.prompts[:1], log.texts[:1])
    low, high = np.quantile(self.seen.outcomes, [0.1, 0.9])
    return RewardFunction(
        lambda prompts, texts: np.array([low * len(t) + high * t.count("e") for t in texts])
    )


@dataclass(frozen=True, eq=False)
class _Capped(Scored):
    """Quietly forgets that some rows count for more than one."""

    def __post_init__(self):
        object.__setattr__(self, "weight", np.minimum(self.weight, 1.0))


def _cap_weights(log, harness):
    scored = score_at_face_value(log, harness)
    return _Capped(scored.log, scored.features, scored.texts, scored.value, scored.weight)


def _naive(self, log, harness):
    return methods.load("naive").fit(log, harness)


COVARIATE = frozenset({"covariate"})
CLAIMS_EFFECTS = Tags(adjusts=True, calibrated=True, needs=COVARIATE)


def _abstains_by_place(self, log, harness):
    class Fitted(RewardFunction):
        def abstains(self, prompts, first, second, context=None):
            return np.array([len(text) > 0 for text in first]) & (first > second)

    return Fitted(lambda prompts, texts: np.zeros(len(texts)))


BROKEN = [
    ("fits-every-declared-kind", Stub(_crash)),
    ("declares-what-it-reads", Stub(_reads_more)),
    ("leaves-log-unchanged", Stub(_writes)),
    ("leaves-log-unchanged", Stub(_replaces)),
    ("ignores-row-order", Stub(_first_row)),
    ("ignores-covariate-names", Stub(_names)),
    ("survives-one-row", Stub(_one_row)),
    ("survives-constant-outcome", Stub(_divides_by_spread)),
    ("survives-one-prompt", Stub(_compares_prompts)),
    ("gives-finite-rewards", Stub(_nan)),
    ("gives-finite-rewards", Stub(_short)),
    ("repeats-with-same-seed", Stub(_drift)),
    ("answers-each-text-alone", Stub(_batch)),
    ("samples-texts", Stub(_gives_rewards_alone, Tags(policy=True))),
    ("gives-valid-intervals", Stub(_gives_rewards_alone, Tags(intervals=True))),
    ("abstains-whatever-the-order", Stub(_abstains_by_place)),
    (
        "finds-no-effect-where-there-is-none",
        Stub(_naive, CLAIMS_EFFECTS),
    ),
    ("treats-weights-like-repeated-rows", Recipe("capped", adjust=_cap_weights)),
    ("stays-within-budget", Stub(_greedy)),
    ("leaves-global-randomness", Stub(_global)),
    ("gives-same-result-beside-other-fits", Stub(_mixes_company)),
    ("keeps-no-state", Stub(_drift)),
]


@pytest.mark.parametrize(("name", "method"), BROKEN, ids=lambda part: part if isinstance(part, str) else "")
def test_a_broken_method_fails_the_check_it_breaks(name, method):
    failed = {result.name for result in check_method(method) if result.status == "failed"}
    assert name in failed


def test_every_check_has_a_broken_method():
    assert {name for name, _ in BROKEN} == {check.__name__.replace("_", "-") for check in CHECKS}


def test_too_few_checks_are_a_failure(monkeypatch):
    """The report says how many ran; a method that hardly any check applies to has not been checked."""

    def skips(subject):
        raise CheckSkipped("not today")

    monkeypatch.setattr(methods.checks, "CHECKS", (CHECKS[0], *[skips] * (len(CHECKS) - 1)))
    last = check_method(methods.load("naive"))[-1]
    assert (last.name, last.status) == ("enough-checks-ran", "failed")
    assert f"1 of {len(CHECKS)} checks ran" in last.reason


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


def test_one_failure_is_told_once():
    """A fit that always fails in one way fails many checks; the error itself stands in the first alone."""

    def fail(self, log, harness):
        raise AttributeError("no such column")

    results = check_method(Stub(fail))
    failed = [result.reason for result in results if result.status == "failed"]
    assert sum("no such column" in reason for reason in failed) == 1
    assert sum(reason.startswith("fails as ") for reason in failed) > 5
