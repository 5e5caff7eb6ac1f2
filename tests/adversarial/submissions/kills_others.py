"""Signals every process it may."""

import contextlib
import os
import signal

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "kills-others"
    tags = Tags()

    def fit(self, log, harness):
        for process in (int("@PID@"), os.getppid()):
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGTERM)
        with contextlib.suppress(OSError):
            os.kill(-1, signal.SIGKILL)
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
