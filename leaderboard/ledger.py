"""The ledger of submissions: one line for every file that was ever added, each chained to the one before.

``attempts.jsonl`` is append-only. A line carries the digest of the line before it, so that a line that was
changed or taken out shows. A copy of each line lies beside the submitted file, in
``submissions/NAME-DIGEST/entry.json``, so that a ledger that was cut at its end or deleted shows too. Whoever
deletes all of it together leaves a trace in version control alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.contract.errors import UsageError
from benchmark.contract.files import write_json
from benchmark.contract.records import name_bundle

ATTEMPTS, SUBMISSIONS, ENTRY = "attempts.jsonl", "submissions", "entry.json"
BEGINNING = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        number: Number of the line, from 1.
        method: Name of the submitted method.
        sha256: Digest of its file.
        code: Digest of what the file does: of its code without comments, documentation and its own name.
        owner: Public key of its author.
        attempt: How many files this author has added to this board, this one included.
        suite: Suite, version and season it was run on.
        isolation: Where it ran.
        cells: Cells by status.
        checked: What was checked before it was added.
        previous: Digest of the line before.
    """

    number: int
    method: str
    sha256: str
    code: str
    owner: str
    attempt: int
    suite: str
    isolation: str
    cells: Mapping[str, int]
    checked: tuple[str, ...] = ()
    previous: str = BEGINNING

    @property
    def folder(self) -> str:
        """Name of the folder that keeps the submitted file."""
        return name_bundle(self.method, self.sha256)


@dataclass(frozen=True)
class Ledger:
    """The attempts of a board.

    Attributes:
        folder: Folder of the board's records.
    """

    folder: Path

    def read(self) -> tuple[Entry, ...]:
        """Every line, oldest first.

        Raises:
            UsageError: If a line was changed, taken out or cut off.
        """
        previous, entries = BEGINNING, []
        for number, line in enumerate(self._lines(), start=1):
            entry = _parse(line)
            if entry is None or entry.previous != previous or entry.number != number:
                raise _edited(f"line {number} to follow on from the line before it", line[:120])
            previous = hashlib.sha256(line.encode()).hexdigest()
            entries.append(entry)
        known = {_format(entry) for entry in entries}
        for path, kept in self._kept():
            if kept is None or _format(kept) not in known:
                found = f"no such line for {path.parent.name}; the ledger has {len(entries)} lines"
                raise _edited(f"a line for every folder in {SUBMISSIONS}/", found)
        return tuple(entries)

    def append(self, **facts: Any) -> Entry:
        """Add a line, and a copy of it beside the submitted file.

        Args:
            **facts: The fields of ``Entry`` but ``number`` and ``previous``.
        """
        lines = self._lines()
        previous = hashlib.sha256(lines[-1].encode()).hexdigest() if lines else BEGINNING
        entry = Entry(number=len(lines) + 1, previous=previous, **facts)
        with (self.folder / ATTEMPTS).open("a", encoding="utf-8", newline="\n") as file:
            file.write(_format(entry) + "\n")
        write_json(self.folder / SUBMISSIONS / entry.folder / ENTRY, asdict(entry))
        return entry

    def _lines(self) -> list[str]:
        path = self.folder / ATTEMPTS
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def _kept(self) -> Iterator[tuple[Path, Entry | None]]:
        """The copies of lines; None where one cannot be read."""
        for folder in sorted((self.folder / SUBMISSIONS).glob("*/")):
            path = folder / ENTRY
            yield path, _parse(path.read_text("utf-8")) if path.exists() else None


def count_attempts(entries: tuple[Entry, ...]) -> dict[str, int]:
    """Files that the author of each submitted name has added, whatever their names, by name."""
    owners = {entry.method: entry.owner for entry in entries}
    return {name: sum(entry.owner == owner for entry in entries) for name, owner in owners.items()}


def _format(entry: Entry) -> str:
    return json.dumps(asdict(entry), sort_keys=True)


def _parse(text: str) -> Entry | None:
    try:
        content = json.loads(text)
        known = {field.name for field in fields(Entry)}
        if set(content) != known:
            return None
        return Entry(**{**content, "checked": tuple(content["checked"])})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _edited(expected: str, found: str) -> UsageError:
    return UsageError(
        "the ledger of attempts was edited, cut or deleted",
        expected=expected,
        found=found,
        fix=f"restore {ATTEMPTS} from version control; it is append-only",
    )
