"""Folders of one cell: gone when the cell ends, and found and removed later where this process was killed.

Whoever works in a folder holds a lock on it, which the kernel gives up at the latest with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmark.contract.files import blame_disk
from benchmark.sandbox.outside.privileges import NOBODY

PREFIX = "confoundbench-cell-"
YOUNG_S = 60.0


@contextlib.contextmanager
def make_folder() -> Iterator[Path]:
    """An empty folder that only this user may enter; what killed cells left is removed first.

    Raises:
        InfrastructureError: If the disk on which it lies is full, now or while the cell's files are written.
    """
    place = Path(tempfile.gettempdir())
    remove_abandoned(place)
    with blame_disk(place), tempfile.TemporaryDirectory(prefix=PREFIX) as name, _lock(Path(name)):
        yield Path(name)


def remove_abandoned(place: Path, older_than: float = YOUNG_S) -> None:
    """Remove the folders of cells whose process has gone.

    Args:
        place: Where folders of cells are made.
        older_than: Age in seconds below which a folder is left alone: it may not be locked yet.
    """
    owners = {os.getuid(), NOBODY} if os.getuid() == 0 else {os.getuid()}
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            mine = folder.stat().st_uid in owners and not folder.is_symlink()
            if mine and time.time() - folder.stat().st_mtime > older_than:
                with _lock(folder, fcntl.LOCK_NB):
                    shutil.rmtree(folder)


@contextlib.contextmanager
def _lock(folder: Path, how: int = 0) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(descriptor)
