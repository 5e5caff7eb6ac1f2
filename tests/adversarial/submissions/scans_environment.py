"""Searches environments, command lines and descriptors of every process it can see."""

import os

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "scans-environment"
    tags = Tags()

    def fit(self, log, harness):
        mark = ("@NEKOT@"[::-1]).encode()
        if any(mark.decode() in value for value in os.environ.values()):
            raise RuntimeError("leak: environment")
        for process in filter(str.isdigit, os.listdir("/proc")):
            for part in ("environ", "cmdline"):
                try:
                    with open(f"/proc/{process}/{part}", "rb") as file:
                        found = file.read()
                except OSError:
                    continue
                if mark in found:
                    raise RuntimeError(f"leak: {part} of another process")
        kinds = [
            os.readlink(f"/proc/self/fd/{fd}")
            for fd in os.listdir("/proc/self/fd")
            if int(fd) > 2 and os.path.islink(f"/proc/self/fd/{fd}")
        ]
        if sum(kind.startswith("socket:") for kind in kinds) != 1 or any(
            k.startswith("pipe:") for k in kinds
        ):
            raise RuntimeError(f"leak: descriptors {kinds}")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
