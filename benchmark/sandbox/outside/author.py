"""The key with which an author signs bundles: made on first use and kept in the author's home."""

from __future__ import annotations

import os
from pathlib import Path

from benchmark.contract import UsageError
from benchmark.contract.records import KEY_BYTES, make_key

VARIABLE = "CONFOUNDBENCH_KEY"


def find_key(path: str | Path | None = None) -> Path:
    """Where the author's key lies.

    Args:
        path: A file of the author's choice; by default what the variable ``CONFOUNDBENCH_KEY`` names, or
            ``confoundbench/author.key`` in the folder of the user's settings.
    """
    if path is not None:
        return Path(path)
    if named := os.environ.get(VARIABLE):
        return Path(named)
    settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(settings) / "confoundbench" / "author.key"


def load_key(path: str | Path | None = None) -> bytes:
    """The author's private key, 32 bytes; made where there is none.

    Args:
        path: As in ``find_key``.

    Raises:
        UsageError: If the file cannot be read or made, or holds no key.
    """
    place = find_key(path)
    try:
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(make_key().hex() + "\n")
        key = bytes.fromhex(place.read_text("ascii"))
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"cannot read the author's key {str(place)!r}",
            expected=f"{2 * KEY_BYTES} hexadecimal digits, or a place where a new key can be made",
            found=error,
            fix=f"name another file with --key or the variable {VARIABLE}",
        ) from error
    if len(key) != KEY_BYTES:
        raise UsageError(
            f"{str(place)!r} holds no key", expected=f"{KEY_BYTES} bytes", found=f"{len(key)} bytes"
        )
    return key
