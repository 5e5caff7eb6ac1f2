"""What one cell of submitted code may use."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Limits of one sandboxed process; equal for every submission of a suite.

    Attributes:
        wall_s: Seconds from ready to answer.
        start_s: Seconds the runner may take to be ready; taking longer is a broken machine's fault.
        cpu_s: Processor seconds from ready to answer (``RLIMIT_CPU``).
        memory_bytes: Resident memory of everything inside, watched from outside. Inside, private
            writable memory is capped (``RLIMIT_DATA``), and so is what is mapped beyond what was mapped
            when the runner was ready (``RLIMIT_AS``): shared pages can be held without being resident.
        answer_bytes: Largest answer.
        file_bytes: Largest file, and size of the scratch folder ``/tmp``.
        open_files: Open file descriptors.
        threads: Threads of all processes, counted from outside.
        files: Files, links and folders in the scratch folders, counted from outside.
        log_bytes: How much of the end of stdout and stderr is kept.
    """

    wall_s: float = 300.0
    start_s: float = 120.0
    cpu_s: int = 600
    memory_bytes: int = 4096 * MIB
    answer_bytes: int = 64 * MIB
    file_bytes: int = 64 * MIB
    open_files: int = 256
    threads: int = 64
    files: int = 10_000
    log_bytes: int = 4096

    @classmethod
    def of_cell(cls, seconds: float) -> Limits:
        """Limits of a cell that may take some seconds: the processor time that one thread has in them.

        Methods of this project run on one thread, so that is what every method may spend.
        """
        return cls(wall_s=seconds, cpu_s=math.ceil(seconds))
