"""Dies the way a machine out of memory would make it."""

import os
import signal

from benchmark.contract import Tags


class Attack:
    name = "kills-itself"
    tags = Tags()

    def fit(self, log, harness):
        os.kill(os.getpid(), signal.SIGKILL)


METHOD = Attack()
