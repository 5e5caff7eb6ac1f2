"""Lifts its own limits."""

import resource

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "raises-limits"
    tags = Tags()

    def fit(self, log, harness):
        for limit in (resource.RLIMIT_DATA, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):
            try:
                resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            except (ValueError, PermissionError):
                continue
            raise RuntimeError("leak: limit lifted")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
