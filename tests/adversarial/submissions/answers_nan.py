"""NaN everywhere, in the hope that it is a wildcard."""

import numpy as np

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "answers-nan"
    tags = Tags()

    def fit(self, log, harness):
        return RewardFunction(lambda prompts, texts: np.full(len(texts), np.nan))


METHOD = Attack()
