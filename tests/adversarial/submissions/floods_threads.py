"""Runs two hundred threads at once."""

import threading
import time

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "floods-threads"
    tags = Tags()

    def fit(self, log, harness):
        threading.stack_size(256 * 1024)  # so that not the limit on memory ends it
        for _ in range(200):
            threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
        time.sleep(5)
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
