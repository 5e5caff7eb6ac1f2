"""Objects that would compare as they please."""

import numpy as np

from benchmark.contract import RewardFunction, Tags


class Pleasing:
    def __eq__(self, other):
        return True

    __hash__ = None


class Attack:
    name = "answers-objects"
    tags = Tags()

    def fit(self, log, harness):
        return RewardFunction(lambda prompts, texts: np.array([Pleasing() for _ in texts], dtype=object))


METHOD = Attack()
