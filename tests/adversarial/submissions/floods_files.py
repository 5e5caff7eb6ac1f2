"""Makes many empty files, which take no byte of the disk and a kilobyte each of the kernel's memory."""

import os

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "floods-files"
    tags = Tags()

    def fit(self, log, harness):
        for number in range(300_000):
            os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
