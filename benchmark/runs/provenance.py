"""Provenance: what ran, where and from which code. Kept beside the records, never ranked."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "pyarrow", "scikit-learn", "statsmodels", "torch", "transformers")
COMPONENTS = ("simulators", "methods", "benchmark.harness")


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that results depend on."""
    versions = {}
    for name in (*PACKAGES, "confoundbench"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def component_versions() -> dict[str, str]:
    """Versions of our own parts that decide results; each part states its own ``VERSION``."""
    return {name: str(import_module(name).VERSION) for name in COMPONENTS}


def read_commit(folder: Path | None = None) -> dict[str, Any]:
    """The commit of the source tree and whether it was changed since; empty without git."""
    here = folder or Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return {}
    try:
        commit = _git(here, "rev-parse", "HEAD")
        dirty = bool(_git(here, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": commit, "dirty": dirty}


def describe_run(**details: Any) -> dict[str, Any]:
    """Everything worth knowing about a run, as plain data.

    Args:
        **details: What was asked for: suite, device, engine, shard.
    """
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "packages": package_versions(),
        "components": component_versions(),
        **read_commit(),
        **details,
    }


def _git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return result.stdout.strip()
