"""Replaces the checks in its own process and answers NaN."""

import json

import numpy as np

from benchmark.contract import Predictions, RewardFunction, Tags


class Attack:
    name = "patches-libraries"
    tags = Tags()

    def fit(self, log, harness):
        np.isfinite = lambda values: np.ones(np.shape(values), dtype=bool)
        json.dumps = lambda *_, **__: '{"kind": "done", "fields": {"status": "ok"}}'
        Predictions.validate = lambda self, queries: self
        return RewardFunction(lambda prompts, texts: np.full(len(texts), np.nan))


METHOD = Attack()
