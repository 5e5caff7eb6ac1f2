"""The process in which submitted code runs: reads one input, fits one method, then answers what it is asked.

It holds no truth, sees no simulator and is alone with its input. Nothing it says about
itself is believed outside beyond what the code could have done honestly: answer, decline
or fail.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import inspect
import json
import os
import resource
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmark.contract import Budget, ContractError, Contrasts, Fitted, Log, Method, Tags, UsageError
from benchmark.contract.errors import find_place
from benchmark.contract.queries import as_finite, as_flags, as_texts
from benchmark.contract.records import REASON_LENGTH, SOURCE, status_of
from benchmark.sandbox.inside.payload import (
    ABSTAINS,
    CONTEXT,
    DIAGNOSTIC,
    END,
    FITTED,
    HEADER_LIMIT,
    INTERVALS,
    MAX_ARRAYS,
    REWARDS,
    SAMPLES,
    Message,
    pack,
    pack_question,
    receive,
    unpack,
)

HIDDEN = (
    "simulators",
    "leaderboard",
    "benchmark.scoring.score",
    "benchmark.tasks.prepare",
    "benchmark.runs.store",
    "benchmark.sandbox.outside",
)
QUESTION_LIMIT = 1 << 28
OFFERS = {SAMPLES: "sample", INTERVALS: "effect_interval", ABSTAINS: "abstains"}


def main(descriptor: int, inputs: str) -> None:
    """Run what ``settings.json`` asks for and leave without running exit handlers."""
    connection = socket.socket(fileno=descriptor)
    folder = Path(inputs)
    settings = json.loads((folder / "settings.json").read_text())
    _check_hidden()
    _close_others(descriptor)
    action = _prepare(folder, settings, connection)
    _limit_resources(settings["limits"], settings.get("device") == "cuda")
    connection.sendall(Message("ready").encode())
    connection.sendall(_attempt(action, str(folder / SOURCE)).encode())
    connection.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _prepare(folder: Path, settings: dict[str, Any], connection: socket.socket) -> Callable[[], Message]:
    """Read all inputs and import what is slow, so that failures here are ours, not the method's."""
    source = folder / SOURCE
    if settings["mode"] == "describe":
        return lambda: _describe(load_method(source))
    if settings["mode"] == "check":
        check = getattr(importlib.import_module(settings["checks"]), "check_method")  # noqa: B009
        return lambda: _check(check, load_method(source))
    from benchmark.harness import Failure, Harness, drive
    from benchmark.harness.saved import load_saved

    log = Log.read(folder / "log.parquet")
    backbone = load_saved(settings["backbone"]) if settings["backbone"] else None
    harness = Harness(
        backbone=backbone,
        budget=Budget(**settings["budget"]),
        device=settings["device"],
        precision=settings["precision"],
        path=tuple(settings["stream"]),
        oracle=partial(_ask, connection) if settings["oracle"] else None,
    )

    def fit() -> Message:
        (fitted,) = drive(load_method(source), [(log, harness)])
        if isinstance(fitted, Failure):
            sys.stderr.write(fitted.traceback)
            return _ended(fitted.status, fitted.reason, find_place(fitted.traceback, str(source)))
        diagnostics = _answer_questions(connection, fitted)
        meters = {name: float(getattr(harness.meter, name)) for name in ("tokens", "flops")}
        return Message("done", {"status": "ok", "meters": meters}, diagnostics)

    return fit


def _answer_questions(connection: socket.socket, fitted: Fitted) -> bytes:
    """Say that the fit is over, answer what the other side then asks, and pack the diagnostics."""
    from benchmark.harness import read_diagnostics

    offers = {kind: callable(getattr(fitted, name, None)) for kind, name in OFFERS.items()}
    connection.sendall(Message(FITTED, offers).encode())
    while (question := receive(connection, QUESTION_LIMIT)).kind != END:
        answer = _answer(fitted, question)
        connection.sendall(Message(question.kind, {}, pack({question.kind: answer})).encode())
    diagnostics = list(read_diagnostics(fitted).items())[: MAX_ARRAYS - 8]
    return pack({DIAGNOSTIC + name: np.asarray(value) for name, value in diagnostics})


def _answer(fitted: Any, question: Message) -> np.ndarray:
    from benchmark.harness import LEVEL

    arrays = unpack(question.body)
    context = {n.removeprefix(CONTEXT): values for n, values in arrays.items() if n.startswith(CONTEXT)}
    if question.kind == REWARDS:
        reward = fitted.reward(arrays["prompts"], arrays["texts"], context or None)
        return as_finite(reward, "reward")
    if question.kind == ABSTAINS:
        flags = fitted.abstains(arrays["prompts"], arrays["first"], arrays["second"], context or None)
        return as_flags(flags, "abstains")
    if question.kind == SAMPLES:
        return as_texts(fitted.sample(arrays["prompts"], question.fields["n"]), "samples")
    return as_finite(fitted.effect_interval(Contrasts(**arrays), LEVEL), "effect intervals")


def _ask(
    connection: socket.socket, prompts: np.ndarray, texts: np.ndarray, context: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Put a question to the oracle on the other side; it keeps count there."""
    connection.sendall(Message("ask", {}, pack_question(prompts, texts, context)).encode())
    return unpack(receive(connection, QUESTION_LIMIT).body)["outcome"]


def _attempt(action: Callable[[], Message], source: str = "") -> Message:
    try:
        return action()
    except BaseException as error:  # whatever submitted code raises is its own failure
        gc.collect()  # what the failed code held may be all the memory there is
        trace = "" if isinstance(error, MemoryError) else "".join(traceback.format_exception(error))
        return _ended(*status_of(error), find_place(trace, source))


def _ended(status: str, reason: str, place: str = "") -> Message:
    # The code in here cannot tell whether the machine failed, and has seen the log that it would decline.
    status = "failed" if status in ("infrastructure", "incompatible") else status
    where = f" ({place})" if place else ""
    return Message("done", {"status": status, "reason": str(reason)[: REASON_LENGTH - len(where)] + where})


def _describe(method: Method) -> Message:
    tags = {k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(method.tags).items()}
    described = Message("done", {"status": "ok", "name": method.name, "tags": tags})
    if len(described.encode()) > HEADER_LIMIT:
        raise ContractError("the name and tags are too long", expected=f"under {HEADER_LIMIT} bytes")
    return described


def _check(check: Callable[[Method], Any], method: Method) -> Message:
    results = [
        {"name": r.name, "status": r.status, "reason": str(r.reason)[:REASON_LENGTH]} for r in check(method)
    ]
    return Message("done", {"status": "ok", "results": results})


# -- loading ------------------------------------------------------------------
def load_method(path: str | Path) -> Method:
    """The method a file defines: its ``METHOD``, or the only method-like object in it.

    Args:
        path: A Python file.

    Raises:
        UsageError: If the file is missing, or defines no method or several.
        ContractError: If what it defines does not look like a method.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError("there is no such file", expected="a Python file", found=str(path))
    module = _execute(path)
    if hasattr(module, "METHOD"):
        return _checked(module.METHOD, "METHOD")
    own = {id(v): (n, v) for n, v in vars(module).items() if _looks_like_method(v)}
    if len(own) != 1:
        raise UsageError(
            f"{path.name} must define exactly one method",
            expected="METHOD = YourMethod() at module level",
            found=", ".join(name for name, _ in own.values()) or "none",
        )
    name, method = next(iter(own.values()))
    return _checked(method, name)


def _execute(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("submitted_method", path)
    if spec is None or spec.loader is None:
        raise UsageError("not a Python file", expected="a name ending in .py", found=path.name)
    module = importlib.util.module_from_spec(spec)
    sys.modules["submitted_method"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _looks_like_method(value: object) -> bool:
    return not inspect.isclass(value) and callable(getattr(value, "fit", None)) and hasattr(value, "tags")


def _checked(value: Any, name: str) -> Method:
    if inspect.isclass(value):
        raise ContractError(f"{name} is a class", expected="an instance", fix=f"{name} = {value.__name__}()")
    label = getattr(value, "name", None)
    if not isinstance(label, str) or not label.strip():
        raise ContractError(f"{name} has no name", expected="a non-empty str attribute", found=repr(label))
    if not isinstance(getattr(value, "tags", None), Tags):
        raise ContractError(f"{name} has no tags", expected="tags = Tags(...)", found=repr(value))
    if not callable(getattr(value, "fit", None)):
        raise ContractError(f"{name} cannot fit", expected="a method fit(log, harness)", found=repr(value))
    return value


# -- confinement --------------------------------------------------------------
def _check_hidden() -> None:
    for name in HIDDEN:
        try:
            seen = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            continue
        if seen is not None:
            sys.exit(f"refusing to run: {name} can be imported here")


def _close_others(keep: int) -> None:
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    os.closerange(3, keep)
    os.closerange(keep + 1, highest + 1)


def _limit_resources(limits: dict[str, Any], accelerator: bool) -> None:
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    used = resource.getrusage(resource.RUSAGE_SELF)
    wanted = {
        resource.RLIMIT_CPU: used.ru_utime + used.ru_stime + limits["cpu_s"] + 1,
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_NPROC: limits["threads"],
        resource.RLIMIT_DATA: limits["memory_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    if not accelerator:  # its driver maps far more addresses than it holds memory
        wanted[resource.RLIMIT_AS] = mapped + limits["memory_bytes"]
    for what, value in wanted.items():
        hard = resource.getrlimit(what)[1]
        limit = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        # The soft limit on processor time sends a signal that names its cause; the hard one kills.
        resource.setrlimit(what, (limit, limit + 2 if what == resource.RLIMIT_CPU else limit))
