"""What a fit costs: tokens and counted floating-point operations; and peak memory of the process."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass


@dataclass
class Meter:
    """Counts what a harness reports to it.

    Attributes:
        tokens: Tokens read or written by models (texts, for heads on fixed encodings).
        flops: Counted operations: 6 per weight and token in training, 2 otherwise.
        reused: Wall time that equal trainings, scores and samples took when another fit asked for
            them first; what a fit costs alone is this more than what it took here.
    """

    tokens: float = 0.0
    flops: float = 0.0
    reused: float = 0.0

    def count(self, tokens: float, flops: float) -> None:
        """Add tokens and operations."""
        self.tokens += tokens
        self.flops += flops

    def reuse(self, seconds: float) -> None:
        """Note work that did not have to be done again."""
        self.reused += seconds


def peak_memory_mb() -> float:
    """Peak resident memory of this process so far, in MiB, plus that of its accelerator if one is in use."""
    # ru_maxrss counts KiB on Linux and bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        peak += torch.cuda.max_memory_allocated() / 2**20
    return float(peak)
