"""Objects that would compare as they please."""

import numpy as np

from benchmark.contract import Tags


class Pleasing:
    def __eq__(self, other):
        return True

    __hash__ = None


class Answers:
    def reward(self, prompts, texts, context=None):
        return np.array([Pleasing() for _ in texts], dtype=object)


class Attack:
    name = "answers-objects"
    tags = Tags()

    def fit(self, log, harness):
        return Answers()


METHOD = Attack()
