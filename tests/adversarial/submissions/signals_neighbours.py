"""Talks to other cells through locks on files that all can read."""

import fcntl

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "signals-neighbours"
    tags = Tags()

    def fit(self, log, harness):
        with open("/opt/bench/benchmark/contract/log.py") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except PermissionError:
                pass
            else:
                raise RuntimeError("leak: lock")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
