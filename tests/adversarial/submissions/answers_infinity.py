"""An infinite reward for one text."""

import numpy as np

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "answers-infinity"
    tags = Tags()

    def fit(self, log, harness):
        return RewardFunction(lambda prompts, texts: np.where(np.arange(len(texts)) == 0, np.inf, 0.0))


METHOD = Attack()
