"""The oracle track behind the wall: outcomes are bought from this side, and counted on this side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.contract import ContractError
from benchmark.contract.records import read_bundle
from benchmark.sandbox.outside import Sandbox, bench
from benchmark.sandbox.outside.submit import submit_file
from benchmark.tasks.prepare import make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import Suite, check_suite

ASKS = 12_800
BUYER = """
import numpy as np
from benchmark.contract import Ask, RewardFunction, Tags


class Buyer:
    name = "buyer"
    tags = Tags(track="{track}")

    def fit(self, log, harness):
        {before}
        n = harness.budget.asks
        shown = np.arange(n) % len(log)
        outcomes = yield Ask({prompts}, log.texts[shown])
        features = harness.encode(log.prompts[shown], log.texts[shown])
        penalty = 10 * np.eye(features.shape[1])
        weights = np.linalg.solve(features.T @ features + penalty, features.T @ (outcomes - outcomes.mean()))
        return RewardFunction(lambda p, t: harness.encode(p, t) @ weights, {{"bought": len(outcomes)}})


METHOD = Buyer()
"""
# Two cheats: one raises the budget on its own side, the other asks without the driver that counts.
RESET = "object.__setattr__(harness, 'budget', type(harness.budget)(asks=100_000))"
BYPASS = "[harness.oracle(log.prompts[:300], log.texts[:300], {}) for _ in range(2)]"


@pytest.fixture(scope="module")
def suite() -> Suite:
    """One strongly confounded world whose people answer questions."""
    return check_suite(
        {
            "name": "ask",
            "version": "1",
            "n": 600,
            "seeds": 1,
            "budget": {"asks": ASKS},
            "queries": {"pairs": 256, "contrasts": 4, "pool": 32, "samples": 2},
            "cells": [{"scenarios": ["observed[strength=2]"]}],
        }
    )


@pytest.fixture(autouse=True)
def _use_backbone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suite: Suite) -> None:
    from benchmark.harness.decoder.pretrain import pretrain

    log = make_task(Scenario.parse("observed[strength=2]"), 0, suite).view()
    pretrain(log.prompts, log.texts, steps=1).save(tmp_path / "backbone")
    monkeypatch.setattr(bench, "make_backbone", lambda *_, **__: tmp_path / "backbone")


def submit(folder: Path, suite: Suite, **parts: str) -> dict:
    """The record of a buyer."""
    source = BUYER.format(**{"track": "oracle", "before": "pass", "prompts": "log.prompts[shown]", **parts})
    path = folder / "buyer.py"
    path.write_text(source)
    bundle = submit_file(path, suite, folder / "out")
    (row,) = read_bundle(bundle.folder)[1].to_pylist()
    return row


def test_a_submission_of_the_oracle_track_buys_unconfounded_outcomes(
    sandbox: Sandbox, suite: Suite, tmp_path: Path
) -> None:
    row = submit(tmp_path, suite)
    assert (row["status"], row["track"]) == ("ok", "oracle"), row["reason"]
    assert row["diagnostic.bought"] == ASKS
    # What the log says at face value, had it no end, against what 12,800 fresh people say.
    assert row["metric.rho"] < row["cell_naive_rho"]


@pytest.mark.parametrize("cheat", [RESET, BYPASS], ids=["resets-the-count", "goes-around-the-count"])
def test_the_budget_is_kept_outside(cheat: str, sandbox: Sandbox, suite: Suite, tmp_path: Path) -> None:
    row = submit(tmp_path, suite, before=cheat)
    assert row["status"] == "invalid"
    assert "budget is spent" in row["reason"]


def test_other_tracks_are_not_answered(sandbox: Sandbox, suite: Suite, tmp_path: Path) -> None:
    row = submit(tmp_path, suite, track="log")
    assert (row["status"], row["track"]) == ("invalid", "log")
    assert "no oracle" in row["reason"]


def test_a_question_of_another_world_is_the_methods_own_failure(
    sandbox: Sandbox, suite: Suite, tmp_path: Path
) -> None:
    row = submit(tmp_path, suite, prompts="np.full(n, 'no such prompt', dtype=object)")
    assert row["status"] == "invalid"
    assert "no such prompt" in row["reason"]


@pytest.mark.parametrize("value", [-1, 99, 0.5, np.nan], ids=str)
def test_a_context_that_does_not_exist_cannot_be_set(value: float, suite: Suite) -> None:
    task = make_task(Scenario.parse("objective"), 0, suite)
    (name,) = task.queries.context
    oracle, prompts, texts = task.world.oracle(), task.queries.prompts[:3], task.queries.texts[:3]
    assert np.isfinite(oracle(prompts, texts, {name: np.ones(3)})).all()
    with pytest.raises(ContractError, match=name):
        oracle(prompts, texts, {name: np.full(3, value)})
