"""Starts as many processes as it can (no more than 200)."""

import os
import time

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "forks"
    tags = Tags()

    def fit(self, log, harness):
        for _ in range(200):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
