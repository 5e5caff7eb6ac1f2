"""Searches every object and frame of its process for the truth."""

import gc
import sys

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "scans-memory"
    tags = Tags()

    def fit(self, log, harness):
        marks = ("@NEKOT@"[::-1], "Truth", "Scenario", "Streams")
        for thing in gc.get_objects():
            if type(thing).__name__ in marks[1:]:
                raise RuntimeError(f"leak: {type(thing).__name__}")
            if type(thing) is dict and any(type(v) is str and v == marks[0] for v in list(thing.values())):
                raise RuntimeError("leak: token")
        frame = sys._getframe()
        while frame is not None:
            if any(name in frame.f_locals for name in ("truth", "scenario", "world_seed", "strength")):
                raise RuntimeError("leak: frame")
            frame = frame.f_back
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
