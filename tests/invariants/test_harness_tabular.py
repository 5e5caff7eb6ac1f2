"""The tabular policy finds the optimum of an objective, so closed forms can be checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
import torch

from benchmark.contract import Log, Tags, Texts, Train, UsageError, make_rng
from benchmark.harness import Failure, drive, tabular_harness

PROMPTS = np.array(["p", "q"], dtype=object)
TEXTS = np.array([f"text {i}" for i in range(5)], dtype=object)
BETA = 0.3
TAGS = Tags()


@dataclass(frozen=True)
class WeightedDPO:
    """Population DPO: each pair weighted by how often its first text wins."""

    beta: float

    def __call__(self, scores, batch):
        first, second = scores["first"], scores["second"]
        margin = self.beta * ((first.value - first.reference) - (second.value - second.reference))
        return -batch["wins"] * torch.nn.functional.logsigmoid(margin)


@dataclass(frozen=True)
class Population:
    """DPO on every ordered pair of texts of every prompt, with exact win probabilities."""

    utility: np.ndarray
    full_batch: bool = True
    name: str = "population"
    tags: Tags = TAGS

    def fit(self, log, harness):
        rows = [(p, i, j) for p in range(2) for i in range(5) for j in range(5) if i != j]
        p, i, j = np.array(rows).T
        wins = 1 / (1 + np.exp(self.utility[p, j] - self.utility[p, i]))
        fields = {"first": Texts(PROMPTS[p], TEXTS[i]), "second": Texts(PROMPTS[p], TEXTS[j])}
        model = yield Train(
            harness.policy(), fields, {"wins": wins}, WeightedDPO(BETA), full_batch=self.full_batch,
            steps=None if self.full_batch else 3000, batch_size=40,
        )  # fmt: skip
        return harness.fitted_policy(model)


LOG = Log(pa.table({"text": ["a"], "outcome": [0.0]}))


def fitted_gains(utility, reference, full_batch):
    harness = tabular_harness(PROMPTS, TEXTS, reference)
    fitted = drive(Population(utility, full_batch), [(LOG, harness)])[0]
    assert not isinstance(fitted, Failure), fitted.traceback
    gains = fitted.reward(np.repeat(PROMPTS, 5), np.tile(TEXTS, 2)).reshape(2, 5)
    return fitted, gains


@pytest.mark.parametrize(("full_batch", "tolerance"), [(True, 1e-5), (False, 2e-2)])
def test_population_dpo_reaches_its_closed_form(full_batch, tolerance):
    # Rafailov et al. 2023: at the optimum beta (h(x) - h(x')) = logit P(x beats x'), h = log pi / pi_ref.
    rng = make_rng("tabular")
    utility, reference = rng.normal(0, 1, (2, 5)), rng.normal(0, 1, (2, 5))
    fitted, gains = fitted_gains(utility, reference, full_batch)
    found = BETA * (gains - gains[:, :1])
    np.testing.assert_allclose(found, utility - utility[:, :1], atol=tolerance)
    # The policy itself is the reference tilted by utility / beta.
    tilted = reference + utility / BETA
    tilted = np.exp(tilted - tilted.max(axis=1, keepdims=True))
    tilted /= tilted.sum(axis=1, keepdims=True)
    table = fitted.model.architecture.log_probabilities(fitted.model.weights)[0].exp().numpy()
    np.testing.assert_allclose(table, tilted, atol=tolerance)


def test_tabular_samples_follow_the_table():
    reference = np.log(np.array([[0.5, 0.2, 0.1, 0.15, 0.05]] * 2))
    harness = tabular_harness(PROMPTS, TEXTS, reference)
    texts = harness.sample(harness.policy(), PROMPTS, 20_000)
    share = np.array([(texts == text).mean(axis=1) for text in TEXTS]).T
    # Five standard errors of a share near one half over 20,000 draws: 5 * sqrt(.25 / 20000) = .018.
    np.testing.assert_allclose(share, np.exp(reference), atol=0.018)


def test_texts_outside_the_table_are_refused():
    harness = tabular_harness(PROMPTS, TEXTS)
    with pytest.raises(UsageError, match="not in the table"):
        harness.reference(PROMPTS, np.array(["text 0", "something else"], dtype=object))
    with pytest.raises(UsageError, match="wrong shape"):
        tabular_harness(PROMPTS, TEXTS, np.zeros(5))


def test_table_hashes_tell_references_apart():
    plain = tabular_harness(PROMPTS, TEXTS)
    other = tabular_harness(PROMPTS, TEXTS, np.arange(10.0).reshape(2, 5))
    assert plain.backbone.hash != other.backbone.hash
    assert plain.encode(PROMPTS, TEXTS[:2]).shape[0] == 2
