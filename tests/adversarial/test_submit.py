"""Submitting a file: what is refused before it runs, what a bundle holds, and that it cannot be altered."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmark.contract import ContractError, InfrastructureError, UsageError
from benchmark.contract.records import read_bundle
from benchmark.sandbox.inside.runner import load_method
from benchmark.sandbox.outside import Sandbox, bench, submit
from benchmark.sandbox.outside.submission import MAX_SOURCE_BYTES, read_submission
from benchmark.sandbox.outside.submit import check_file, submit_file
from benchmark.tasks.prepare import make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.seasons import commit_to, name_season
from benchmark.tasks.suite import Suite, check_suite

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "my_method.py"
NAN = HERE / "submissions" / "answers_nan.py"
SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def suite() -> Suite:
    """Two worlds of 150 rows."""
    return check_suite(
        {
            "name": "two",
            "version": "1",
            "n": 150,
            "seeds": 2,
            "queries": {"pairs": 32, "contrasts": 4, "pool": 16, "samples": 2},
            "cells": [{"scenarios": ["observed[strength=1]"]}],
        }
    )


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory, suite: Suite) -> Path:
    """A barely trained backbone for the domain of the suite."""
    from benchmark.harness.decoder.pretrain import pretrain

    log = make_task(Scenario.parse("observed[strength=1]"), 0, suite).view()
    folder = tmp_path_factory.mktemp("backbone")
    pretrain(log.prompts, log.texts, steps=2).save(folder)
    return folder


def test_a_cell_has_the_processor_time_of_one_thread(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Methods of the repository run on one thread; a submission with many gains nothing."""
    seen = []

    def stop(path, sandbox, *_):
        seen.append(sandbox.limits)
        raise UsageError("far enough")

    monkeypatch.setattr(submit, "read_submission", stop)
    with pytest.raises(UsageError, match="far enough"):
        submit_file(EXAMPLE, suite.model_copy(update={"seconds_per_cell": 7.5}), tmp_path, isolation="none")
    assert [(limits.wall_s, limits.cpu_s) for limits in seen] == [(7.5, 8)]


@pytest.fixture(autouse=True)
def _use_backbone(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "suite" in request.fixturenames:
        folder = request.getfixturevalue("backbone")
        monkeypatch.setattr(bench, "make_backbone", lambda *_, **__: folder)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, suite: Suite, backbone: Path, sandbox: Sandbox) -> Path:
    """The example's bundle."""
    patch = pytest.MonkeyPatch()
    patch.setattr(bench, "make_backbone", lambda *_, **__: backbone)
    try:
        return submit_file(EXAMPLE, suite, tmp_path_factory.mktemp("out")).folder
    finally:
        patch.undo()


def test_bundle_holds_what_its_rows_rest_on(bundle: Path, suite: Suite) -> None:
    manifest, records = read_bundle(bundle)
    digest = hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()
    assert manifest["sha256"] == digest
    assert manifest["isolation"] == "bubblewrap"
    assert {"user", "pid", "net", "mount", "no-capabilities"} <= set(manifest["layers"])
    assert (bundle / "method.py").read_bytes() == EXAMPLE.read_bytes()
    rows = records.to_pylist()
    assert sorted(row["seed"] for row in rows) == [0, 1]
    assert {row["status"] for row in rows} == {"ok"}, [row["reason"] for row in rows]
    assert {row["submission"] for row in rows} == {digest}
    assert {row["role"] for row in rows} == {"method"}
    assert all(0 <= row["metric.rho"] <= 1 for row in rows)
    assert {row["isolation"] for row in rows} == {"bubblewrap"}
    assert all(row["meter.wall_s"] > 0 and row["meter.peak_mb"] > 50 for row in rows)


def test_sandboxed_rows_equal_rows_of_the_same_code_unboxed(
    bundle: Path, suite: Suite, backbone: Path
) -> None:
    from benchmark.harness import Backbone, Harness, drive, predict
    from benchmark.runs.store import Store
    from benchmark.tasks.prepare import digest_log

    task = make_task(Scenario.parse("observed[strength=1]"), 0, suite)
    log = task.view("log")
    harness = Harness(Backbone.load(backbone), suite.budget.freeze(), ("method", digest_log(log)))
    (fitted,) = drive(load_method(EXAMPLE), [(log, harness)])
    store = Store.existing(bundle)
    key = next(key for key in store.list_keys() if store.read_rows(key)[0]["seed"] == 0)
    (stored,) = store.read_predictions(key, 1)
    assert stored is not None
    np.testing.assert_array_equal(predict(fitted, task.queries).reward, stored.reward)  # type: ignore[arg-type]


def test_an_interrupted_submission_goes_on(
    bundle: Path, suite: Suite, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a stored cell was run again")

    monkeypatch.setattr(Sandbox, "fit", refuse)
    assert submit_file(EXAMPLE, suite, bundle.parent).statuses == {"ok": 2}


@pytest.mark.parametrize("harm", ["source", "records", "extra", "manifest"])
def test_an_altered_bundle_is_refused(harm: str, bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    records = next(copy.glob("records-*.parquet"))
    if harm == "source":
        (copy / "method.py").write_bytes(EXAMPLE.read_bytes() + b"# better\n")
    elif harm == "records":
        records.write_bytes(records.read_bytes()[:-1] + b"x")
    elif harm == "extra":
        shutil.copy(records, copy / "records-0.parquet")
    else:
        text = (copy / "manifest.json").read_text()
        (copy / "manifest.json").write_text(text.replace("my-adjusted-ridge", "other"))
    with pytest.raises(UsageError, match="intact bundle"):
        read_bundle(copy)


@pytest.mark.slow
def test_a_hostile_submission_leaves_other_bundles_alone(
    bundle: Path, suite: Suite, sandbox: Sandbox, backbone: Path
) -> None:
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    hostile = submit_file(NAN, suite, bundle.parent)
    assert hostile.statuses == {"invalid": 2}
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before
    _, records = read_bundle(hostile.folder)
    assert all(np.isnan(records.column("metric.rho").to_numpy()))


@pytest.mark.slow
def test_no_wall_is_stamped(suite: Suite, tmp_path: Path) -> None:
    open_room = submit_file(EXAMPLE, suite, tmp_path, isolation="none", seeds=1)
    assert open_room.manifest["isolation"] == "none"
    assert open_room.manifest["layers"] == ["rlimits", "memory-watch", "thread-watch"]
    _, records = read_bundle(open_room.folder)
    assert records.column("isolation").to_pylist() == ["none"]


def test_a_broken_machine_is_tried_again_and_never_blamed_on_the_method(
    suite: Suite, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def fail(*_: object, **__: object) -> None:
        tries.append(1)
        raise InfrastructureError("the sandbox did not start")

    monkeypatch.setattr(Sandbox, "fit", fail)
    done = submit_file(EXAMPLE, suite, tmp_path, seeds=1)
    assert done.statuses == {"infrastructure": 1}
    assert len(tries) == 3  # once, and two retries


DECLINES = """from benchmark.contract import Incompatible, Tags


class M:
    name = "declines"
    tags = Tags({tags})

    def fit(self, log, harness):
        raise Incompatible("this log looks hard")


METHOD = M()
"""


@pytest.mark.parametrize(
    ("tags", "status", "reason"),
    [
        ("needs=frozenset({'instrument'})", "incompatible", "needs instrument"),
        ("", "failed", "declined the log: this log looks hard"),
    ],
    ids=["by tags", "by the data"],
)
def test_only_tags_decline_a_log(
    tags: str, status: str, reason: str, suite: Suite, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "declines.py"
    path.write_text(DECLINES.format(tags=tags))
    done = submit_file(path, suite, tmp_path / "out", seeds=1)
    assert done.statuses == {status: 1}
    (row,) = read_bundle(done.folder)[1].to_pylist()
    assert reason in row["reason"]


def test_an_answer_that_breaks_the_scorer_is_invalid(
    suite: Suite, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise FloatingPointError("overflow")

    monkeypatch.setattr(bench, "score_with_key", fail)
    done = submit_file(EXAMPLE, suite, tmp_path, seeds=1)
    assert done.statuses == {"invalid": 1}
    (row,) = read_bundle(done.folder)[1].to_pylist()
    assert "cannot be scored: FloatingPointError: overflow" in row["reason"]


def test_a_verified_season_draws_worlds_that_need_its_secret(suite: Suite) -> None:
    scenario = Scenario.parse("observed[strength=1]")
    drawn = [make_task(scenario, 0, suite, secret).log.table for secret in (None, SECRET, SECRET, SECRET[1:])]
    assert drawn[1].equals(drawn[2])
    assert not drawn[1].equals(drawn[0])
    assert not drawn[1].equals(drawn[3])
    assert name_season("s", SECRET) == f"s-verified-{commit_to(SECRET)[:16]}"
    with pytest.raises(UsageError, match="too short"):
        name_season("s", b"guess")


@pytest.mark.slow
def test_check_passes_the_example_and_fails_nan(sandbox: Sandbox) -> None:
    good, bad = check_file(EXAMPLE), check_file(NAN)
    assert good.passed, [r for r in good.results if r.status == "failed"]
    assert (good.exit_code, bad.exit_code) == (0, 4)
    assert "gives-finite-rewards" in {r.name for r in bad.results if r.status == "failed"}


METHOD = """from benchmark.contract import Tags


class M:
    {body}

    def fit(self, log, harness): ...


"""


@pytest.mark.parametrize(
    ("body", "ending", "error", "message"),
    [
        ("name = 'naive'; tags = Tags()", "METHOD = M()", UsageError, "taken"),
        ("name = 'No Such'; tags = Tags()", "METHOD = M()", UsageError, "cannot be used"),
        ("name = 'm1'; tags = Tags(track='vip')", "METHOD = M()", ContractError, "unknown track"),
        ("name = 'm1'; tags = Tags()", "METHOD = M", ContractError, "is a class"),
        ("name = 'm1'; tags = Tags()", "a, b = M(), M()", ContractError, "exactly one method"),
        ("name = 'm1'; tags = Tags()", "", ContractError, "exactly one method"),
        ("name = 'm1'; tags = {}", "METHOD = M()", ContractError, "no tags"),
        ("name = 'm1'; tags = Tags()", "1 / 0", ContractError, "ZeroDivisionError"),
        ("name = 'm1'; tags = Tags()", "METHOD = (", UsageError, "not Python"),
        ("name = 'm1'; tags = Tags()", "#" * MAX_SOURCE_BYTES, UsageError, "too large"),
    ],
    ids=["taken", "malformed", "track", "class", "two", "none", "tags", "raises", "syntax", "size"],
)
def test_files_that_are_refused(
    body: str, ending: str, error: type[Exception], message: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "file.py"
    path.write_text(METHOD.format(body=body) + ending + "\n")
    with pytest.raises(error, match=message):
        read_submission(path, sandbox)


def test_a_submission_cannot_call_itself_a_control(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text(
        METHOD.format(body="name = 'm1'; tags = Tags(canary=True, policy=True)") + "METHOD = M()\n"
    )
    found = read_submission(path, sandbox)
    assert found.tags.policy
    assert not found.tags.canary


def test_a_missing_file_is_a_usage_error(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_submission(tmp_path / "nothing.py", sandbox)
    with pytest.raises(UsageError, match="no such file"):
        load_method(tmp_path / "nothing.py")
