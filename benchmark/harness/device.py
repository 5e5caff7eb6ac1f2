"""Where and how arithmetic is done: device, precision, determinism, threads."""

from __future__ import annotations

import os
import re

import torch

from benchmark.contract import UsageError

PRECISIONS = ("highest", "high", "medium")


def resolve_device(name: str = "auto") -> str:
    """A device that exists: "auto" is CUDA where there is any, else the CPU.

    Raises:
        UsageError: If the device is unknown or not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return "cpu"
    if re.fullmatch(r"cuda(:\d+)?", name):
        index = int(name.partition(":")[2] or 0)
        if torch.cuda.is_available() and index < torch.cuda.device_count():
            return name
        raise UsageError(
            f"there is no device {name!r}",
            expected=f"cpu, or one of {torch.cuda.device_count()} CUDA devices",
            found=name,
            fix="use --device auto",
        )
    raise UsageError("unknown device", expected="auto, cpu, cuda or cuda:N", found=repr(name))


def device_class(device: str) -> str:
    """The kind of machine results belong to: "cpu", or the accelerator's name."""
    return "cpu" if device == "cpu" else torch.cuda.get_device_name(device)


def settle(*, threads: int = 1, precision: str = "highest", deterministic: bool = True) -> None:
    """Fix the arithmetic of this process; called once by whoever owns the process.

    Args:
        threads: Threads of one worker.
        precision: Float32 matrix products: "highest" (exact float32), "high" or "medium".
        deterministic: Refuse operations whose result depends on scheduling.

    Raises:
        UsageError: If the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise UsageError("unknown precision", expected=", ".join(PRECISIONS), found=repr(precision))
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # No result reads memory it has not written; filling it first would only cost time.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
