"""Work that is shared or stacked gives the answers that it gives alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from harness_corpus import make_corpus, make_log

from benchmark.contract import Budget, Sample, Score, Tags, Texts, Train
from benchmark.harness import Cache, Harness, answer_queries, drive
from benchmark.harness.decoder.operations import (
    attend,
    gate,
    log_probability,
    normalise,
    normalised_linear,
    pick_rows,
    split_heads,
    turns,
)
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.harness.decoder.product import multiply
from benchmark.harness.training.together import Question, answer_together

TAGS = Tags()
BUDGET = Budget(steps=6, batch_size=8)


@pytest.fixture(scope="module")
def backbone():
    corpus = make_corpus(3000)
    return pretrain(corpus.prompts, corpus.texts, corpus.vocabulary, steps=40, batch_size=64)


def draw_texts(n, seed):
    corpus = make_corpus(n, seed)
    return corpus.prompts, corpus.texts


# -- kernels ---------------------------------------------------------------------
def test_products_and_their_gradients_are_those_of_plain_matrices():
    rng = torch.Generator().manual_seed(0)
    x, weight, upstream = (torch.randn(*s, generator=rng) for s in ((300, 64), (64, 96), (300, 96)))
    x.requires_grad_()
    weight.requires_grad_()
    exact = [x.detach().double().requires_grad_(), weight.detach().double().requires_grad_()]
    ours = torch.autograd.grad(multiply(x, weight), (x, weight), upstream)
    theirs = torch.autograd.grad(exact[0] @ exact[1], exact, upstream.double())
    for mine, other in zip((multiply(x, weight), *ours), (exact[0] @ exact[1], *theirs), strict=True):
        # Sums of at most 300 products of unit normals, each rounded to 2^-24 of at most about 60.
        torch.testing.assert_close(mine.double(), other, rtol=0, atol=300 * 60 * 2.0**-24)


def test_products_do_not_depend_on_the_rows_beside_them():
    rng = torch.Generator().manual_seed(1)
    x, weight = torch.randn(257, 64, generator=rng), torch.randn(64, 192, generator=rng)
    whole = multiply(x, weight)
    assert torch.equal(whole, multiply(x.clone(), weight.t().contiguous().t()))
    torch.testing.assert_close(whole[100:131], multiply(x[100:131], weight), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("members", [1, 3])
def test_gradients_written_by_hand(members):
    rng = torch.Generator().manual_seed(2)

    def random(*shape):
        return torch.randn(*shape, generator=rng, dtype=torch.float64).requires_grad_()

    assert torch.autograd.gradcheck(normalise, (random(members, 5, 8),))
    assert torch.autograd.gradcheck(
        normalised_linear, (random(members, 5, 8), random(members, 8), random(members, 8, 3))
    )
    assert torch.autograd.gradcheck(gate, (random(members, 5, 8),))
    joint = random(2 * members, 5, 3, 2, 4)
    assert torch.autograd.gradcheck(lambda x: attend(x, x.dtype), (joint,))
    targets = torch.randint(0, 7, (5,), generator=rng)
    assert torch.autograd.gradcheck(lambda x: log_probability(x, targets), (random(5, 7),))
    rows = torch.tensor([4, 0, 3])
    assert torch.autograd.gradcheck(lambda x: pick_rows(x, rows), (random(5, 7),))


def test_attention_is_the_usual_one():
    rng = torch.Generator().manual_seed(4)
    joint = torch.randn(3, 7, 3, 2, 4, generator=rng, dtype=torch.float64)
    query, key, value = split_heads(joint, turns(7, 4, joint.device)[:, None, None], joint.dtype)
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    torch.testing.assert_close(attend(joint, joint.dtype), mixed.transpose(1, 2).flatten(2))


def test_the_norm_and_the_gate_are_the_usual_ones():
    rng = torch.Generator().manual_seed(3)
    x, gain = torch.randn(2, 5, 8, generator=rng), torch.randn(2, 8, generator=rng)
    identity = torch.eye(8).expand(2, 8, 8)
    usual = F.rms_norm(x, (8,), None, 1e-5) * gain[:, None]
    torch.testing.assert_close(normalised_linear(x, gain, identity), usual)
    first, second = x.chunk(2, dim=-1)
    torch.testing.assert_close(gate(x), F.silu(first) * second)


# -- kept work -------------------------------------------------------------------
@dataclass(frozen=True)
class Likelihood:
    scale: float = 1.0

    def __call__(self, scores, batch):
        return -self.scale * scores["text"].value * batch["weight"]


@dataclass(frozen=True)
class Tuned:
    """Maximum likelihood on the log, then a sample and the log's own scores."""

    scale: float = 1.0
    loss: object = None
    name: str = "tuned"
    tags: Tags = TAGS

    def fit(self, log, harness):
        fields, values = {"text": Texts(log.prompts, log.texts)}, {"weight": np.ones(len(log))}
        model = yield Train(harness.policy(), fields, values, self.loss or Likelihood(self.scale))
        scores = yield Score(model, log.prompts, log.texts)
        texts = yield Sample(model, np.unique(log.prompts.astype(str)).astype(object), 4)
        fitted = harness.fitted_policy(model, {"scores": float(scores.sum())})
        fitted.diagnostics["written"] = float(sum(len(text) for text in texts.ravel()))
        return fitted


def weights_of(fitted):
    return fitted.model.weights


def test_equal_trainings_are_done_once_and_unequal_ones_are_not(backbone):
    log, cache = make_log(60, 0), Cache()
    (first,) = drive(Tuned(), [(log, Harness(backbone, BUDGET, cache=cache))])
    again = Harness(backbone, BUDGET, cache=cache)
    (second,) = drive(Tuned(), [(log, again)])
    (alone,) = drive(Tuned(), [(log, Harness(backbone, BUDGET))])
    assert torch.equal(weights_of(first), weights_of(second))
    assert torch.equal(weights_of(alone), weights_of(second))
    assert first.diagnostics == second.diagnostics == alone.diagnostics
    # Tokens are what a fit reads, whoever did the work; seconds of reused work are told apart.
    assert again.meter.tokens == alone.harness.meter.tokens
    assert again.meter.reused > 0
    assert alone.harness.meter.reused == 0
    others = [
        drive(Tuned(-1.0), [(log, Harness(backbone, BUDGET, cache=cache))])[0],
        drive(Tuned(), [(make_log(60, 9), Harness(backbone, BUDGET, cache=cache))])[0],
        drive(Tuned(), [(log, Harness(backbone, BUDGET, path=("other",), cache=cache))])[0],
    ]
    for other in others:
        assert not torch.equal(weights_of(first), weights_of(other))


def test_a_loss_that_may_change_is_never_kept(backbone):
    log, cache = make_log(60, 0), Cache()
    scale = [1.0]

    def loss(scores, batch):
        return -scale[0] * scores["text"].value

    (first,) = drive(Tuned(loss=loss), [(log, Harness(backbone, BUDGET, cache=cache))])
    scale[0] = -1.0
    (second,) = drive(Tuned(loss=loss), [(log, Harness(backbone, BUDGET, cache=cache))])
    assert not torch.equal(weights_of(first), weights_of(second))


# -- stacked answers ----------------------------------------------------------------
def tuned_models(backbone, count):
    tasks = [(make_log(60, k), Harness(backbone, BUDGET, path=(str(k),))) for k in range(count)]
    return drive(Tuned(20.0), tasks, stack=1)


def test_stacked_scores_and_samples_are_those_of_each_alone(backbone):
    fits = tuned_models(backbone, 3)
    asked = [draw_texts(n, n) for n in (40, 7, 23)]
    alone = [fit.harness.score(fit.model, *texts) for fit, texts in zip(fits, asked, strict=True)]
    prompts = np.unique(asked[0][0].astype(str)).astype(object)
    written = [fit.harness.sample(fit.model, prompts, 30) for fit in fits]
    stacked = [Harness(backbone, BUDGET, path=fit.harness.path) for fit in fits]
    questions = [
        Question(harness, fit.model, *texts) for harness, fit, texts in zip(stacked, fits, asked, strict=True)
    ]
    questions += [
        Question(harness, fit.model, prompts, n=30) for harness, fit in zip(stacked, fits, strict=True)
    ]
    answer_together(questions, stack=3)
    for harness, fit, texts, expected, samples in zip(stacked, fits, asked, alone, written, strict=True):
        before = len(harness.cache._arrays)
        # About 25 nats summed from float32 terms of size 1: 1e-4 is some tens of roundings.
        np.testing.assert_allclose(harness.score(fit.model, *texts), expected, atol=1e-4)
        again = harness.sample(fit.model, prompts, 30)
        # A number may fall between two roundings of the same cumulative probability.
        assert (again == samples).mean() > 0.98
        assert len(harness.cache._arrays) == before == 2


def test_driving_in_stacks_answers_what_driving_alone_answers(backbone):
    def tasks():
        return [(make_log(60, k), Harness(backbone, BUDGET, path=(str(k),))) for k in range(3)]

    alone = drive(Tuned(), tasks(), stack=1)
    together = drive(Tuned(), tasks(), stack=3)
    for one, other in zip(alone, together, strict=True):
        assert one.diagnostics["scores"] == pytest.approx(other.diagnostics["scores"], rel=1e-3)


def test_queries_are_answered_ahead_through_wrappers(backbone):
    @dataclass(frozen=True, eq=False)
    class Relative:
        policy: object
        start: object

    @dataclass(frozen=True, eq=False)
    class Asked:
        prompts: np.ndarray
        texts: np.ndarray
        generate: np.ndarray
        n_samples: int

    fits = tuned_models(backbone, 2)
    prompts, texts = draw_texts(30, 5)
    queries = Asked(prompts, texts, np.unique(prompts.astype(str)).astype(object), 5)
    fresh = [Harness(backbone, BUDGET, path=fit.harness.path).fitted_policy(fit.model) for fit in fits]
    answer_queries([Relative(fresh[0], fresh[1]), fresh[1]], [queries] * 2, stack=4)
    for fit, other in zip(fresh, fits, strict=True):
        held = len(fit.harness.cache._arrays)
        np.testing.assert_allclose(
            fit.harness.score(fit.model, prompts, texts),
            other.harness.score(other.model, prompts, texts),
            atol=1e-4,
        )
        fit.sample(queries.generate, 5)
        assert len(fit.harness.cache._arrays) == held
