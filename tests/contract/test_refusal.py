"""A log that a method's tags cannot take is refused before ``fit`` is called, however the fit is started.

(Fits inside the sandbox: ``tests/adversarial/test_honest.py``.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import methods
from benchmark.contract import Incompatible, Log, RewardFunction, Tags
from benchmark.harness import Failure, drive
from methods.checks.harness import EncodingHarness
from methods.checks.subject import Subject
from methods.checks.toy import draw_toy

NEEDY = Tags(needs=frozenset({"covariate"}))


@dataclass
class Counting:
    """Needs a covariate, reads nothing, and counts how often it is asked to fit."""

    tags: Tags = NEEDY
    name: str = "counting"
    logs: list[Log] = field(default_factory=list)

    def fit(self, log: Log, harness: Any) -> RewardFunction:
        self.logs.append(log)
        return RewardFunction(lambda prompts, texts: np.zeros(len(texts)))


TOY = draw_toy(20)
GOOD, BARE, PAIRS = TOY.log(), TOY.log(roles=()), TOY.log("pairs")


@pytest.mark.parametrize(("log", "reason"), [(BARE, "needs covariate"), (PAIRS, "takes outcome logs")])
def test_a_single_fit_is_refused(log: Log, reason: str) -> None:
    method = Counting()
    (found,) = drive(method, [(log, EncodingHarness())])
    assert isinstance(found, Failure)
    assert found.status == "incompatible"
    assert reason in found.reason
    assert method.logs == []


def test_in_a_batch_the_others_are_fitted() -> None:
    method = Counting()
    found = drive(method, [(log, EncodingHarness()) for log in (BARE, GOOD, PAIRS)])
    assert [isinstance(result, Failure) for result in found] == [True, False, True]
    assert method.logs == [GOOD]


def test_the_contract_checks_refuse_too() -> None:
    method = Counting()
    with pytest.raises(Incompatible, match="needs covariate"):
        Subject(method, EncodingHarness).fit(BARE)
    assert method.logs == []


@pytest.mark.parametrize("method", methods.list_methods(), ids=lambda method: method.name)
def test_every_row_is_refused_a_log_without_a_needed_column(method: Any) -> None:
    for kind in sorted(method.tags.kinds):
        for role in sorted(method.tags.needs):
            log = TOY.log(kind, {"covariate", *method.tags.needs} - {role})
            if role in log.table.column_names:  # prompts are in every toy log
                log = Log(log.table.drop_columns([role]), log.feedback)
            (found,) = drive(method, [(log, EncodingHarness())])
            assert isinstance(found, Failure)
            assert found.status == "incompatible"
            assert role in found.reason
