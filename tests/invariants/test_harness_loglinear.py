"""Log-linear policies: exact over their pools, optimal where theory says, alone and side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from harness_corpus import PairMethod, make_corpus, make_log
from scipy.optimize import minimize
from scipy.stats import chisquare

from benchmark.contract import Budget, ContractError, Log, Tags, Texts, Train, UsageError, make_rng
from benchmark.harness import Failure, Harness, TextEncoder, Tokenizer, drive
from benchmark.harness.loglinear.backbone import LogLinearBackbone
from benchmark.harness.loglinear.pools import Pools
from benchmark.harness.loglinear.tilting import divergence, tilt, tilt_to_divergence

TAGS = Tags()
BETA = 0.5
TABLE_PROMPTS = np.array(["p", "q"], dtype=object)
TABLE_TEXTS = np.array([f"text {i}" for i in range(5)], dtype=object)


@pytest.fixture(scope="module")
def backbone() -> LogLinearBackbone:
    corpus = make_corpus(1200)
    encoder = TextEncoder.fit(
        Tokenizer.of(corpus.vocabulary, corpus.prompts, corpus.texts), corpus.prompts, corpus.texts
    )
    return LogLinearBackbone.fit(Pools.draw(corpus.prompts, corpus.texts, corpus.prompts, 64), encoder)


@pytest.fixture(scope="module")
def harness(backbone: LogLinearBackbone) -> Harness:
    return Harness(backbone, Budget(), ("loglinear",))


def some_weights(backbone: LogLinearBackbone, size: float = 0.5) -> torch.Tensor:
    drawn = make_rng("loglinear weights").normal(0, size, backbone.features.width)
    return torch.from_numpy(drawn)[None]


def drawn_model(harness: Harness) -> Any:
    return harness.policy().with_weights(some_weights(harness.backbone))


# -- exactness ----------------------------------------------------------------
def test_scores_of_pool_texts_are_a_law(harness):
    pools, model = harness.backbone.pools, drawn_model(harness)
    for row, prompt in enumerate(pools.prompts):
        inside = np.isfinite(pools.log_reference[pools.homes[row]])
        texts = pools.texts[pools.homes[row]][inside]
        scores = harness.score(model, np.full(len(texts), prompt, dtype=object), texts)
        assert np.exp(scores).sum() == pytest.approx(1.0, abs=1e-12)
        law = model.architecture.log_probabilities(model.weights)[0, pools.homes[row]].numpy()
        np.testing.assert_allclose(scores, law[inside], atol=1e-12)


def test_tilts_are_linear_in_the_encoding(harness):
    # By hand: log pi(x) - log pi(x') of one prompt = theta . (scale' (e(x) - e(x'))) + the counts' ratio.
    backbone, model = harness.backbone, drawn_model(harness)
    pools, features = backbone.pools, backbone.features
    prompts, texts = np.repeat(pools.prompts[:1], 2), pools.texts[pools.homes[0]][:2]
    first, second = backbone.encoder.encode(prompts, texts)
    expected = (first - second) @ features.scale @ model.weights[0].numpy()
    expected += pools.log_reference[pools.homes[0]][:2] @ [1.0, -1.0]
    found = harness.score(model, prompts, texts) @ [1.0, -1.0]
    assert found == pytest.approx(expected, abs=1e-10)


def test_repeated_draws_count():
    prompts = np.array(["p"] * 4, dtype=object)
    texts = np.array(["a", "b", "b", "b"], dtype=object)
    pools = Pools.draw(prompts, texts, prompts)
    np.testing.assert_allclose(np.exp(pools.log_reference), [[0.25, 0.75]])
    few = Pools.draw(prompts, texts, prompts, most=2)
    np.testing.assert_allclose(np.exp(few.log_reference), [[0.5, 0.5]])
    home = np.zeros(3, dtype=np.int64)
    places = pools.locate(home, np.array(["b", "a", "new"], dtype=object))
    np.testing.assert_allclose(np.exp(pools.weigh(home, places)), [0.75, 0.25, 0.25])


def test_texts_outside_of_the_pool_weigh_one_draw(harness):
    corpus = make_corpus(1300)
    prompts, texts = corpus.prompts[1200:], corpus.texts[1200:]
    np.testing.assert_allclose(harness.reference(prompts, texts), -np.log(64))
    model = drawn_model(harness)
    gains = harness.score(model, prompts, texts) - harness.reference(prompts, texts)
    architecture = model.architecture
    normaliser = architecture.log_probabilities(model.weights)[0] - architecture._tilted(model.weights)[0]
    homes = harness.backbone.pools.find(prompts)
    tilts = harness.backbone.find_features(prompts, texts) @ model.weights[0].numpy()
    np.testing.assert_allclose(gains, tilts + normaliser[homes, 0].numpy(), atol=1e-10)


def test_samples_follow_the_law(harness):
    pools, model = harness.backbone.pools, drawn_model(harness)
    n, prompt = 20_000, pools.prompts[:1]
    texts = harness.sample(model, prompt, n)[0]
    inside = np.isfinite(pools.log_reference[pools.homes[0]])
    law = model.architecture.log_probabilities(model.weights)[0, pools.homes[0]].exp().numpy()[inside]
    counts = np.array([(texts == text).sum() for text in pools.texts[pools.homes[0]][inside]])
    assert counts.sum() == n
    often = law * n > 5
    seen = np.append(counts[often], counts[~often].sum())
    expected = np.append(law[often], law[~often].sum()) * n
    kept = expected > 0
    assert chisquare(seen[kept], expected[kept]).pvalue > 1e-4


@pytest.mark.parametrize("temperature", [np.nan, np.inf, 0.0, -1.0])
def test_a_temperature_is_a_positive_number(harness, temperature):
    with pytest.raises(ContractError, match="positive temperature"):
        harness.sample(harness.policy(), np.array(["p"], dtype=object), 1, temperature=temperature)


def test_temperature_tempers_the_law(harness):
    model, prompt = drawn_model(harness), harness.backbone.pools.prompts[:1]
    home = harness.backbone.pools.homes[0]
    best = model.architecture.log_probabilities(model.weights)[0, home].argmax()
    cold = harness.sample(model, prompt, 50, temperature=1e-3)[0]
    assert set(cold) == {harness.backbone.pools.texts[home][int(best)]}


def test_divergence_is_exact(harness):
    model, pools = drawn_model(harness), harness.backbone.pools
    log_pi = model.architecture.log_probabilities(model.weights)[0].numpy()
    inside = np.isfinite(log_pi[0])
    by_hand = sum(
        np.exp(a) * (a - b) for a, b in zip(log_pi[0][inside], pools.log_reference[0][inside], strict=True)
    )
    prompt = pools.prompts[pools.homes == 0][:1]
    assert harness.divergence(model, prompt)[0] == pytest.approx(by_hand)
    assert harness.divergence(harness.policy(), pools.prompts) == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(ContractError, match="not known exactly"):
        harness.divergence(harness.reward_head(), pools.prompts)


def test_fisher_information_at_the_reference_is_one(backbone):
    law = np.exp(backbone.pools.log_reference).ravel() / backbone.pools.shape[0]
    table = backbone.features.table.numpy()
    np.testing.assert_allclose(table.T @ (law[:, None] * table), np.eye(backbone.features.width), atol=1e-8)


# -- prompts ------------------------------------------------------------------
def test_prompts_of_a_topic_share_a_pool():
    prompts = np.array(
        ["sell the blue lamp", "a lamp for sale", "sell the oak chair", "chair on offer"], dtype=object
    )
    texts = np.array(["bright", "glowing", "sturdy", "solid"], dtype=object)
    pools = Pools.draw(prompts, texts, np.array([0, 0, 1, 1]))
    assert pools.shape == (2, 2)
    assert pools.find(prompts).tolist() == [0, 0, 1, 1]
    unseen = np.array(["who wants a green lamp", "my chair must go"], dtype=object)
    assert pools.find(unseen).tolist() == [0, 1]


def test_pools_survive_a_folder(backbone, tmp_path):
    backbone.save(tmp_path)
    again = LogLinearBackbone.load(tmp_path, backbone.encoder)
    assert again.hash == backbone.hash
    corpus = make_corpus(50, seed=4)
    first, second = (
        Harness(b).score(drawn_model(Harness(b)), corpus.prompts, corpus.texts) for b in (backbone, again)
    )
    np.testing.assert_array_equal(first, second)
    with pytest.raises(UsageError, match="cannot read pools"):
        LogLinearBackbone.load(tmp_path / "nothing", backbone.encoder)


# -- what theory says ---------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Indicators:
    """An encoder with one column a text: through it, encoded policies are tables."""

    hash: str = "indicators"

    def encode(self, prompts, texts):
        rows = [(p, t) for p in TABLE_PROMPTS for t in TABLE_TEXTS]
        return np.array(
            [[pair == row for row in rows] for pair in zip(prompts, texts, strict=True)], dtype=float
        )


def encoded_table(reference: np.ndarray) -> Harness:
    """Pools with a given law, one column a text, through the encoded features and not the one-hot ones."""
    law = reference - np.log(np.exp(reference).sum(axis=1, keepdims=True))
    pools = Pools(TABLE_PROMPTS, np.arange(2), np.array([TABLE_TEXTS] * 2), law, np.full(2, 100.0))
    return Harness(LogLinearBackbone.fit(pools, Indicators()), path=("table",))


@dataclass(frozen=True)
class OnEveryText:
    """Trains a loss on every ordered pair of texts, or on every text, with numbers of each."""

    loss: Any
    numbers: np.ndarray
    pairs: bool
    name: str = "on every text"
    tags: Tags = TAGS

    def fit(self, log, harness):
        if self.pairs:
            rows = [(p, i, j) for p in range(2) for i in range(5) for j in range(5) if i != j]
            p, i, j = np.array(rows).T
            fields = {
                "first": Texts(TABLE_PROMPTS[p], TABLE_TEXTS[i]),
                "second": Texts(TABLE_PROMPTS[p], TABLE_TEXTS[j]),
            }
            values = {"wins": self.numbers[p, i, j]}
        else:
            p, i = np.array([(p, i) for p in range(2) for i in range(5)]).T
            fields, values = {"text": Texts(TABLE_PROMPTS[p], TABLE_TEXTS[i])}, {"reward": self.numbers[p, i]}
        model = yield Train(harness.policy(), fields, values, self.loss, full_batch=True)
        return harness.fitted_policy(model)


@dataclass(frozen=True)
class PopulationDPO:
    def __call__(self, scores, batch):
        margin = gain(scores["first"]) - gain(scores["second"])
        return -batch["wins"] * torch.nn.functional.logsigmoid(BETA * margin)


@dataclass(frozen=True)
class PopulationIPO:
    def __call__(self, scores, batch):
        margin = gain(scores["first"]) - gain(scores["second"])
        return batch["wins"] * (margin - 1 / (2 * BETA)) ** 2


@dataclass(frozen=True)
class PenalisedReward:
    """Minus the expected reward plus beta KL, whose terms are the pool's texts."""

    def __call__(self, scores, batch):
        value = scores["text"].value
        return value.exp() * (BETA * gain(scores["text"]) - batch["reward"])


def gain(score):
    return score.value - score.reference


REFERENCE = make_rng("table reference").normal(0, 1, (2, 5))
UTILITY = make_rng("table utility").normal(0, 1, (2, 5))
LOG = Log(pa.table({"text": ["a"], "outcome": [0.0]}))


@pytest.mark.parametrize(
    ("loss", "numbers", "pairs", "tilt_by"),
    [
        # Rafailov et al. 2023, equation 4: the optimum of both is the reference tilted by r / beta.
        (PopulationDPO(), 1 / (1 + np.exp(UTILITY[:, None] - UTILITY[..., None])), True, UTILITY / BETA),
        (PenalisedReward(), UTILITY, False, UTILITY / BETA),
        # Azar et al. 2023, section 5: where P(x beats x') - 1/2 = (u - u') / 10, by u / (10 beta).
        (PopulationIPO(), 0.5 + (UTILITY[..., None] - UTILITY[:, None]) / 10, True, UTILITY / (10 * BETA)),
    ],
    ids=["dpo", "penalised reward", "ipo"],
)
def test_optima_are_the_closed_forms(loss, numbers, pairs, tilt_by):
    harness = encoded_table(REFERENCE)
    fitted = drive(OnEveryText(loss, numbers, pairs), [(LOG, harness)])[0]
    assert not isinstance(fitted, Failure), fitted.traceback
    law = fitted.model.architecture.log_probabilities(fitted.model.weights)[0].exp().numpy()
    optimum = np.exp(tilt(harness.backbone.pools.log_reference, tilt_by, 1.0))
    np.testing.assert_allclose(law, optimum, atol=1e-5)


@dataclass(frozen=True)
class FullPairs(PairMethod):
    """The same pairs with every row at every step."""

    full_batch: bool = True

    def fit(self, log, harness):
        asked = PairMethod.fit(self, log, harness)
        model = yield replace(next(asked), full_batch=self.full_batch)
        return harness.fitted_policy(model)


def differences(method, log, harness):
    """Feature differences of the pairs a method trains on, chosen minus rejected."""
    request = next(method.fit(log, harness))
    chosen, rejected = (request.fields[name] for name in ("chosen", "rejected"))
    find = harness.backbone.find_features
    return find(chosen.prompts, chosen.texts) - find(rejected.prompts, rejected.texts)


def test_dpo_is_logistic_regression_on_feature_differences(harness):
    # With pi log-linear, beta (gain - gain') = beta theta . (phi - phi'), so DPO is a logistic regression
    # without an intercept, fitted here by another optimiser and without any policy.
    beta, log = 2.0, make_log(3000, 1)
    method = FullPairs(beta=beta)
    moved = differences(method, log, harness)

    def loss(theta):
        margin = beta * moved @ theta
        return np.logaddexp(0, -margin).mean(), -beta * moved.T @ (1 / (1 + np.exp(margin))) / len(margin)

    optimum = minimize(loss, np.zeros(moved.shape[1]), jac=True, method="L-BFGS-B", options={"gtol": 1e-9})
    fitted = drive(method, [(log, harness)])[0]
    reached = loss(fitted.model.weights[0].numpy())[0]
    assert reached == pytest.approx(loss(optimum.x)[0], abs=1e-6)
    # What a method gets by default, in few steps, is close to it: measured correlation .995 and above.
    quick = drive(PairMethod(beta=beta), [(log, harness)])[0]
    found = np.corrcoef(moved @ quick.model.weights[0].numpy(), moved @ optimum.x)[0, 1]
    assert found > 0.98


def test_dpo_finds_what_moves_the_outcome(harness):
    # The log's outcome is attribute 0 minus half of attribute 1 (``make_log``), at randomised texts.
    fitted = drive(PairMethod(beta=1.0), [(make_log(4000, 2), harness)])[0]
    corpus = make_corpus(3000, seed=9)
    gains = fitted.reward(corpus.prompts, corpus.texts)
    design = np.column_stack(
        [corpus.attributes - 0.5, corpus.prompts[:, None] == np.unique(corpus.prompts)[None]]
    )
    effects = np.linalg.lstsq(design.astype(float), gains, rcond=None)[0][:6]
    assert effects[1] / effects[0] == pytest.approx(-0.5, abs=0.1)
    assert np.abs(effects[2:] / effects[0]).max() < 0.1


# -- many at once -------------------------------------------------------------
def test_stacked_fits_equal_single_ones(harness):
    tasks = [(make_log(300, seed), replace(harness, path=("stack", str(seed)))) for seed in range(5)]
    together = drive(PairMethod(), tasks, stack=5)
    alone = [drive(PairMethod(), [task])[0] for task in tasks]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.model.weights, other.model.weights, rtol=1e-9, atol=1e-10)
    assert np.abs(alone[0].model.weights - alone[1].model.weights).max() > 0.1


def test_encoders_that_say_the_same_train_the_same(backbone):
    # The scale takes any invertible mixing of the encoder's columns away, up to a rotation.
    mix = np.linalg.qr(make_rng("mix").normal(size=(backbone.encoder.width,) * 2))[0]

    @dataclass(frozen=True, eq=False)
    class Mixed:
        hash: str = "mixed"

        def encode(self, prompts, texts):
            return backbone.encoder.encode(prompts, texts) @ mix

    log = make_log(400, 3)
    fits = [
        drive(FullPairs(beta=1.0), [(log, Harness(b, path=("mixed",)))])[0]
        for b in (backbone, LogLinearBackbone.fit(backbone.pools, Mixed()))
    ]
    first, second = (fit.reward(log.prompts, log.texts) for fit in fits)
    assert np.corrcoef(first, second)[0, 1] > 0.999


# -- tilting ------------------------------------------------------------------
def test_tilts_reach_their_divergence():
    rng = make_rng("tilting")
    law = np.log(rng.dirichlet(np.ones(40), 3))
    law[2, 30:] = -np.inf
    law[2] -= np.log(np.exp(law[2]).sum())
    rewards = rng.normal(0, 3, (3, 40))
    for target in (0.0, 0.25, 1.0, 2.0):
        log_pi = tilt_to_divergence(law, rewards, target)
        np.testing.assert_allclose(np.exp(log_pi).sum(axis=1), 1.0)
        assert divergence(log_pi, law).mean() == pytest.approx(target, abs=1e-8)
    greedy = np.exp(tilt_to_divergence(law, rewards, 100.0))
    best = np.where(np.isfinite(law), rewards, -np.inf).argmax(axis=1)
    np.testing.assert_allclose(greedy[np.arange(3), best], 1.0)
    np.testing.assert_array_equal(tilt_to_divergence(law, np.ones((3, 40)), 1.0), law)
