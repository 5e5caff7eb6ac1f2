"""Regrets of methods on real logs and on synthetic ones, with the same encoder: what is found in a text.

Texts are encoded by their attributes on both sides. A few thousand real texts are too few for an encoder of
words: hardly any method does better than a coin there, and there is no order to compare.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from benchmark.contract import Budget, Log
from benchmark.external.mechanisms import confound, draw_index, make_log
from benchmark.external.tables import Split
from benchmark.harness import Failure, Harness, drive, predict
from benchmark.harness.encoders.prompts import indicate_prompts, known_prompts
from benchmark.scoring.metrics import normalised_regret
from benchmark.scoring.score import score_with_key
from benchmark.tasks.attributes import AttributeEncoder
from benchmark.tasks.prepare import make_task
from benchmark.tasks.pretraining import draw_corpus
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import Suite, check_suite
from methods import load
from simulators.text.detectors import Detectors

NAIVE, CEILING = "naive", "ceiling"
METHODS = (
    "naive",
    "ceiling",
    "causal-embedding",
    "causal-embedding-latent",
    "covariate-regression",
    "covariate-regression-boosted",
    "double-lasso",
    "doubly-robust",
    "doubly-robust-corrected",
    "doubly-robust-linear",
    "insider-extrapolated",
    "insider-responses",
    "ipw-estimated",
    "lasso-partial-out",
    "outcome-model-averaged",
    "positive-unlabelled",
    "prompt-partial-out",
    "residual-marginal",
    "residual-partial-out",
    "regression-paraphrased",
    "text-cause",
    "canary-constant",
    "canary-random",
)


@dataclass(frozen=True, eq=False)
class DetectorEncoder:
    """Attributes that detectors find in any text, and which prompt was asked.

    Attributes:
        detectors: What finds them.
        prompts: Prompts with an indicator each.
        centre: Mean of each column, shape (d,).
        spread: Root mean squared length of the centred rows.
    """

    detectors: Detectors
    prompts: tuple[str, ...]
    centre: np.ndarray
    spread: float

    @classmethod
    def fit(cls, detectors: Detectors, prompts: np.ndarray, texts: np.ndarray) -> DetectorEncoder:
        """Take mean and spread of some texts."""
        raw = cls(detectors, known_prompts(prompts), np.zeros(0), 1.0)
        encoded = raw.encode(prompts, texts)
        spread = max(float(np.sqrt(encoded.var(axis=0).sum())), 1e-3)
        return cls(detectors, raw.prompts, encoded.mean(axis=0), spread)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.centre)

    @cached_property
    def hash(self) -> str:
        """A content hash."""
        return hashlib.sha256(
            repr((self.detectors, self.prompts, self.centre.tolist())).encode()
        ).hexdigest()[:16]

    def encode(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Features, shape (n, d), float64."""
        row, distinct = pd.factorize(pd.Series(texts))  # one message may have been read by many people
        found = self.detectors.detect(np.asarray(distinct, dtype=object))[row]
        return np.column_stack([found, indicate_prompts(self.prompts, prompts)]).astype(float)

    def encode_prompts(self, prompts: np.ndarray) -> np.ndarray:
        """Indicators of the known prompts, shape (n, d'), float64."""
        return indicate_prompts(self.prompts, prompts)


@dataclass(frozen=True, eq=False)
class Features:
    """A backbone without a policy: an encoder is all that reward methods need."""

    encoder: Any

    @property
    def hash(self) -> str:
        """Of the encoder."""
        return str(self.encoder.hash)


def fit(name: str, log: Log, encoder: Any, path: tuple[str, ...]) -> Any:
    """A fitted method, or None where it fails on this log."""
    method = load(name)
    if method.tags.reason_to_refuse(log):
        return None
    harness = Harness(Features(encoder), Budget(), (*path, name))
    (fitted,) = drive(method, [(log, harness)])
    return None if isinstance(fitted, Failure) else fitted


def measure_real(
    split: Split, mechanism: str, strength: float, rng: np.random.Generator, path: tuple[str, ...],
    methods: Sequence[str] = METHODS,
) -> dict[str, float]:  # fmt: skip
    """Regret of each method on held-out pairs of texts, learnt from a confounded log."""
    words = [len(str(text).split()) for text in split.texts]
    detectors = Detectors(word_limit=float(np.median(words)))
    encoder = DetectorEncoder.fit(detectors, split.prompts, split.texts)
    log = confound(split, mechanism, strength, draw_index(split.texts, detectors, rng), rng)
    whole = make_log(split, "recorded", np.arange(len(split.texts)), rng)
    found = {}
    for name in methods:
        fitted = fit(name, whole if name == CEILING else log, encoder, path)
        if fitted is None:
            continue
        first = fitted.reward(split.pair_prompts, split.first)
        second = fitted.reward(split.pair_prompts, split.second)
        if np.isfinite(first - second).all():
            found[name] = normalised_regret(first - second, split.difference)
    return found


def measure_synthetic(
    scenario: str, seed: int, rows: int, methods: Sequence[str] = METHODS, season: str = "external-1"
) -> dict[str, float]:
    """Regret of each method on a synthetic world, with the encoder of its attributes."""
    task = make_task(Scenario.parse(scenario), seed, make_suite(rows, season))
    encoder = fit_attributes(task.domain)
    found = {}
    for name in methods:
        log = _as_covariates(task.view("log", "twin" if name == CEILING else "log"))
        fitted = fit(name, log, encoder, (scenario, str(seed)))
        if fitted is not None:
            found[name] = score_with_key(predict(fitted, task.queries), task.key)["rho"]
    return found


def _as_covariates(log: Log) -> Log:
    """The log with measurements of the confounder as covariates, as a table of real data has them."""
    names = [name.replace("proxy.", "covariate.proxy_") for name in log.table.column_names]
    return Log(log.table.rename_columns(names), log.feedback)


@lru_cache(maxsize=8)
def fit_attributes(domain: str) -> AttributeEncoder:
    """The encoder of a domain's attributes."""
    prompts, texts, _ = draw_corpus(domain)
    return AttributeEncoder.fit(domain, prompts[:4000], texts[:4000])


def make_suite(rows: int, season: str) -> Suite:
    """What decides the size of a synthetic world's log and its questions."""
    return check_suite(
        {
            "name": "external",
            "version": "1",
            "season": season,
            "n": rows,
            "queries": {"pairs": 1024, "contrasts": 8, "pool": 16, "samples": 1},
            "cells": [{"scenarios": ["observed"]}],
        }
    )
