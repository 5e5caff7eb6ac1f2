"""What reaches a method: every family, every track, and both workbenches, against what a track grants."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

import numpy as np
import pyarrow.parquet as pq
import pytest

import simulators
from benchmark.contract import Log, Queries, RewardFunction, Tags
from benchmark.contract.method import TRACKS
from benchmark.contract.roles import TEXT_ROLES, role_of
from benchmark.runs.engines.work import Bench, Setting
from benchmark.runs.entrants import Entrant
from benchmark.runs.plan import Cell, Group
from benchmark.sandbox.outside import bench as sandbox_bench
from benchmark.sandbox.outside.bench import SandboxBench
from benchmark.sandbox.outside.cell import CellResult
from benchmark.tasks.prepare import Task, make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite

FAMILIES = tuple(card.name for card in simulators.list_families())
N = 300
SUITE = check_suite(
    {
        "name": "views",
        "version": "1",
        "n": N,
        "queries": {"pairs": 16, "contrasts": 2, "pool": 8, "samples": 2},
        "cells": [{"scenarios": ["observed"]}],
    }
)
# Granted by a track; every other role belongs to the log itself.
GRANTED = {
    "log": set(),
    "propensity": {"propensity", "target_propensity"},
    "slice": {"propensity", "target_propensity", "randomised"},
    "oracle": {"propensity", "target_propensity"},
}
GATED = set.union(*GRANTED.values())


@lru_cache(maxsize=2)
def task_of(family: str) -> Task:
    return make_task(Scenario.parse(family), 0, SUITE)


def numbers(log: Log) -> dict[str, np.ndarray]:
    return {name: log.numbers(name) for name in log.table.column_names if name not in TEXT_ROLES}


def same_values(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two columns hold the same values, in whatever order: rows of a task are shuffled."""
    if first.shape != second.shape or not np.isfinite(first).all() or np.ptp(first) == 0:
        return False
    return bool(np.allclose(np.sort(first), np.sort(second), rtol=1e-9, atol=1e-12))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_column_has_a_role_that_its_track_grants(family: str) -> None:
    task = task_of(family)
    for track in TRACKS:
        names = task.view(track).table.column_names
        roles = {role_of(name) for name in names}
        assert None not in roles, names
        assert roles & GATED <= GRANTED[track], (track, names)
        assert not any(name.startswith(("hidden", "reward", "log_", "naive", "effect")) for name in names)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_column_holds_the_truth_under_another_name(family: str) -> None:
    task = task_of(family)
    truth = task.world.draw(N).truth
    secret = {n: truth[n].to_numpy() for n in truth.column_names if n.startswith(("reward", "log_prop"))}
    secret |= {f"exp {n}": np.exp(v) for n, v in secret.items() if n.startswith("log_prop")}
    assert len(secret) >= 3
    seen = numbers(task.view("log"))
    assert [(s, n) for s, v in secret.items() for n, c in seen.items() if same_values(c, v)] == []
    # The same search finds what is there: a column of the truth put into the log.
    assert same_values(truth["reward"].to_numpy(), task.truth.reward(*_first_texts(task)))


def _first_texts(task: Task) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    log = task.log
    texts = next(name for name in log.table.column_names if name in TEXT_ROLES and name != "prompt")
    context = {name: log.numbers(f"context.{name}") for name in log.names("context")}
    return log.prompts, log.strings(texts), context


@pytest.mark.parametrize("family", FAMILIES)
def test_files_and_queries_carry_nothing_else(family: str, tmp_path) -> None:
    task = task_of(family)
    task.view("slice").write(tmp_path / "log.parquet")
    schema = pq.read_schema(tmp_path / "log.parquet")
    assert {key for key in schema.metadata if key != b"ARROW:schema"} <= {b"confoundbench"}
    assert all(
        field.metadata is None or not set(field.metadata) - {b"role", b"PARQUET:field_id"} for field in schema
    )
    assert {field.name for field in fields(Queries)} == set(vars(task.queries))
    assert set(task.queries.context) <= set(task.log.names("context"))
    # No order to read anything off: a pair's better text is not always the same side of it.
    first, second = task.queries.pairs.T
    rewards = task.truth.reward(task.queries.prompts, task.queries.texts, task.queries.context)
    better = np.sign(rewards[first] - rewards[second])
    assert not np.any(better) or {-1.0, 1.0} <= set(better)


# -- workbenches --------------------------------------------------------------
class _Probe:
    """A method that keeps what it is given."""

    name = "probe"

    def __init__(self, track: str) -> None:
        self.tags = Tags(track=track)
        self.seen: list[Log] = []

    def fit(self, log: Log, harness) -> RewardFunction:
        self.seen.append(log)
        self.oracle = harness.oracle
        return RewardFunction(lambda prompts, texts: np.zeros(len(texts)))


def group_of(track: str, role: str = "method") -> Group:
    cell = Cell(Scenario.parse("mixture").with_rows(N), 0)
    return Group(Entrant("probe", role=role, track=track), (cell,), "tiny", 0, "key")


@pytest.mark.parametrize("track", TRACKS)
def test_the_workbench_hands_out_the_tracks_view(track: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import methods

    probe = _Probe(track)
    monkeypatch.setattr(methods, "load", lambda name: probe, raising=False)
    monkeypatch.setattr(Bench, "backbone", lambda *_: None)
    (result,) = Bench(Setting(SUITE)).run(group_of(track), [0])
    assert result.status == "ok", result.reason
    assert [log.has("randomised") for log in probe.seen] == [track == "slice"]
    assert (probe.oracle is not None) == (track == "oracle")


@pytest.mark.parametrize("track", TRACKS)
def test_the_sandbox_is_sent_the_tracks_view(track: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    class Sandbox:
        isolation = "bubblewrap"

        def fit(self, source, given, oracle=None):
            sent.append((given, oracle))
            return CellResult("failed", "a fake")

    sent: list = []
    monkeypatch.setattr(sandbox_bench, "make_backbone", lambda *_, **__: tmp_path)
    SandboxBench(b"", Tags(track=track), Setting(SUITE), Sandbox()).run(group_of(track), [0])  # type: ignore[arg-type]
    ((given, oracle),) = sent
    assert given.log.has("randomised") == (track == "slice")
    assert (oracle is not None) == (track == "oracle")
    shown = {"log", "queries", "budget", "backbone", "device", "precision"}
    assert {field.name for field in fields(given)} == shown
