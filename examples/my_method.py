"""A complete new method: ridge regression of the outcome on the text and everything recorded beside it."""

import numpy as np
from sklearn.linear_model import RidgeCV

from benchmark.contract import RewardFunction, Tags


class AdjustedRidge:
    """Credit texts only with what the recorded covariates do not explain."""

    name = "my-adjusted-ridge"
    tags = Tags(needs=frozenset({"covariate"}), adjusts=True, calibrated=True)

    def fit(self, log, harness):
        features = harness.encode(log.prompts, log.texts)
        model = RidgeCV(alphas=np.logspace(-1, 3, 9))
        model.fit(np.hstack([features, log.covariates]), log.outcomes)
        weights = model.coef_[: features.shape[1]]
        return RewardFunction(lambda prompts, texts: harness.encode(prompts, texts) @ weights)


METHOD = AdjustedRidge()
