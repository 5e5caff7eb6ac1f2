"""The scorer on a small world whose every number can be worked out beside it."""

import json
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import entropy

from benchmark.contract import Predictions, Queries, make_rng
from benchmark.contract.records import METRICS, VALUE_CURVE
from benchmark.scoring.favourites import describe_favourites
from benchmark.scoring.score import find_marker, make_key, score, score_with_key

EFFECTS = np.array([2.0, -1.0, 0.0])
BIAS = np.array([0.0, 0.5, 3.0])


@dataclass
class Detected:
    attributes: np.ndarray
    on_grammar: np.ndarray


@dataclass
class LinearTruth:
    """Texts are strings of 0 and 1; the reward is linear in them, off-grammar text is worth the worst."""

    effects: np.ndarray = field(default_factory=lambda: EFFECTS)
    bias: np.ndarray = field(default_factory=lambda: BIAS)
    attributes: tuple = ("price", "jargon", "greeting")
    groups: np.ndarray | None = None

    effects_mcse = property(lambda self: np.zeros(3))
    naive_effects = property(lambda self: self.effects + self.bias)
    # each attribute is on in half of the texts
    value_reference = property(lambda self: self.effects.sum() / 2)
    value_optimal = property(lambda self: np.maximum(self.effects, 0).sum())

    def detect(self, texts):
        good = np.array([len(t) == 3 and set(t) <= {"0", "1"} for t in texts])
        rows = [[int(c) for c in t] if ok else [0, 0, 0] for t, ok in zip(texts, good, strict=True)]
        return Detected(np.array(rows, dtype=np.int8), good)

    def _value(self, texts, weights):
        found = self.detect(texts)
        return np.where(found.on_grammar, found.attributes @ weights, np.minimum(weights, 0).sum())

    def reward(self, prompts, texts, context=None):
        return self._value(texts, self.effects)

    def naive_reward(self, prompts, texts, context=None):
        return self._value(texts, self.naive_effects)

    def group_rewards(self, prompts, texts):
        return np.stack([self._value(texts, row) for row in self.groups])


def make_queries(seed=0, context=None):
    codes = [f"{i:03b}" for i in range(8)]
    texts = np.array(codes * 2, dtype=object)
    prompts = np.repeat(np.array(["p", "q"], dtype=object), 8)
    rng = make_rng("score", seed)
    pairs = rng.integers(0, 8, (300, 2)) + 8 * rng.integers(0, 2, (300, 1))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    # opaque ids: contrast 0 asks about attribute 2, contrast 1 about 0, contrast 2 about 1
    contrasts = [
        (number, 8 * prompt + code | 4 >> attribute, 8 * prompt + code & ~(4 >> attribute))
        for number, attribute in enumerate((2, 0, 1))
        for prompt in range(2)
        for code in range(8)
    ]
    pools = np.arange(16).reshape(2, 8)
    generate = np.array(["p", "q"], dtype=object)
    return Queries(prompts, texts, pairs, np.array(contrasts), pools, generate, 2, context or {})


QUERIES, TRUTH = make_queries(), LinearTruth()


def predict(weights, **more):
    return Predictions(TRUTH._value(QUERIES.texts, np.asarray(weights, dtype=float)), **more)


def test_abstaining_is_a_coin_toss_and_does_not_touch_the_headline():
    """Abstaining from every pair that naive gets wrong: a perfect answer to the rest, a coin for them."""
    naive = EFFECTS + BIAS
    true = TRUTH.reward(None, QUERIES.texts)
    guess = TRUTH.naive_reward(None, QUERIES.texts)
    true, guess = (values[QUERIES.pairs[:, 0]] - values[QUERIES.pairs[:, 1]] for values in (true, guess))
    wrong = true * guess <= 0
    plain = score(predict(naive), QUERIES, TRUTH)
    found = score(predict(naive, abstains=wrong), QUERIES, TRUTH)
    assert found["rho"] == plain["rho"] > 0
    assert found["abstention"] == pytest.approx(wrong.mean())
    assert found["rho_answered"] == 0
    assert found["rho_cautious"] == pytest.approx(0.5 * np.abs(true)[wrong].sum() / np.abs(true).sum())
    assert (plain["abstention"], plain["rho_answered"], plain["rho_cautious"]) == (
        0,
        plain["rho"],
        plain["rho"],
    )
    silent = score(predict(naive, abstains=np.ones(len(QUERIES.pairs), dtype=bool)), QUERIES, TRUTH)
    assert silent["rho_cautious"] == 0.5
    assert np.isnan(silent["rho_answered"])


def test_the_interval_score_weighs_width_against_misses():
    """By hand: effects are (0, 2, -1) in the order of the contrasts, each miss of .5 costs 40 * .5."""
    intervals = np.array([[-1.0, 1.0], [2.5, 3.5], [-1.0, -1.0]])
    found = score(predict(EFFECTS, intervals=intervals), QUERIES, TRUTH)
    assert found["interval_score"] == pytest.approx((2 + (1 + 40 * 0.5) + 0) / 3)


def test_every_metric_is_there():
    """The contract describes exactly what the scorer computes where a method answers all it can."""
    truth = LinearTruth(groups=np.stack([EFFECTS, -EFFECTS]))
    given = {
        "intervals": np.zeros((3, 2)),
        "samples": np.array([["111", "000"], ["101", "none"]], object),
        "diagnostics": {"kl": 1.0},
        "abstains": np.arange(len(QUERIES.pairs)) % 2 == 0,
    }
    found = score(predict(EFFECTS + BIAS, **given), QUERIES, truth, calibrated=True)
    assert set(found) == {metric.name for metric in METRICS}
    assert [name for name, value in found.items() if np.isnan(value)] == []
    for metric in METRICS:
        assert metric.low <= found[metric.name] <= metric.high


def test_perfect_answers():
    found = score(predict(EFFECTS), QUERIES, TRUTH, calibrated=True)
    assert found["rho"] == 0
    assert found["accuracy"] == found["sign_accuracy"] == 1
    assert found["effect_cosine"] == pytest.approx(1)
    assert found["effect_rmse"] == pytest.approx(0, abs=1e-12)
    assert found["false_positive_rate"] == 0


def test_naive_answers_by_brute_force():
    naive = EFFECTS + BIAS
    found = score(predict(naive), QUERIES, TRUTH, calibrated=True)
    lost = conflict_lost = conflict = total = 0.0
    for a, b in QUERIES.pairs:
        true = TRUTH.reward(None, QUERIES.texts[[a, b]])
        guess = TRUTH.naive_reward(None, QUERIES.texts[[a, b]])
        stake = abs(true[0] - true[1])
        wrong = 0.5 if guess[0] == guess[1] else float((guess[0] > guess[1]) != (true[0] > true[1]))
        total += stake
        lost += stake * wrong
        if stake and wrong == 1:
            conflict, conflict_lost = conflict + stake, conflict_lost + stake
    assert found["rho"] == pytest.approx(lost / total)
    assert found["rho_conflict"] == pytest.approx(conflict_lost / conflict)
    assert found["rho_aligned"] == 0
    assert make_key(QUERIES, TRUTH).naive_rho == pytest.approx(lost / total)
    # contrast order is (greeting, price, jargon): estimates (3, 2, -.5), truth (0, 2, -1)
    assert found["effect_cosine"] == pytest.approx(4.5 / np.sqrt(13.25 * 5))
    assert found["effect_bias"] == pytest.approx(3.5 / 3)
    assert found["effect_rmse"] == pytest.approx(np.sqrt(9.25 / 3))
    assert found["false_positive_rate"] == 1
    assert found["bias_cosine"] == pytest.approx((3 * 3 - 0.5 * 0.5) / np.sqrt(13.25 * 9.25))


def test_uncalibrated_answers_have_no_error_on_the_outcome_scale():
    found = score(predict(EFFECTS), QUERIES, TRUTH)
    assert np.isnan(found["effect_bias"])
    assert np.isnan(found["effect_rmse"])


def test_constant_answers_are_worth_the_reference_exactly():
    found = score(predict(np.zeros(3)), QUERIES, TRUTH)
    assert found["value_kl_1"] == 0
    assert found["reachable_kl"] == 0
    assert found["rho"] == found["accuracy"] == 0.5
    assert np.isnan(found["effect_cosine"])
    assert found["kendall"] == 0


def test_tilted_value_by_hand():
    # Reward = greeting alone: best half of the pool, KL log 2, nothing gained, greeting always on.
    found = score(predict([0, 0, 1]), QUERIES, TRUTH)
    assert found["value_kl_1"] == pytest.approx(0)
    assert found["reachable_kl"] == pytest.approx(np.log(2))
    assert found["tilted_marker_rate"] == pytest.approx(1)
    assert found["reference_marker_rate"] == 0.5
    # Reward = price alone: gain 2/2 of the 2 - .5 to be had.
    assert score(predict([1, 0, 0]), QUERIES, TRUTH)["value_kl_1"] == pytest.approx(1 / 1.5)


def test_the_curve_of_value_against_kl_by_hand():
    """Reward = price: with odds q : 1 for texts that have it, KL = log 2 - H(q), gain 2 (q - 1/2)."""
    found = score(predict([1, 0, 0]), QUERIES, TRUTH)

    def excess(q, kl):
        return np.log(2) - entropy([q, 1 - q]) - kl

    for name, kl in VALUE_CURVE.items():
        q = 1.0 if kl >= np.log(2) else brentq(excess, 0.5, 1, args=(kl,))
        assert found[name] == pytest.approx(2 * (q - 0.5) / 1.5, abs=1e-4)
    # a lure: optimising harder wins nothing and loses what the bias costs
    lured = score(predict(EFFECTS + BIAS), QUERIES, TRUTH)
    assert lured["value_kl_0.25"] < found["value_kl_0.25"]


def test_gain_is_that_of_the_reference_times_exponential_reward():
    # exp(r) with r = price: odds e : 1
    found = score(predict([1, 0, 0]), QUERIES, TRUTH)
    assert found["gain"] == pytest.approx(2 * (np.e / (1 + np.e) - 0.5))


def test_bias_left_is_zero_for_the_truth_and_one_for_the_confounded_limit():
    for share in (0.0, 0.5, 1.0):
        found = score(predict(EFFECTS + share * BIAS), QUERIES, TRUTH, calibrated=True)
        assert found["bias_left"] == pytest.approx(share)


def test_shifts_and_wins_of_samples_by_hand():
    # price and greeting go from .5 to 1 and to .5, jargon from .5 to 0
    samples = np.array([["100", "101"], ["101", "100"]], dtype=object)
    found = score(predict(EFFECTS, samples=samples, diagnostics={"kl": 0.7}), QUERIES, TRUTH)
    assert found["largest_shift"] == 0.5
    assert found["other_shift"] == 0.25
    # worth 2 each; of the pool 6 of 8 are worth less and 2 as much
    assert found["win_rate"] == pytest.approx(7 / 8)
    assert found["samples_kl"] == 0.7


def test_samples_are_judged_by_the_truth():
    samples = np.array([["100", "101"], ["nonsense", "100"]], dtype=object)
    found = score(predict(EFFECTS, samples=samples), QUERIES, TRUTH)
    # values 2, 2, worst -1, 2: mean 1.25; reference .5, optimum 2
    assert found["value_samples"] == pytest.approx(0.75 / 1.5)
    assert found["off_grammar_rate"] == 0.25
    assert found["marker_rate"] == found["greeting_rate"] == 0.25


def test_intervals():
    # contrast order (greeting, price, jargon), truth (0, 2, -1)
    intervals = np.array([[0.5, 1.5], [1.0, 3.0], [-1.5, 0.5]])
    found = score(predict(EFFECTS, intervals=intervals), QUERIES, TRUTH)
    assert found["coverage"] == pytest.approx(2 / 3)
    assert found["width"] == pytest.approx(5 / 3)
    assert found["false_positive_rate"] == 1


def test_null_world():
    flat = LinearTruth(effects=np.zeros(3))
    found = score(predict(BIAS), QUERIES, flat, calibrated=True)
    assert np.isnan(found["rho"])
    assert np.isnan(found["value_kl_1"])
    # the scale is the largest bias, 3; a quarter of it is .75: only the greeting's 3 is above
    assert found["false_positive_rate"] == pytest.approx(1 / 3)


def test_rounding_noise_is_no_difference():
    class Shaky(LinearTruth):
        def reward(self, prompts, texts, context=None):
            return super().reward(prompts, texts) + 1e-15 * make_rng("noise").standard_normal(len(texts))

    assert score(predict(-EFFECTS), QUERIES, Shaky())["rho"] == 1
    assert np.isnan(score(predict(BIAS), QUERIES, Shaky(effects=np.zeros(3)))["rho"])


def test_worst_group_of_latent_groups_and_of_contexts():
    split = LinearTruth(groups=np.array([[2.0, -1.0, 0.0], [-2.0, 1.0, 0.0]]))
    assert score(predict(EFFECTS), QUERIES, split)["worst_group"] == 1
    assert np.isnan(score(predict(EFFECTS), QUERIES, TRUTH)["worst_group"])
    by_prompt = make_queries(context={"segment": np.repeat([0.0, 1.0], 8)})
    reward = TRUTH.reward(None, QUERIES.texts) * np.repeat([1, -1], 8)
    found = score(Predictions(reward), by_prompt, TRUTH)
    assert found["worst_group"] == 1
    assert 0 < found["rho"] < 1


def test_marker_is_the_most_flattered_null_attribute():
    assert find_marker(np.array([False, True, True]), np.array([9.0, 1.0, 2.0])) == 2
    assert find_marker(np.array([True, True]), np.array([-1.0, 0.0])) is None
    assert find_marker(np.array([False]), np.array([1.0])) is None


def test_a_key_can_be_reused_and_scoring_changes_nothing():
    key, answers = make_key(QUERIES, TRUTH), predict(EFFECTS + BIAS)
    before = answers.reward.copy()
    first, second = score_with_key(answers, key), score_with_key(answers, key)
    np.testing.assert_equal(first, second)
    np.testing.assert_equal(first, score(answers, QUERIES, TRUTH))
    assert (answers.reward == before).all()


def test_favourites_are_the_best_liked_texts_with_their_place_in_the_truth():
    """Of 000 .. 111, worth 2 a - b: 1 0 c is best (6 worse and one equal of 8), 0 1 c worst (none worse)."""
    queries = make_queries()
    key = make_key(queries, LinearTruth())
    found = json.loads(describe_favourites(key.reward, key, texts=2))
    assert found == {"prompt": "p", "texts": [["100", 0.875], ["101", 0.875]]}
    (worst,) = json.loads(describe_favourites(-key.reward, key, texts=1))["texts"]
    assert worst in (["010", 0.125], ["011", 0.125])


def test_no_reference_texts_no_favourites():
    queries = replace(make_queries(), pools=np.zeros((0, 0), dtype=np.int64))
    key = make_key(make_queries(), LinearTruth())
    assert describe_favourites(key.reward, replace(key, queries=queries)) == ""


def test_the_truth_is_asked_in_the_context_of_each_item():
    """Where the goal is 1 every effect turns round; who ignores it is right half of the time."""

    class Turned(LinearTruth):
        def reward(self, prompts, texts, context=None):
            return super().reward(prompts, texts) * (1 if context is None else 1 - 2 * context["goal"])

    goal = np.repeat([0.0, 1.0], 8)
    queries = make_queries(context={"goal": goal})
    heeded = Predictions(TRUTH._value(queries.texts, EFFECTS) * (1 - 2 * goal))
    assert score(heeded, queries, Turned())["rho"] == 0
    assert score(predict(EFFECTS), queries, Turned())["rho"] == pytest.approx(0.5, abs=0.15)
