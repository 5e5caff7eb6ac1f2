"""What a method is asked and when, and that no answer harms the side that asks."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.contract import BenchError, ContractError, InfrastructureError, Queries
from benchmark.sandbox.inside.payload import Message, pack, unpack
from benchmark.sandbox.outside import CellResult, Sandbox, Task
from benchmark.sandbox.outside.bench import read_meters
from benchmark.sandbox.outside.interview import Interview
from benchmark.sandbox.outside.oracle import OracleDesk
from benchmark.sandbox.outside.submit import check_file

ALL = {"samples": True, "intervals": True, "abstains": True}


def reply(kind: str, **arrays: np.ndarray) -> Message:
    return Message(kind, {}, pack(arrays))


def answers(queries: Queries) -> list[Message]:
    """What an honest method says to each question."""
    texts = np.full((len(queries.generate), queries.n_samples), "a \ud800", dtype=object)
    return [
        reply("rewards", rewards=np.arange(len(queries), dtype=float)),
        reply("samples", samples=texts),
        reply("intervals", intervals=np.tile([0.0, 1.0], (queries.n_contrasts, 1))),
        reply("abstains", abstains=np.ones(len(queries.pairs), dtype=bool)),
    ]


def test_texts_come_alone_and_what_they_are_for_after_the_rewards(task: Task) -> None:
    queries = replace(task.queries, context={"goal": np.arange(len(task.queries)) % 2.0})
    interview = Interview(queries)
    questions = [interview(Message("fitted", ALL)), *(interview(answer) for answer in answers(queries))]
    assert [question.kind for question in questions] == ["rewards", "samples", "intervals", "abstains", "end"]
    asked = [unpack(question.body) if question.body else {} for question in questions]
    assert [sorted(arrays) for arrays in asked] == [
        ["context.goal", "prompts", "texts"],
        ["prompts"],
        ["ids", "off", "on", "prompts"],
        ["context.goal", "first", "prompts", "second"],
        [],
    ]
    np.testing.assert_array_equal(asked[0]["texts"], queries.texts)
    np.testing.assert_array_equal(asked[0]["context.goal"], queries.context["goal"])
    found = interview.read_predictions(pack({"diagnostic.ess": np.asarray(3.0)}))
    assert found.diagnostics == {"ess": 3.0}
    assert found.samples is not None
    assert found.intervals is not None
    assert found.abstains is not None
    assert found.abstains.all()


def test_only_what_is_offered_is_asked(task: Task) -> None:
    interview = Interview(task.queries)
    interview(Message("fitted", {"samples": "yes"}))
    assert interview(answers(task.queries)[0]).kind == "end"
    assert interview.read_predictions(b"").samples is None


def test_what_was_not_asked_is_refused(task: Task) -> None:
    with pytest.raises(ContractError, match="unexpected"):
        Interview(task.queries)(answers(task.queries)[0])
    interview = Interview(task.queries, lambda message: message)
    assert interview(Message("ask")).kind == "ask"
    interview(Message("fitted"))
    for message in (Message("fitted"), Message("ask"), answers(task.queries)[1]):
        with pytest.raises(ContractError, match="unexpected"):
            interview(message)
    with pytest.raises(ContractError, match="before it had answered"):
        interview.read_predictions(b"")


@pytest.mark.parametrize(
    "rewards",
    [np.full(40, np.nan), np.zeros(3), np.full(40, "x", dtype=object)],
    ids=["nan", "short", "text"],
)
def test_answers_are_checked_on_this_side(rewards: np.ndarray, task: Task) -> None:
    interview = Interview(task.queries)
    interview(Message("fitted"))
    interview(reply("rewards", rewards=rewards))
    with pytest.raises(ContractError):
        interview.read_predictions(b"")


@pytest.mark.parametrize("header", [b"{'descr': '<f8', 'shape': (1,", b"((((((" * 40, b"\xff\x00(", b""])
def test_a_malformed_array_is_the_senders_fault(header: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("reward.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(ContractError, match="plain set of arrays"):
        unpack(buffer.getvalue())


@pytest.mark.parametrize("tokens", [10**400, -1, float("nan"), float("inf"), "9", None, [1]], ids=repr)
def test_a_meter_that_is_no_amount_is_left_out(tokens: object) -> None:
    assert read_meters({"meters": {"tokens": tokens, "flops": 2}}) == {"flops": 2.0}


def test_the_oracle_blames_questions_on_who_asks_and_the_disk_on_the_machine() -> None:
    numbers = reply("ask", prompts=np.zeros(2), texts=np.zeros(2))
    texts = reply("ask", prompts=np.array(["a"], dtype=object), texts=np.array(["a"], dtype=object))

    def failing(error: Exception) -> OracleDesk:
        def oracle(*_: object) -> np.ndarray:
            raise error

        return OracleDesk(oracle, 10)

    cases = [
        (numbers, ValueError(), ContractError),
        (texts, TypeError("'<' of str and float"), ContractError),
        (texts, OSError("disk full"), InfrastructureError),
    ]
    for message, error, expected in cases:
        with pytest.raises(BenchError) as caught:
            failing(error)(message)
        assert type(caught.value) is expected


def checked(results: object, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The report on a file that says these are the results of its checks."""
    path = folder / "file.py"
    path.write_text("")
    named = CellResult("ok", fields={"name": "\x1b[2Jpassed", "tags": {}})
    monkeypatch.setattr(Sandbox, "describe", lambda *_: named)
    monkeypatch.setattr(Sandbox, "check", lambda *_: CellResult("ok", fields={"results": results}))
    return check_file(path, "none")


@pytest.mark.parametrize(
    "results", [None, 7, "passed", [1], [{"name": "a"}], [dict.fromkeys(("name", "status", "reason"), "a")]]
)
def test_results_of_checks_are_a_list_or_a_failure(
    results: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    last = checked(results, tmp_path, monkeypatch).results[-1]
    assert (last.name, last.status) == ("checks-finish", "failed")


def test_escapes_of_a_terminal_are_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    row = {"name": "\x1b]0;a", "status": "failed", "reason": "\x1b[2J\x00"}
    report = checked([row], tmp_path, monkeypatch)
    shown = [report.method, *(part for result in report.results for part in (result.name, result.reason))]
    assert all(text.isprintable() for text in shown)
