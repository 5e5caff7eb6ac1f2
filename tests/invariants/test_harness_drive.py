"""Driving: alone, together or stacked, a fit gives the same answer, and a fault stays its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from harness_corpus import PairMethod, make_corpus, make_log

from benchmark.contract import (
    Ask,
    Budget,
    ContractError,
    Encode,
    Incompatible,
    Queries,
    RewardFunction,
    Sample,
    Score,
    Tags,
    Texts,
    Train,
)
from benchmark.harness import Cache, Failure, Harness, drive, predict, reverse_gradient
from benchmark.harness.decoder.pretrain import pretrain

TAGS = Tags()
BUDGET = Budget(steps=12, batch_size=16, samples=64)


@pytest.fixture(scope="module")
def backbone():
    corpus = make_corpus(3000)
    return pretrain(corpus.prompts, corpus.texts, corpus.vocabulary, steps=40, batch_size=64)


@pytest.fixture(scope="module")
def tasks(backbone):
    """Three logs of unequal length, each with its own streams."""
    return [
        (make_log(200 + 40 * k, seed=20 + k), Harness(backbone, BUDGET, ("test", str(k)))) for k in range(3)
    ]


@pytest.fixture(scope="module")
def probe():
    corpus = make_corpus(60, seed=7)
    return corpus.prompts, corpus.texts


@dataclass(frozen=True)
class Scripted:
    """A method whose fit is a given generator function."""

    script: object
    name: str = "scripted"
    tags: Tags = TAGS

    def fit(self, log, harness):
        return self.script(log, harness)


def run(script, task, **options):
    return drive(Scripted(script), [task], **options)[0]


@pytest.mark.parametrize("model", ["policy", "head"])
def test_solo_driven_and_stacked_agree(tasks, probe, model):
    method = PairMethod(model)
    solo = [drive(method, [task])[0].reward(*probe) for task in tasks]
    driven = [fitted.reward(*probe) for fitted in drive(method, tasks, stack=1)]
    stacked = [fitted.reward(*probe) for fitted in drive(method, tasks, stack=8)]
    for a, b, c in zip(solo, driven, stacked, strict=True):
        assert (a == b).all()
        # Stacked products round differently; Adam carries this over the steps.
        np.testing.assert_allclose(a, c, atol=5e-3 * a.std())
    assert np.abs(solo[0] - solo[1]).max() > 0.1 * solo[0].std()


def test_training_learns_what_the_log_says(backbone):
    fitted = drive(PairMethod(), [(make_log(2000, 3), Harness(backbone, Budget(steps=60), ("learn",)))])[0]
    corpus = make_corpus(400, seed=8)
    rewards, good = fitted.reward(corpus.prompts, corpus.texts), corpus.attributes[:, 0] == 1
    assert rewards[good].mean() - rewards[~good].mean() > rewards.std()


@dataclass(frozen=True)
class Named:
    """Squares the value; unequal names must not be stacked, though the arithmetic is the same."""

    scale: float

    def __call__(self, scores, batch):
        return self.scale * (scores["text"].value - batch["y"]) ** 2


def regress(loss):
    def script(log, harness):
        fields = {"text": Texts(log.prompts, log.texts)}
        model = yield Train(harness.reward_head(), fields, {"y": log.outcomes}, loss)
        return harness.fitted_head(model)

    return script


@pytest.mark.parametrize("hidden", [0, 32])
def test_heads_find_what_ridge_regression_finds(backbone, hidden):
    """With the default budget a head explains fresh outcomes about as well as a ridge regression does."""
    from sklearn.linear_model import Ridge

    log, new = make_log(2000, 40), make_log(1000, 41)
    harness = Harness(backbone, path=("ridge",))

    def script(log, harness):
        fields = {"text": Texts(log.prompts, log.texts)}
        model = yield Train(harness.reward_head(hidden), fields, {"y": log.outcomes}, SQUARE)
        return harness.fitted_head(model)

    ridge = Ridge(alpha=3.0).fit(harness.encode(log.prompts, log.texts), log.outcomes)
    errors = [
        np.mean((new.outcomes - found) ** 2)
        for found in (
            run(script, (log, harness)).reward(new.prompts, new.texts),
            ridge.predict(harness.encode(new.prompts, new.texts)),
        )
    ]
    assert errors[0] < 1.1 * errors[1]


def test_losses_with_unequal_settings_are_not_mixed(tasks, probe):
    @dataclass(frozen=True)
    class Mixed:
        name: str = "mixed"
        tags: Tags = TAGS

        def fit(self, log, harness):
            # The loss depends on the log, so that two tasks of one drive differ in it.
            return regress(Named(1.0 if len(log) == 200 else 0.0))(log, harness)

    fitted = drive(Mixed(), tasks[:2], stack=8)
    assert np.abs(fitted[0].reward(*probe)).max() > 0.01
    assert (fitted[1].reward(*probe) == 0).all()


def test_a_list_of_requests_is_answered_in_order(tasks):
    log, harness = tasks[0]

    def script(log, harness):
        policy = harness.policy()
        answers = yield [
            Score(policy, log.prompts, log.texts),
            Encode(log.prompts[:5], log.texts[:5]),
            Sample(policy, log.prompts[:2], 3),
        ]
        assert [np.shape(a) for a in answers] == [(len(log),), (5, harness.backbone.encoder.width), (2, 3)]
        single = yield Score(policy, log.prompts[:4], log.texts[:4])
        assert (single == answers[0][:4]).all()
        return RewardFunction(lambda p, t: np.zeros(len(t)))

    result = run(script, (log, harness))
    assert not isinstance(result, Failure), result.traceback


def overrun_trainings(log, harness):
    for _ in range(harness.budget.trainings + 1):
        yield from regress(Named(1.0))(log, harness)


def overrun_samples(log, harness):
    yield Sample(harness.policy(), log.prompts[:1], 65)


def overrun_rows(log, harness):
    fields = {"text": Texts(log.prompts, log.texts)}
    yield Train(harness.policy(), fields, {}, lambda s, b: -s["text"].value, steps=13)


def overrun_full_batch(log, harness):
    fields = {"text": Texts(log.prompts, log.texts)}
    yield Train(harness.policy(), fields, {}, lambda s, b: -s["text"].value, full_batch=True)


def ask_without_oracle(log, harness):
    yield Ask(log.prompts[:1], log.texts[:1])


def nan_column(log, harness):
    fields = {"text": Texts(log.prompts, log.texts)}
    yield Train(harness.reward_head(), fields, {"y": np.full(len(log), np.nan)}, Named(1.0))


def nan_loss(log, harness):
    fields = {"text": Texts(log.prompts, log.texts)}
    yield Train(harness.reward_head(), fields, {}, lambda s, b: (s["text"].value - 1).log())


def wrong_shape(log, harness):
    fields = {"text": Texts(log.prompts, log.texts)}
    yield Train(harness.reward_head(), fields, {}, lambda s, b: s["text"].value.mean())


def unknown_column(log, harness):
    fields = {"text": Texts(log.prompts, log.texts)}
    yield Train(harness.reward_head(), fields, {"weight": log.outcomes}, lambda s, b: b["wieght"])


def no_fitted(log, harness):
    yield Encode(log.prompts[:1], log.texts[:1])
    return 3


def no_request(log, harness):
    yield "train, please"


INVALID = [
    (overrun_trainings, "budget of trainings"),
    (overrun_samples, "budget of samples"),
    (overrun_rows, "more rows than its budget"),
    (overrun_full_batch, "more rows than its budget"),
    (ask_without_oracle, "no oracle"),
    (nan_column, "cannot be trained on"),
    (nan_loss, "diverged"),
    (wrong_shape, "wrong shape"),
    (unknown_column, "wieght"),
    (no_fitted, "must return a Fitted"),
    (no_request, "not a request"),
]


@pytest.mark.parametrize(("script", "reason"), INVALID, ids=[script.__name__ for script, _ in INVALID])
def test_breaking_the_contract_is_invalid(tasks, script, reason):
    failure = run(script, tasks[0])
    assert isinstance(failure, Failure)
    assert failure.status == "invalid"
    assert reason in failure.reason


def raise_after_one_request(error):
    def script(log, harness):
        yield Encode(log.prompts[:1], log.texts[:1])
        raise error

    return script


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ZeroDivisionError("oops"), "failed"),
        (MemoryError(), "memory"),
        (Incompatible("too short"), "failed"),
        (ContractError("no"), "invalid"),
    ],
)
def test_an_exception_becomes_a_status(tasks, error, status):
    failure = run(raise_after_one_request(error), tasks[0])
    assert isinstance(failure, Failure)
    assert failure.status == status
    assert failure.declined == isinstance(error, Incompatible)
    if not failure.declined:
        assert "in script" in failure.traceback


def test_tags_refuse_before_fitting(tasks):
    method = replace(PairMethod(), tags=Tags(needs=frozenset({"propensity"})))
    failure = drive(method, tasks[:1])[0]
    assert isinstance(failure, Failure)
    assert failure.status == "incompatible"
    assert "propensity" in failure.reason


def test_one_fault_spares_the_others(tasks, probe):
    @dataclass(frozen=True)
    class Touchy:
        name: str = "touchy"
        tags: Tags = TAGS

        def fit(self, log, harness):
            def loss(scores, batch):
                return (scores["text"].value - batch["y"]) ** 2

            values = {"y": log.outcomes if len(log) != 240 else log.outcomes * np.float64(1e300)}
            yield Train(harness.reward_head(), {"text": Texts(log.prompts, log.texts)}, values, SQUARE)
            return RewardFunction(lambda p, t: np.ones(len(t)))

    results = drive(Touchy(), tasks, stack=8)
    assert [isinstance(result, Failure) for result in results] == [False, True, False]
    assert results[1].status == "invalid"


def SQUARE(scores, batch):
    return (scores["text"].value - batch["y"]) ** 2


def test_a_fit_may_catch_its_own_overrun(tasks):
    def script(log, harness):
        try:
            yield Sample(harness.policy(), log.prompts[:1], 65)
        except ContractError:
            texts = yield Sample(harness.policy(), log.prompts[:1], 64)
        assert texts.shape == (1, 64)
        return RewardFunction(lambda p, t: np.zeros(len(t)))

    result = run(script, tasks[0])
    assert not isinstance(result, Failure), result.traceback


def test_the_oracle_is_charged(tasks, backbone):
    log, _ = tasks[0]
    calls = []

    def oracle(prompts, texts, context):
        calls.append(len(texts))
        return np.ones(len(texts))

    def script(log, harness):
        outcomes = yield Ask(log.prompts[:6], log.texts[:6])
        assert outcomes.sum() == 6
        yield Ask(log.prompts[:5], log.texts[:5])

    harness = Harness(backbone, Budget(asks=10), ("ask",), oracle=oracle)
    failure = run(script, (log, harness))
    assert isinstance(failure, Failure)
    assert failure.status == "invalid"
    assert calls == [6]


def test_sampling_depends_on_neither_order_nor_company(backbone):
    harness = Harness(backbone, path=("sampling",))
    prompts = np.array(sorted(set(make_corpus(500).prompts)), dtype=object)
    whole = harness.sample(harness.policy(), prompts, 20)
    backwards = harness.sample(harness.policy(), prompts[::-1], 20)
    assert (whole == backwards[::-1]).all()
    for place in (0, 3):
        assert (harness.sample(harness.policy(), prompts[place : place + 1], 20)[0] == whole[place]).all()
    assert (harness.sample(harness.policy(), prompts, 5) == whole[:, :5]).all()
    repeated = harness.sample(harness.policy(), prompts[[0, 0]], 20)
    assert (repeated[0] == whole[0]).all()
    assert (repeated[0] != repeated[1]).any()
    other = Harness(backbone, path=("sampling", "other"))
    assert (other.sample(other.policy(), prompts, 20) != whole).any()


def test_samples_follow_the_policy(backbone):
    """Mean log-probability of samples is minus the entropy: compare with its estimate by reweighting."""
    harness = Harness(backbone, path=("law",))
    prompt = make_corpus(1).prompts
    texts = harness.sample(harness.policy(), prompt, 4000)[0]
    distinct = np.unique(texts.astype(str))
    # First words: their frequencies against the exact next-word law of the policy.
    firsts, seen = np.unique([text.split(" ")[0] for text in texts], return_counts=True)
    policy = harness.policy()
    inputs = policy.architecture.prepare(np.repeat(prompt, len(firsts)), firsts.astype(object))
    with torch.no_grad():
        tokens = policy.architecture.forward(policy.weights, {k: v[None] for k, v in inputs.items()}).tokens
    expected = tokens[0, :, 0].exp().double().numpy()
    assert expected.sum() > 0.99
    error = np.sqrt(expected * (1 - expected) / len(texts))
    assert (np.abs(seen / len(texts) - expected) < 5 * error + 1e-3).all()
    assert len(distinct) > 0.9 * len(texts)


def test_reference_scores_are_cached_by_content(backbone, probe):
    cache = Cache()
    first, second = (Harness(backbone, path=(name,), cache=cache) for name in "ab")
    values = first.reference(*probe)
    spent = second.meter.tokens
    assert (second.reference(probe[0][::-1], probe[1][::-1]) == values[::-1]).all()
    assert second.meter.tokens == spent
    assert first.meter.tokens > 0


def test_heads_have_several_outputs_and_an_adversary(tasks):
    log, harness = tasks[0]
    seen = {}

    def loss(scores, batch):
        score = scores["text"]
        seen["shapes"] = [tuple(x.shape[2:]) for x in (score.heads, score.representation, score.adversary)]
        seen["parameters"] = set(scores.parameters)
        fit = ((score.heads - batch["y"][..., None]) ** 2).sum(-1)
        return fit + (score.adversary[..., 0] - batch["y"]) ** 2

    def script(log, harness):
        start = harness.reward_head(hidden=8, outputs=2, adversary=3)
        model = yield Train(start, {"text": Texts(log.prompts, log.texts)}, {"y": log.outcomes}, loss)
        return harness.fitted_head(model)

    result = run(script, (log, harness))
    assert not isinstance(result, Failure), result.traceback
    assert seen["shapes"] == [(2,), (8,), (3,)]
    assert {"hidden", "heads", "adversary_in"} <= seen["parameters"]


def test_reversed_gradients_point_backwards():
    x = torch.tensor([2.0], requires_grad=True)
    (reverse_gradient(x, 0.5) * 3).sum().backward()
    assert x.grad.item() == -1.5
    assert reverse_gradient(x).item() == 2.0


def test_predictions_are_validated(tasks, probe):
    prompts, texts = probe
    queries = Queries(
        prompts, texts, np.zeros((0, 2), int), np.array([[0, 1, 2]]), np.zeros((1, 4), int), prompts[:1], 2
    )
    fitted = drive(PairMethod(steps=2), tasks[:1])[0]
    predictions = predict(fitted, queries)
    assert predictions.samples is not None
    assert predictions.samples.shape == (1, 2)
    assert predictions.intervals is None
    with pytest.raises(ContractError, match="finite"):
        predict(RewardFunction(lambda p, t: np.full(len(t), np.nan)), queries)


def test_meters_count_tokens_and_operations(backbone):
    harness = Harness(backbone, BUDGET, ("meter",))
    log = make_log(100, 1)
    drive(PairMethod(), [(log, harness)])
    meter = harness.meter
    words = np.mean([len(text.split()) for text in log.texts]) + 3 + 2
    # Two texts a pair are trained on and, once each, read by the reference; BEGIN and END count.
    assert meter.tokens == pytest.approx((2 * 12 * 16 + 200) * words, rel=0.15)
    assert meter.flops > 2 * backbone.weights.size * meter.tokens
