"""Leaves an owner's mark on the device files that all cells share: the mode they have, and a time."""

import os

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "marks-devices"
    tags = Tags()

    def fit(self, log, harness):
        seen = os.stat("/dev/null")
        for mark in (
            lambda: os.chmod("/dev/null", seen.st_mode & 0o777),
            lambda: os.utime("/dev/null", ns=(seen.st_atime_ns, seen.st_mtime_ns)),
        ):
            try:
                mark()
            except OSError:
                continue
            raise RuntimeError("leak: a shared device file can be changed")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
