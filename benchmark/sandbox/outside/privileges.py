"""Whose processes sandboxed cells are: where root runs the suite, a cell gives root up before it starts.

That is possible if everything that the sandbox shows is open to every user. Where it is not, because Python
or this project lies in root's home, say, the cell stays root's, and the layer ``unprivileged`` is missing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

NOBODY = 65534


def choose_user(shown: Iterable[str | Path]) -> int | None:
    """The user that a cell is started as; None for the user of this process.

    Args:
        shown: Files and folders outside that the cell needs.
    """
    if os.geteuid() != 0:
        return None
    return NOBODY if all(is_open(Path(place)) for place in shown) else None


def is_open(place: Path) -> bool:
    """Whether every user may read a file or folder, judged by its mode and those of the folders above it."""
    try:
        real = place.resolve(strict=True)
        above = all(folder.stat().st_mode & stat.S_IXOTH for folder in real.parents)
        mode = real.stat().st_mode
    except OSError:
        return False
    needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    return above and mode & needed == needed


def hand_over(folder: Path, user: int) -> None:
    """Make a folder of this process and the files in it those of another user, who alone may read them."""
    for path in (folder, *folder.iterdir()):
        os.chown(path, user, user)
