"""Errors a user can cause, each saying what went wrong, what was expected, what was found and how to mend it.

Every error carries the process exit code the command line returns for it, so
that a caller can tell a regression from a usage error from a broken machine.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

EXIT_OK = 0
EXIT_REGRESSION = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_CONTRACT = 4
EXIT_INFRASTRUCTURE = 5
MOST_LISTED = 40


class BenchError(Exception):
    """Base of every user-facing error.

    Args:
        what: One sentence saying what went wrong.
        expected: What would have been accepted.
        found: What was there instead.
        fix: What the reader can do about it.
    """

    exit_code = EXIT_USAGE

    def __init__(
        self,
        what: str,
        *,
        expected: object = None,
        found: object = None,
        fix: str | None = None,
    ) -> None:
        self.what = what
        self.expected = None if expected is None else str(expected)
        self.found = None if found is None else str(found)
        self.fix = fix
        super().__init__(self.describe())

    def describe(self) -> str:
        """The message as shown to a user, one labelled line for each known part."""
        lines = [self.what]
        for label, value in (
            ("expected", self.expected),
            ("found", self.found),
            ("fix", self.fix),
        ):
            if value:
                lines.append(f"  {label}: {value}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The error as plain data, for ``--json`` output."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "expected": self.expected,
            "found": self.found,
            "fix": self.fix,
            "exit_code": self.exit_code,
        }

    def __reduce__(self):  # keyword arguments do not survive default pickling
        return (_rebuild, (type(self), self.what, self.expected, self.found, self.fix))


def _rebuild(cls, what, expected, found, fix):
    return cls(what, expected=expected, found=found, fix=fix)


class RegressionError(BenchError):
    """A comparison found a loss beyond its margin."""

    exit_code = EXIT_REGRESSION


class UsageError(BenchError):
    """The request itself is malformed: an unknown name, a value out of range, a bad file."""

    exit_code = EXIT_USAGE


class IncompleteError(BenchError):
    """What was asked for could not be answered because cells are missing or nothing was measured."""

    exit_code = EXIT_INCOMPLETE


class ContractError(BenchError):
    """A method broke the contract: wrong shape, wrong type, NaN, a budget overrun."""

    exit_code = EXIT_CONTRACT


class InfrastructureError(BenchError):
    """The machine failed us: a full disk, a missing sandbox, a killed worker."""

    exit_code = EXIT_INFRASTRUCTURE


class DamagedFile(InfrastructureError):
    """A stored file is missing or not what was written; whoever runs the suite again sets it aside."""


class Incompatible(Exception):
    """Raised by a method for a log it cannot take although its tags say so; a board counts a failure."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def find_place(trace: str, file: str) -> str:
    """Where in a file an exception came from, such as ``"my_method.py:12"``; empty if from nowhere in it.

    Args:
        trace: The printed traceback.
        file: Path of the file as the traceback names it.
    """
    lines = re.findall(rf'File "{re.escape(file)}", line (\d+)', trace)
    return f"{file.rpartition('/')[2]}:{lines[-1]}" if lines else ""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """An unknown-name error that suggests the nearest known names.

    Args:
        kind: What was looked up, such as ``"family"``.
        name: The name that is not known.
        known: Every name that would have been accepted.
    """
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(repr(c) for c in close)}?" if close else None
    if not choices:
        expected = f"no {kind} is known here"
    elif len(choices) <= MOST_LISTED or not close:
        expected = f"one of {', '.join(choices)}"
    else:
        expected = f"{', '.join(close)} or another of the {len(choices)} names"
    return UsageError(f"unknown {kind} {name!r}", expected=expected, found=repr(name), fix=hint)
