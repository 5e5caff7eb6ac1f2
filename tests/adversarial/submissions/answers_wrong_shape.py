"""One answer too many."""

import numpy as np

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "answers-wrong-shape"
    tags = Tags()

    def fit(self, log, harness):
        return RewardFunction(lambda prompts, texts: np.zeros(len(texts) + 1))


METHOD = Attack()
