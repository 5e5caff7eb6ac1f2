"""Intervals of the two-stage least squares rows: their covariance, and their level where they identify."""

from __future__ import annotations

import numpy as np
import pytest
from test_catalogue_b_estimators import draw_instrumented

import methods
import simulators
from benchmark.contract import Streams, make_rng
from benchmark.harness import Harness, TextEncoder, Tokenizer, predict
from benchmark.scoring.score import score
from methods.adjust.instrument import two_stage
from simulators import QuerySizes
from simulators.text import load_domain

ROWS, WORLDS = 2000, range(16)
SIZES = QuerySizes(pairs=8, contrasts=32, pool=8, samples=1)


def test_the_influence_of_rows_adds_up_to_the_robust_covariance():
    """White's covariance written out: (X'PX)^-1 (sum_i e_i^2 x^_i x^_i') (X'PX)^-1, by lstsq alone."""
    y, x, z, w = draw_instrumented()
    fitted = np.column_stack([z, w]) @ np.linalg.lstsq(np.column_stack([z, w]), np.column_stack([x, w]))[0]
    coefficient = np.linalg.lstsq(fitted, y)[0]
    scores = fitted * (y - np.column_stack([x, w]) @ coefficient)[:, None]
    bread = np.linalg.inv(fitted.T @ fitted)
    ours = two_stage(y, x, z, w)
    assert np.allclose(ours.coefficient, coefficient[:2], atol=1e-8)
    assert np.allclose(ours.covariance, (bread @ scores.T @ scores @ bread)[:2, :2], atol=1e-8)
    assert np.allclose(ours.influence.sum(axis=0), 0.0, atol=1e-10)


class Reference:
    """A backbone without a decoder: what closed forms need."""

    hash = "encoder only"

    def __init__(self) -> None:
        domain, rng = load_domain("headlines"), make_rng("intervals", "corpus")
        attributes = rng.integers(0, 2, (6000, len(domain.attributes))).astype(np.int8)
        prompts = rng.integers(len(domain.prompts), size=6000)
        texts = domain.realise(attributes, prompts, rng).to_numpy(zero_copy_only=False)
        asked = np.asarray(domain.prompts, dtype=object)[prompts]
        self.encoder = TextEncoder.fit(Tokenizer.of(domain.vocabulary, asked, texts), asked, texts)


@pytest.fixture(scope="module")
def reference():
    return Reference()


def effects_held(name: str, family: str, reference: Reference) -> np.ndarray:
    """Share of the attributes' true effects inside the 95 % intervals, one number a world."""
    held = []
    for seed in WORLDS:
        world = simulators.build(family, {}, Streams("intervals", family, seed))
        queries, harness = world.queries(SIZES), Harness(reference, path=("intervals", str(seed)))
        fitted = methods.load(name).fit(world.draw(ROWS).log, harness)
        held.append(score(predict(fitted, queries), queries, world.truth)["coverage"])
    return np.array(held)


@pytest.mark.parametrize(
    ("name", "family"), [("instrumented-texts", "instrument"), ("residual-instrumented", "entangled")]
)
def test_declared_intervals_hold_their_level_where_the_instrument_identifies(name, family, reference):
    assert methods.load(name).tags.intervals
    held = effects_held(name, family, reference)
    # Effects of one world share its rows: the error of the mean comes from the spread over worlds.
    error = max(held.std(ddof=1), 0.05) / np.sqrt(len(held))
    assert abs(held.mean() - 0.95) < 3 * error, held.round(2)


def test_intervals_that_ignore_the_instrument_miss(reference):
    assert effects_held("naive", "instrument", reference).mean() < 0.75


def test_intervals_are_asked_at_95_percent_and_are_as_wide_as_that_says():
    """A coefficient of 0 with variance 4 on one feature: 1.96 standard errors of 2 to each side."""
    from types import SimpleNamespace

    from benchmark.contract import Queries
    from methods.linear import IntervalReward, LinearReward

    def features(prompts, texts, context=None):
        return np.array([[float(text == "on")] for text in texts])

    linear = LinearReward(features, np.zeros(1))
    fitted = IntervalReward(linear, np.zeros(1), np.array([[4.0]]))
    texts = np.array(["on", "off"], dtype=object)
    empty = np.zeros((0, 2), dtype=int)
    queries = Queries(texts, texts, empty, np.array([[0, 0, 1]]), empty, texts[:0], 0)
    np.testing.assert_allclose(predict(fitted, queries).intervals, [[-3.919928, 3.919928]], atol=1e-5)
    asked = []
    recorder = SimpleNamespace(
        reward=linear.reward, effect_interval=lambda contrasts, level: asked.append(level) or [[-1.0, 1.0]]
    )
    predict(recorder, queries)
    assert asked == [0.95]
