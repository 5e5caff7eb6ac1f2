"""Where and how arithmetic is done: device, precision, determinism, threads."""

from __future__ import annotations

import os
import re

import torch

from benchmark.contract import UsageError, unknown_name

FLOAT32, TF32, BFLOAT16 = PRECISIONS = ("float32", "tf32", "bfloat16")


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


def check_precision(precision: str, device: str, *backbones: str) -> str:
    """A precision that the device and the backbones know.

    ``float32`` is exact to 24 bits. ``tf32`` rounds the factors of float32 products to 11 bits on a
    CUDA device. ``bfloat16`` multiplies the matrices and the attention of the tiny decoder in 8 bits
    and keeps weights, sums, logits and log-probabilities in float32; reward heads stay in float32.

    Args:
        precision: One of ``PRECISIONS``.
        device: As from ``resolve_device``.
        backbones: Names of what methods train on.

    Raises:
        UsageError: If the precision is unknown, or has no meaning there.
    """
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    if precision == TF32 and device == "cpu":
        raise UsageError(
            "only CUDA devices multiply in tf32",
            expected="--device cuda, or another precision",
            found=device,
            fix=f"use --precision {FLOAT32}",
        )
    others = [name for name in backbones if not name.startswith("tiny")]
    if precision == BFLOAT16 and others:
        raise UsageError(
            f"{precision} is for the tiny decoder",
            expected=f"--backbone tiny, or --precision {FLOAT32}",
            found=", ".join(others),
        )
    return precision


def set_arithmetic(*, threads: int = 1, precision: str = FLOAT32, deterministic: bool = True) -> None:
    """Fix the arithmetic of this process; called once by whoever owns the process.

    Args:
        threads: Threads of one worker.
        precision: One of ``PRECISIONS``; see ``check_precision``.
        deterministic: Refuse operations whose result depends on scheduling.

    Raises:
        UsageError: If the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high" if precision == TF32 else "highest")
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # No result reads memory it has not written; filling it first would only cost time.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
