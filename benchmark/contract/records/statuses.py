"""How a cell can end, and which ending an exception amounts to."""

from __future__ import annotations

from benchmark.contract.errors import ContractError, Incompatible, InfrastructureError
from benchmark.contract.files import DISK_FAILURES

STATUSES = ("ok", "incompatible", "failed", "invalid", "timeout", "memory", "infrastructure")
# The machine's failures say nothing about a method, so they are always run again.
ALWAYS_RETRIED = "infrastructure"
REASON_LENGTH = 500


def status_of(error: BaseException) -> tuple[str, str]:
    """The status and the reason that a record states for an exception.

    ``timeout`` is never among them: only whoever watches a cell from outside can tell. Nor is
    ``incompatible``: a method declines logs by its tags, which are read before it sees one. A refusal that
    may depend on what is in the log counts as a failure, so that nobody chooses the cells that are scored.

    Returns:
        One of ``STATUSES`` and at most ``REASON_LENGTH`` characters for people.
    """
    text = str(error) or type(error).__name__
    if isinstance(error, Incompatible):
        status, reason = "failed", f"declined the log: {error.reason}"
    elif isinstance(error, ContractError):
        status, reason = "invalid", text
    elif isinstance(error, InfrastructureError) or _is_disk(error):
        status, reason = "infrastructure", text
    elif _is_memory(error):
        status, reason = "memory", "ran out of memory"
    else:
        status, reason = "failed", f"{type(error).__name__}: {text}"
    return status, reason[:REASON_LENGTH]


def _is_disk(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in DISK_FAILURES


def _is_memory(error: BaseException) -> bool:
    """Deep learning libraries raise errors of their own; they are told by name, so that none is imported."""
    named = isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__
    return named or "allocate memory" in str(error)
