"""Leases: several runs on one store share its groups, and none is worked on twice at the same time.

A lease is a lock on one byte of the file ``.leases``, at a place that the group's key determines. The
operating system lets go of a lock when the process that holds it ends, however it ends, so no lease outlives
its run. Where there are no such locks every lease is granted; work may then be done twice, with equal
results.
"""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LEASES = ".leases"
_TAKEN = (errno.EACCES, errno.EAGAIN)


@dataclass(frozen=True, eq=False)
class Leases:
    """The leases of one run; use it in a ``with`` block, whose end gives back those that are left.

    Attributes:
        file: The file that is locked, or None where nothing can be locked.
    """

    file: IO[bytes] | None

    @classmethod
    def of(cls, folder: Path) -> Leases:
        """Leases on the groups of the store in a folder."""
        try:
            return cls((folder / LEASES).open("ab"))
        except OSError:
            return cls(None)

    def __enter__(self) -> Leases:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()

    def claim(self, key: str) -> bool:
        """Take the lease of a group; False where another process holds it."""
        return self._lock(key, take=True)

    def release(self, key: str) -> None:
        """Give the lease of a group back."""
        self._lock(key, take=False)

    def _lock(self, key: str, take: bool) -> bool:
        if self.file is None:
            return True
        try:
            import fcntl
        except ImportError:  # no such locks on this system
            return True
        place = int(hashlib.sha256(key.encode()).hexdigest()[:15], 16)
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB if take else fcntl.LOCK_UN, 1, place)
        except OSError as error:  # a file system without locks refuses in other words
            return error.errno not in _TAKEN
        return True
