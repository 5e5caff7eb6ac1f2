"""Files and folders that are wholly there or not there at all, whatever happens while they are made."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.contract.errors import InfrastructureError

# A full disk, a full quota, a disk that fails: nothing that the one who writes could have done better.
DISK_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
TEMPORARY = ".writing-"
MAKING = ".making-"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it to disk and rename it; a failure leaves nothing behind.

    Args:
        path: Final name; its folder is made if need be, and a file of that name is replaced.
        data: The content.

    Raises:
        InfrastructureError: If the disk is full or fails.
    """
    owner = f"{os.getpid()}-{threading.get_ident()}"
    temporary = path.parent / f"{TEMPORARY}{owner}-{path.name}"
    with blame_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        _flush_folder(path.parent)


@contextmanager
def blame_disk(path: Path) -> Iterator[None]:
    """Turn the errors of a full or failing disk into one that says what was to be written.

    Args:
        path: The file or folder.

    Raises:
        InfrastructureError: In place of such an error; other errors pass.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FAILURES:
            raise
        raise InfrastructureError(
            f"cannot write {str(path)!r}",
            expected="a disk with free space",
            found=error.strerror,
            fix="free some space and run the same command again: what was finished is kept",
        ) from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain data as indented JSON with sorted keys, whole; arrays become lists, other objects text."""
    write_whole(path, (json.dumps(content, indent=2, sort_keys=True, default=_plain) + "\n").encode())


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet, whole."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    write_whole(path, buffer.getvalue())


def remove_unfinished(folder: Path) -> int:
    """Delete the temporary files of writers that are gone; returns how many there were."""
    unfinished = [path for path in folder.glob(f"{TEMPORARY}*") if not _is_being_written(path)]
    for path in unfinished:
        path.unlink(missing_ok=True)
    return len(unfinished)


def make_once(folder: Path, make: Callable[[Path], None], is_whole: Callable[[Path], bool]) -> Path:
    """A folder that one process makes while others wait, and that nobody sees before it is whole.

    Args:
        folder: Where it is to lie.
        make: Writes the content into an empty folder.
        is_whole: Whether a folder holds all of the content; one that does not is made anew.

    Returns:
        The folder.

    Raises:
        InfrastructureError: If the disk is full or fails.
    """
    if is_whole(folder):
        return folder
    with blame_disk(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        return _make_locked(folder, make, is_whole)


def _make_locked(folder: Path, make: Callable[[Path], None], is_whole: Callable[[Path], bool]) -> Path:
    with _hold_lock(folder.with_name(f"{folder.name}.lock")):
        if is_whole(folder):
            return folder
        making = f"{MAKING}{folder.name}-"
        for left_behind in folder.parent.glob(f"{making}*"):
            shutil.rmtree(left_behind, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=making, dir=folder.parent))
        try:
            make(scratch)
            scratch.chmod(0o755)  # the sandbox reads it as another user
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


@contextmanager
def _hold_lock(path: Path) -> Iterator[None]:
    """Hold an advisory lock; the kernel releases it even if the holder is killed."""
    with path.open("w") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        except ImportError:  # no such locks here; the final rename still keeps one winner
            pass
        yield


def _flush_folder(folder: Path) -> None:
    """Make a rename durable; does nothing where folders cannot be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_being_written(temporary: Path) -> bool:
    """Whether the process that began a temporary file still runs and is not this one."""
    owner = temporary.name[len(TEMPORARY) :].partition("-")[0]
    try:
        os.kill(int(owner), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return int(owner) != os.getpid()
