"""Looks for the scorer and whatever else might hold the truth."""

import importlib

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "imports-scorer"
    tags = Tags()

    def fit(self, log, harness):
        for name in (
            "benchmark.scoring.score",
            "benchmark.tasks.prepare",
            "benchmark.runs.store",
            "leaderboard",
            "simulators",
        ):
            try:
                importlib.import_module(name)
            except ImportError:
                continue
            raise RuntimeError(f"leak: {name}")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
