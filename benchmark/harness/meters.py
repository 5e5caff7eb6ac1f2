"""What a fit costs: wall time, peak memory, tokens and counted floating point operations."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, field


@dataclass
class Meter:
    """Counts while it is open; a harness reports tokens and operations to it.

    Attributes:
        tokens: Tokens read or written by models (texts, for heads on fixed encodings).
        flops: Counted operations: 6 per weight and token in training, 2 otherwise.
        seconds: Wall time between entering and leaving.
        reused: Wall time that equal trainings, scores and samples took when another fit asked for
            them first; what a fit costs alone is this more than what it took here.
    """

    tokens: float = 0.0
    flops: float = 0.0
    seconds: float = 0.0
    reused: float = 0.0
    _started: float = field(default=0.0, repr=False)

    def __enter__(self) -> Meter:
        self._started = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds += time.perf_counter() - self._started

    def count(self, tokens: float, flops: float) -> None:
        """Add tokens and operations."""
        self.tokens += tokens
        self.flops += flops

    def reuse(self, seconds: float) -> None:
        """Note work that did not have to be done again."""
        self.reused += seconds

    def as_dict(self) -> dict[str, float]:
        """All readings, peak memory of the process included."""
        return {
            "seconds": self.seconds,
            "tokens": self.tokens,
            "flops": self.flops,
            "reused": self.reused,
            "peak_memory_mb": peak_memory_mb(),
        }


def peak_memory_mb() -> float:
    """Peak resident memory of this process so far, in MiB, plus that of its accelerator if one is in use."""
    # ru_maxrss counts KiB on Linux and bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        peak += torch.cuda.max_memory_allocated() / 2**20
    return float(peak)
