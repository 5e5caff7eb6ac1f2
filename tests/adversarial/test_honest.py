"""Honest submissions run behind the wall as they do without it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmark.contract import InfrastructureError, Log, UsageError
from benchmark.sandbox.outside import Sandbox, Task, cell

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_method.py"
TRAINS = b"""
import numpy as np
from dataclasses import dataclass
from benchmark.contract import Tags, Texts, Train


@dataclass(frozen=True)
class Likelihood:
    def __call__(self, scores, batch):
        return -scores["text"].value * batch["weight"]


@dataclass(frozen=True)
class Imitate:
    name: str = "imitate"
    tags: Tags = Tags(policy=True)

    def fit(self, log, harness):
        texts = {"text": Texts(log.prompts, log.texts)}
        model = yield Train(harness.policy(), texts, {"weight": np.ones(len(log))}, Likelihood())
        return harness.fitted_policy(model)


METHOD = Imitate()
"""


def test_example_runs_and_repeats(sandbox: Sandbox, open_room: Sandbox, task: Task) -> None:
    source = EXAMPLE.read_bytes()
    results = [room.fit(source, task) for room in (sandbox, sandbox, open_room)]
    assert [r.status for r in results] == ["ok"] * 3, results[0].reason
    rewards = [r.predictions.reward for r in results if r.predictions is not None]
    np.testing.assert_array_equal(rewards[0], rewards[1])
    np.testing.assert_array_equal(rewards[0], rewards[2])
    # The example adjusts for the day, so the only word that matters wins.
    bright = np.array(["bright" in text for text in task.queries.texts])
    assert rewards[0][bright].mean() > rewards[0][~bright].mean()


ABSTAINS = b"""
import numpy as np
from benchmark.contract import Tags


class Fitted:
    def reward(self, prompts, texts, context=None):
        return np.array([float("bright" in text) for text in texts])

    def abstains(self, prompts, first, second, context=None):
        return self.reward(prompts, first) == self.reward(prompts, second)


class Careful:
    name, tags = "careful", Tags()

    def fit(self, log, harness):
        return Fitted()


METHOD = Careful()
"""


def test_a_method_abstains_from_pairs_across_the_wall(sandbox: Sandbox, task: Task) -> None:
    result = sandbox.fit(ABSTAINS, task)
    assert result.predictions is not None, result.reason
    rewards = result.predictions.reward[task.queries.pairs]
    assert result.predictions.abstains is not None
    np.testing.assert_array_equal(result.predictions.abstains, rewards[:, 0] == rewards[:, 1])
    assert 0 < result.predictions.abstains.mean() < 1


def test_a_log_without_a_needed_column_is_refused_before_the_fit(open_room: Sandbox, task: Task) -> None:
    needy = TRAINS.replace(b"Tags(policy=True)", b"Tags(needs=frozenset({'instrument'}))")
    found = open_room.fit(needy.replace(b"texts = {", b"raise RuntimeError('fit was called')  # "), task)
    assert found.status == "failed"  # declined by the code inside; the plan declines by tags beforehand
    assert found.reason == "needs instrument, which this log does not record"


def test_example_fits_on_a_page() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 25


def test_training_and_sampling_work_inside(sandbox: Sandbox, task: Task) -> None:
    result = sandbox.fit(TRAINS, task)
    assert result.status == "ok", result.reason
    assert result.predictions is not None
    assert result.predictions.samples is not None
    assert result.predictions.samples.shape == (1, task.queries.n_samples)
    assert np.ptp(result.predictions.reward) > 0
    assert result.peak_bytes > 50 << 20  # an interpreter with torch in it


def test_input_is_what_the_contract_grants(
    sandbox: Sandbox, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}
    original = Sandbox._run

    def spy(self, mode, source, folder, settings, backbone, ask):
        result = original(self, mode, source, folder, settings, backbone, ask)
        seen["files"] = sorted(path.name for path in folder.iterdir())
        seen["settings"] = json.loads((folder / "settings.json").read_text())
        return result

    monkeypatch.setattr(Sandbox, "_run", spy)
    sandbox.fit(EXAMPLE.read_bytes(), task)
    assert seen["files"] == ["log.parquet", "method.py", "settings.json"]
    assert set(seen["settings"]) == {
        "mode",
        "limits",
        "backbone",
        "budget",
        "device",
        "stream",
        "oracle",
        "precision",
    }  # type: ignore[arg-type]
    assert seen["settings"]["backbone"] == "/backbone"  # type: ignore[index]


@pytest.mark.slow
def test_streams_follow_from_the_log_alone(sandbox: Sandbox, task: Task) -> None:
    answer = "RewardFunction(lambda prompts, texts: harness.encode(prompts, texts) @ weights)"
    draw = "RewardFunction(lambda prompts, texts: [harness.rng('x').random()] * len(texts))"
    draws = EXAMPLE.read_text().replace(answer, draw)
    columns = dict(zip(task.log.table.column_names, task.log.table.columns, strict=True))
    other = replace(task, log=Log(pa.table(columns | {"outcome": task.log.outcomes + 1.0})))
    results = [sandbox.fit(draws.encode(), t).predictions for t in (task, task, other)]
    first, again, moved = (r.reward[0] for r in results if r is not None)
    assert first == again
    assert first != moved


ASKS = b"""
import numpy as np
from benchmark.contract import Ask, RewardFunction, Tags


class Curious:
    name = "curious"
    tags = Tags(track="oracle")

    def fit(self, log, harness):
        answers = yield Ask(log.prompts[:3], log.texts[:3])
        return RewardFunction(lambda prompts, texts: np.full(len(texts), answers.sum()))


METHOD = Curious()
"""


def test_oracle_questions_are_answered_outside(sandbox: Sandbox, task: Task) -> None:
    heard: list[str] = []

    def oracle(prompts, texts, context):
        heard.extend(texts)
        return np.arange(len(texts), dtype=float)

    asked = sandbox.fit(ASKS, replace(task, budget=replace(task.budget, asks=3)), oracle)
    assert asked.status == "ok", asked.reason
    assert asked.predictions is not None
    assert set(asked.predictions.reward) == {3.0}  # 0 + 1 + 2
    assert heard == list(task.log.texts[:3])


def test_oracle_budget_is_kept_outside(sandbox: Sandbox, task: Task) -> None:
    greedy = ASKS.replace(
        b"    def fit(self, log, harness):",
        b"    def fit(self, log, harness):\n        for _ in range(5):\n"
        b"            harness.oracle(log.prompts[:3], log.texts[:3], {})",
    )
    heard: list[str] = []

    def oracle(prompts, texts, context):
        heard.extend(texts)
        return np.zeros(len(texts))

    result = sandbox.fit(greedy, replace(task, budget=replace(task.budget, asks=7)), oracle)
    assert result.status == "invalid"
    assert "budget" in result.reason
    assert len(heard) == 6  # two questions of three fit into seven
    assert sandbox.fit(ASKS, task).status in ("failed", "invalid")  # without an oracle there is none to ask


def test_a_runner_that_does_not_come_up_is_our_fault(sandbox: Sandbox, task: Task, tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="did not start"):
        sandbox.fit(EXAMPLE.read_bytes(), replace(task, backbone=tmp_path))


def test_doctor_says_what_each_isolation_enforces(sandbox: Sandbox, open_room: Sandbox) -> None:
    from benchmark.machine import check_sandbox

    said = check_sandbox().detail
    for room in (sandbox, open_room):
        assert f"isolation {room.isolation} enforces {', '.join(room.layers)}" in said
    assert {"read-only-proc", "seccomp", "thread-watch"} <= set(sandbox.layers)


def test_no_silent_step_down(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmark.sandbox.outside import probe

    broken = probe.Probe(False, "/usr/bin/bwrap", "setting up uid map: Permission denied", probe.FIX_APPARMOR)
    monkeypatch.setattr(probe, "probe_bubblewrap", lambda: broken)
    with pytest.raises(InfrastructureError, match="apparmor_restrict_unprivileged_userns") as caught:
        Sandbox()
    assert caught.value.exit_code == 5
    with pytest.raises(UsageError, match="did you mean 'bubblewrap'"):
        Sandbox(isolation="bubblewrapp")
    assert "seccomp" not in Sandbox(isolation="none").layers


def test_every_claim_has_a_status() -> None:
    from benchmark.contract.records import STATUSES

    assert set(cell.CLAIMS) | {"timeout", "infrastructure", "incompatible"} == set(STATUSES)
