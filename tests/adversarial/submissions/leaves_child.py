"""Leaves a process behind that would write after the judge has gone."""

import subprocess

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "leaves-child"
    tags = Tags()

    def fit(self, log, harness):
        subprocess.Popen(["/bin/sh", "-c", "sleep 2; echo late > @SECRET_FILE@.late"], start_new_session=True)
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
