"""Opens the settings of the machine's kernel for writing, and closes them at once."""

import os

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "writes-proc"
    tags = Tags()

    def fit(self, log, harness):
        for name in ("kernel/core_pattern", "kernel/panic", "vm/drop_caches", "vm/swappiness"):
            try:
                os.close(os.open(f"/proc/sys/{name}", os.O_WRONLY | os.O_APPEND))
            except OSError:
                continue
            raise RuntimeError(f"leak: {name} can be written")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
