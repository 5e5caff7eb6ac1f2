"""Watches one sandboxed process from outside: hears its messages, enforces its limits, ends all of it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.contract import ContractError, InfrastructureError
from benchmark.contract.records import status_of
from benchmark.sandbox.inside.payload import Inbox, Message
from benchmark.sandbox.outside.bubblewrap import SCRATCH_FOLDERS
from benchmark.sandbox.outside.cgroup import Group
from benchmark.sandbox.outside.limits import Limits
from benchmark.sandbox.outside.proctree import count_files, measure_tree

POLL_S = 0.05
GRACE_S = 10.0
CHUNK = 1 << 18
Reply = Callable[[Message], Message]


@dataclass(frozen=True, eq=False)
class Ending:
    """How a sandboxed process ended.

    Attributes:
        ready: Whether the runner came up; if it did not, the failure is ours.
        answer: Its final message, if it sent one.
        stopped: ``"timeout"``, ``"memory"``, ``"failed"`` or ``"invalid"`` where this side
            ended it, else None.
        reason: Why it was stopped.
        returncode: Exit status of the outermost process.
        log: The end of its stdout and stderr; shown to people, never read as data.
        seconds: Wall time from ready to the end.
        peak_bytes: Largest resident memory seen.
    """

    ready: bool
    answer: Message | None
    stopped: str | None
    reason: str
    returncode: int | None
    log: bytes
    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Start:
    """What to start.

    Attributes:
        command: Program and arguments.
        environment: Its whole environment.
        inherited: Descriptors it inherits; closed on this side once it has started.
        status: Read end of the pipe on which bubblewrap names the first process of its
            namespace, or None.
        user: User that the command is started as, or None for that of this process.
        group: Control group that counts its memory, or None.
    """

    command: list[str]
    environment: Mapping[str, str]
    inherited: tuple[int, ...]
    status: int | None = None
    user: int | None = None
    group: Group | None = None


def supervise(start: Start, ours: socket.socket, limits: Limits, reply: Reply | None = None) -> Ending:
    """Start a process, hear it out, and leave nothing of it running.

    Args:
        start: What to start.
        ours: This side's end of the socket pair; closed at the end.
        limits: What it may use.
        reply: Answers the messages of a fit; without it they are refused.

    Raises:
        InfrastructureError: If the process cannot be started or cannot be ended.
    """
    try:
        options: dict[str, Any] = {
            "env": dict(start.environment),
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "pass_fds": start.inherited,
            "start_new_session": True,
        }
        if start.user is not None:
            options |= {"user": start.user, "group": start.user, "extra_groups": ()}
        if start.group is None:
            process = subprocess.Popen(start.command, stdin=subprocess.DEVNULL, **options)
        else:
            process = start.group.start(start.command, **options)
    except OSError as error:
        raise InfrastructureError("cannot start the sandbox", found=error) from error
    finally:
        for descriptor in start.inherited:
            os.close(descriptor)
    watch = _Watch(process, ours, start.status, limits, reply)
    try:
        watch.run()
    finally:
        watch.end()
    return watch.ending(start.group)


class _Watch:
    """The state of one supervised process."""

    def __init__(self, process: subprocess.Popen, ours: socket.socket, status: int | None, limits, reply):
        self._process, self._ours, self._limits, self._reply = process, ours, limits, reply
        self._inbox = Inbox(limits.answer_bytes)
        self._selector = selectors.DefaultSelector()
        self._readers: dict[str, int] = {"socket": ours.fileno(), "log": process.stdout.fileno()}  # type: ignore[union-attr]
        if status is not None:
            self._readers["status"] = status
        for name, descriptor in self._readers.items():
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, name)
        self._began = time.monotonic()
        self._ready_at: float | None = None
        self._answer: Message | None = None
        self._stopped: str | None = None
        self._reason, self._log, self._status = "", b"", b""
        self._init: int | None = None
        self._peak = 0

    def run(self) -> None:
        """Until an answer, a broken limit or the end of the process."""
        while self._answer is None and self._stopped is None:
            ended = self._process.poll() is not None
            heard = [str(key.data) for key, _ in self._selector.select(0 if ended else POLL_S)]
            for name in heard:
                self._read(name)
            if ended and "socket" not in heard:
                return
            if not ended:
                self._check_limits()

    def _read(self, name: str) -> None:
        descriptor = self._readers[name]
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(descriptor)
        elif name == "log":
            self._log = (self._log + data)[-self._limits.log_bytes :]
        elif name == "status":
            self._status += data
            self._init = self._init or _first_process(self._status)
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            for message in self._inbox.feed(data):
                self._handle(message)
                if self._answer is not None:
                    return
        except InfrastructureError:
            raise
        except Exception as error:  # whatever a message leads to is its sender's doing
            self._stop("invalid", status_of(error)[1])

    def _handle(self, message: Message) -> None:
        if message.kind == "ready" and self._ready_at is None:
            self._ready_at = time.monotonic()
        elif message.kind == "done" and self._ready_at is not None:
            self._answer = message
        elif self._ready_at is not None and self._reply is not None:
            reply = self._reply(message).encode()
            self._ours.settimeout(GRACE_S)
            try:
                self._ours.sendall(reply)
            except OSError:
                self._stop("failed", "did not read what it was sent")
            finally:
                self._ours.setblocking(False)
        else:
            raise ContractError(f"unexpected message {message.kind[:40]!r} from the sandbox")

    def _check_limits(self) -> None:
        ready, limits = self._ready_at is not None, self._limits
        if time.monotonic() - (self._ready_at or self._began) > (limits.wall_s if ready else limits.start_s):
            kind, seconds = ("answer", limits.wall_s) if ready else ("sign of life", limits.start_s)
            return self._stop("timeout", f"no {kind} within {seconds:g} s")
        held = measure_tree(self._init or self._process.pid)
        self._peak = max(self._peak, held.resident)
        if held.resident > limits.memory_bytes:
            self._stop("memory", f"held more than {limits.memory_bytes >> 20} MiB")
        elif held.threads > limits.threads:
            self._stop("failed", f"ran more than {limits.threads} threads")
        # Before it is ready a process may still see this side's file system.
        elif ready and self._init and count_files(self._init, SCRATCH_FOLDERS) > limits.files:
            self._stop("failed", f"made more than {limits.files} files")

    def _stop(self, kind: str, reason: str) -> None:
        if self._stopped is None:
            self._stopped, self._reason = kind, reason

    def end(self) -> None:
        """Kill the namespace through its first process, then what started it, and wait for both."""
        handle = _open_handle(self._init)
        if handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        try:
            self._process.wait(GRACE_S)
            if handle is not None and not _wait_gone(handle):
                raise InfrastructureError("a sandboxed process survived being killed", found=self._init)
        except subprocess.TimeoutExpired as error:
            raise InfrastructureError("the sandbox survived being killed", found=error) from error
        finally:
            if handle is not None:
                os.close(handle)
            if self._readers["log"] in self._selector.get_map():
                self._read("log")
            self._selector.close()
            self._process.stdout.close()  # type: ignore[union-attr]
            self._ours.close()
            if "status" in self._readers:
                os.close(self._readers["status"])

    def ending(self, group: Group | None) -> Ending:
        """What happened, once it has ended."""
        if self._answer is None and group is not None and group.ran_out():
            self._stop("memory", f"held more than {self._limits.memory_bytes >> 20} MiB")
        return Ending(
            ready=self._ready_at is not None,
            answer=self._answer,
            stopped=self._stopped,
            reason=self._reason,
            returncode=self._process.returncode,
            log=self._log,
            seconds=time.monotonic() - (self._ready_at or self._began),
            peak_bytes=self._peak,
        )


def _first_process(status: bytes) -> int | None:
    for line in status.splitlines():
        with contextlib.suppress(ValueError):
            found = json.loads(line).get("child-pid")
            if found:
                return int(found)
    return None


def _open_handle(pid: int | None) -> int | None:
    if pid is None:
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # gone already
        return None


def _wait_gone(handle: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        return bool(selector.select(GRACE_S))
