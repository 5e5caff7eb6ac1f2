"""Runs a submitted file on one input, behind the wall, and decides from outside how it ended.

One fresh process in fresh namespaces a cell: no state, file or process outlives a cell, so
submitted code can never compare several seeds or strengths. Preloading
once and forking would save the imports, but the forking parent would share a user and a
process namespace with the code it serves and outlive it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.contract import Budget, InfrastructureError, Log, Predictions, Queries
from benchmark.contract.records import REASON_LENGTH, SOURCE, status_of
from benchmark.sandbox.outside import bubblewrap, plain
from benchmark.sandbox.outside.folders import make_folder
from benchmark.sandbox.outside.interview import Interview
from benchmark.sandbox.outside.layout import find_layout
from benchmark.sandbox.outside.limits import Limits
from benchmark.sandbox.outside.oracle import Oracle, OracleDesk
from benchmark.sandbox.outside.privileges import hand_over
from benchmark.sandbox.outside.probe import (
    choose_isolation,
    hold_memory,
    list_layers,
    probe_bubblewrap,
    step_down,
)
from benchmark.sandbox.outside.seccomp import build_filter
from benchmark.sandbox.outside.supervise import Ending, Reply, Start, supervise

CLAIMS = ("ok", "invalid", "failed", "memory")
SHELL_SIGNAL = 128  # bubblewrap passes "ended by signal s" on as exit status 128 + s
CHECKS = "methods.checks"


@dataclass(frozen=True, eq=False)
class Task:
    """All that a submitted method is given for one cell.

    Attributes:
        log: What it trains on, already restricted to its track.
        queries: What it is asked.
        budget: What it may spend.
        backbone: Folder of the pretrained decoder, or None.
        device: ``"cpu"`` or ``"cuda"``.
        precision: Of products.
    """

    log: Log
    queries: Queries
    budget: Budget = field(default_factory=Budget)
    backbone: Path | None = None
    device: str = "cpu"
    precision: str = "float32"


@dataclass(frozen=True, eq=False)
class CellResult:
    """How one cell ended.

    Attributes:
        status: ok, invalid, failed, timeout or memory.
        reason: Why, for people; printable and short; empty where ok.
        predictions: Validated answers where ok, else None.
        seconds: Wall time of the method, start-up excluded.
        peak_bytes: Largest resident memory seen.
        fields: Further plain data of a description or of checks.
    """

    status: str
    reason: str = ""
    predictions: Predictions | None = None
    seconds: float = 0.0
    peak_bytes: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sandbox:
    """Where submitted code runs.

    Attributes:
        isolation: ``"bubblewrap"``, or ``"none"`` by explicit choice.
        limits: What one cell may use.

    Raises:
        InfrastructureError: If the isolation asked for does not work here.
    """

    isolation: str = "bubblewrap"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        choose_isolation(self.isolation)

    @property
    def layers(self) -> tuple[str, ...]:
        """What stands between the code and this machine; stamped into every record."""
        return list_layers(self.isolation)

    def fit(self, source: bytes, task: Task, oracle: Oracle | None = None) -> CellResult:
        """Fit a submitted method and ask it the queries.

        Args:
            source: The submitted file.
            task: What it is given.
            oracle: ``(prompts, texts, context) -> outcomes``, asked on this side at most
                ``budget.asks`` times in all; without it there is none.

        Raises:
            InfrastructureError: If the sandbox did not start.
        """
        desk = None if oracle is None else OracleDesk(oracle, task.budget.asks)
        interview = Interview(task.queries, desk)
        result = self.converse(source, task, interview, oracle)
        if result.status != "ok":
            return result
        try:
            predictions = interview.read_predictions(result.fields["body"])
        except Exception as error:  # whatever an answer leads to is its sender's doing
            return replace(result, status="invalid", reason=clean(status_of(error)[1]), fields={})
        told = {name: value for name, value in result.fields.items() if name != "body"}
        return replace(result, predictions=predictions, fields=told)

    def converse(self, source: bytes, task: Task, reply: Reply, oracle: Oracle | None = None) -> CellResult:
        """Fit a submitted method and let somebody else answer its messages.

        Args:
            source: The submitted file.
            task: What it is given; the queries stay on this side.
            reply: Answers each message of the fit with the next question.
            oracle: As in ``fit``; ``reply`` answers for it.

        Raises:
            InfrastructureError: If the sandbox did not start.
        """
        with make_folder() as folder:
            task.log.write(folder / "log.parquet")
            # The method's own streams follow from what it sees anyway, so they tell it nothing.
            seen = hashlib.sha256((folder / "log.parquet").read_bytes()).hexdigest()
            settings = {
                "budget": asdict(task.budget),
                "device": task.device,
                "precision": task.precision,
                "stream": ["method", seen],
                "oracle": oracle is not None,
            }
            return self._run("fit", source, folder, settings, task.backbone, reply)

    def describe(self, source: bytes) -> CellResult:
        """Name and tags of the method a file defines, as ``fields["name"]`` and ``fields["tags"]``."""
        return self._small("describe", source, {})

    def check(self, source: bytes, checks: str = CHECKS) -> CellResult:
        """The contract checks, as ``fields["results"]``: name, passed, detail."""
        return self._small("check", source, {"checks": checks})

    def _small(self, mode: str, source: bytes, settings: dict[str, Any]) -> CellResult:
        with make_folder() as folder:
            return self._run(mode, source, folder, settings, None, None)

    def _run(
        self,
        mode: str,
        source: bytes,
        folder: Path,
        settings: dict[str, Any],
        backbone: Path | None,
        reply: Reply | None,
    ) -> CellResult:
        (folder / SOURCE).write_bytes(source)
        shown = None if backbone is None else bubblewrap.BACKBONE_FOLDER
        if self.isolation == "none" and backbone is not None:
            shown = str(backbone)
        settings = settings | {"mode": mode, "limits": asdict(self.limits), "backbone": shown}
        (folder / "settings.json").write_text(json.dumps(settings))
        ours, theirs = socket.socketpair()
        if self.isolation == "none":
            with make_folder() as scratch:
                start = Start(*plain.build_command(find_layout(), folder, scratch, theirs.fileno()),
                              (theirs.detach(),))  # fmt: skip
                return decide_status(supervise(start, ours, self.limits, reply))
        devices = _accelerator_files() if settings.get("device") == "cuda" else ()
        status_read, status_write = os.pipe()
        kernel_filter = _filter_descriptor()
        channels = bubblewrap.Channels(theirs.detach(), status_write, kernel_filter)
        command = bubblewrap.build_command(
            probe_bubblewrap().binary or "bwrap",
            find_layout(),
            folder,
            backbone,
            channels,
            self.limits,
            devices,
        )
        inherited = tuple(fd for fd in (channels.socket, status_write, kernel_filter) if fd is not None)
        user = step_down(() if backbone is None else (backbone,))
        if user is not None:
            hand_over(folder, user)
        with hold_memory(self.limits) as group:
            start = Start(command, {}, inherited, status_read, user, group)
            return decide_status(supervise(start, ours, self.limits, reply))


def decide_status(ending: Ending) -> CellResult:
    """The status of a cell, from what was observed outside; the code inside can only report its own failure.

    Raises:
        InfrastructureError: If the process never started, which submitted code cannot cause.
    """
    tail = clean(ending.log.decode("utf-8", "replace"))
    if not ending.ready:
        raise InfrastructureError(
            "the sandbox did not start",
            expected="a runner that reports ready",
            found=ending.reason or tail or f"exit status {ending.returncode}",
            fix="run `confoundbench doctor`",
        )
    measured = {"seconds": ending.seconds, "peak_bytes": ending.peak_bytes}
    if ending.stopped is not None:
        return CellResult(ending.stopped, clean(ending.reason), **measured)  # type: ignore[arg-type]
    if ending.answer is None:
        if ending.returncode in (-signal.SIGXCPU, SHELL_SIGNAL + signal.SIGXCPU):
            return CellResult("timeout", "used up its processor time", **measured)  # type: ignore[arg-type]
        reason = f"ended with exit status {ending.returncode} and no answer; {tail}"
        return CellResult("failed", clean(reason), **measured)  # type: ignore[arg-type]
    fields = dict(ending.answer.fields)
    status = fields.pop("status", None)
    if status not in CLAIMS:
        return CellResult("invalid", "answered with an unknown status", **measured)  # type: ignore[arg-type]
    if status != "ok":
        return CellResult(status, clean(str(fields.get("reason", ""))), **measured)  # type: ignore[arg-type]
    return CellResult("ok", fields=fields | {"body": ending.answer.body}, **measured)  # type: ignore[arg-type]


def clean(text: str) -> str:
    """Text from inside as one printable line, its end kept where it is too long."""
    line = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
    return line if len(line) <= REASON_LENGTH else "..." + line[-REASON_LENGTH + 3 :]


def _filter_descriptor() -> int | None:
    program = build_filter()
    if program is None:
        return None
    read, write = os.pipe()
    os.write(write, program)
    os.close(write)
    return read


def _accelerator_files() -> tuple[str, ...]:
    return tuple(str(path) for path in sorted(Path("/dev").glob("nvidia*")) if path.is_char_device())
