"""Precision is chosen in words, changes no more than its bits say, and never goes unrecorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from harness_corpus import PairLoss, make_corpus, make_log
from torch.utils._python_dispatch import TorchDispatchMode

import benchmark
from benchmark.contract import Budget, Tags, Texts, Train, UsageError
from benchmark.harness import Harness, check_precision, drive, set_arithmetic
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.harness.training.trainer import make_job, train

BUDGET = Budget(steps=12, batch_size=16)


@pytest.fixture(scope="module")
def backbone():
    corpus = make_corpus(3000)
    return pretrain(corpus.prompts, corpus.texts, corpus.vocabulary, steps=60, batch_size=64)


@dataclass(frozen=True)
class PreferenceMethod:
    name: str = "preference"
    tags: Tags = Tags()  # noqa: RUF009

    def fit(self, log, harness):
        model = yield request(log, harness)
        return harness.fitted_policy(model)


def request(log, harness, steps=None):
    order = np.argsort(-log.outcomes)
    half = len(log) // 2
    sides = {"chosen": order[:half], "rejected": order[half : 2 * half]}
    fields = {name: Texts(log.prompts[rows], log.texts[rows]) for name, rows in sides.items()}
    return Train(harness.policy(), fields, {}, PairLoss(), steps=steps)


# -- bfloat16 ----------------------------------------------------------------------
def test_bfloat16_scores_are_close_and_not_equal(backbone):
    corpus = make_corpus(200, 5)
    exact = Harness(backbone, BUDGET).reference(corpus.prompts, corpus.texts)
    rounded = Harness(backbone, BUDGET, precision="bfloat16").reference(corpus.prompts, corpus.texts)
    # Eight bits are 0.4 % of each factor. Logits are sums of 64 products around 1, off by about
    # sqrt(64) x 0.4 % = 0.03 a token, independently over the words of a text: far below 1 nat in all.
    assert 0 < abs(exact - rounded).max() < 0.5
    assert np.corrcoef(exact, rounded)[0, 1] > 0.999


def test_bfloat16_fits_agree_with_float32(backbone):
    log, corpus = make_log(200, 0), make_corpus(300, 6)
    rewards = []
    for precision in ("float32", "bfloat16"):
        (fitted,) = drive(PreferenceMethod(), [(log, Harness(backbone, BUDGET, precision=precision))])
        assert fitted.model.weights.dtype == torch.float32
        rewards.append(fitted.reward(corpus.prompts, corpus.texts))
    exact, rounded = rewards
    assert not np.array_equal(exact, rounded)
    # The stated tolerance of a fit: a tenth of the standard deviation of its rewards.
    assert np.sqrt(((exact - rounded) ** 2).mean()) < 0.1 * exact.std()


def test_bfloat16_samples_are_sentences_of_the_same_policy(backbone):
    prompts = np.unique(make_corpus(100, 1).prompts.astype(str)).astype(object)
    exact, rounded = (
        harness.sample(harness.policy(), prompts, 16)
        for harness in (Harness(backbone, BUDGET), Harness(backbone, BUDGET, precision="bfloat16"))
    )
    # The same uniform numbers pick the same word unless they fall between two rounded sums.
    words = [
        (a == b)
        for first, second in zip(exact.ravel(), rounded.ravel(), strict=True)
        for a, b in zip(first.split()[:3], second.split()[:3], strict=False)
    ]
    assert np.mean(words) > 0.9


# -- names -------------------------------------------------------------------------
@pytest.mark.parametrize("precision", ["float16", "highest", ""])
def test_an_unknown_precision_is_a_usage_error(precision):
    with pytest.raises(UsageError, match="precision"):
        check_precision(precision, "cpu")
    with pytest.raises(UsageError, match="precision"):
        set_arithmetic(precision=precision)


def test_tf32_needs_a_cuda_device():
    with pytest.raises(UsageError, match="CUDA"):
        check_precision("tf32", "cpu", "tiny")
    assert check_precision("tf32", "cuda:0", "tiny") == "tf32"


def test_bfloat16_is_for_the_tiny_decoder():
    assert check_precision("bfloat16", "cpu", "tiny", "tiny[encoder=minilm]") == "bfloat16"
    with pytest.raises(UsageError, match="tiny decoder"):
        check_precision("bfloat16", "cpu", "tiny", "smollm2-135m")


def test_results_of_another_precision_have_other_keys():
    plans = [
        benchmark.plan("core-tiny", methods=["naive"], seeds=1, device="cpu", precision=name).plan
        for name in ("float32", "bfloat16")
    ]
    first, second = ({group.key for group in plan.groups} for plan in plans)
    assert len(first) == len(second)
    assert not first & second


# -- waiting -----------------------------------------------------------------------
class Waits(TorchDispatchMode):
    """Counts operations for which an accelerator would have to finish first."""

    names = frozenset({"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "_unique2"})

    def __init__(self):
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        if name in self.names:
            self.seen.append(name)
        return function(*args, **(kwargs or {}))


def count_waits(backbone, monkeypatch, steps):
    logs = [make_log(100, seed) for seed in range(2)]
    harnesses = [Harness(backbone, BUDGET, path=(str(k),)) for k in range(2)]
    jobs = []
    for log, harness in zip(logs, harnesses, strict=True):
        harness.reference(log.prompts, log.texts)  # kept, whatever rows are read later
        jobs.append(make_job(request(log, harness, steps), harness, "part"))
    waits, step = Waits(), torch.optim.Adam.step

    def unwatched(self, *args):
        # Adam reads its own count of steps, which lives on the processor.
        before = len(waits.seen)
        step(self, *args)
        del waits.seen[before:]

    def count(name):
        found = getattr(torch.Tensor, name)

        def noted(self, *args, **kwargs):
            waits.seen.append(name)
            return found(self, *args, **kwargs)

        monkeypatch.setattr(torch.Tensor, name, noted)

    monkeypatch.setattr(torch.optim.Adam, "step", unwatched)
    for name in ("tolist", "cpu", "numpy"):
        count(name)
    with waits:
        train(jobs)
    monkeypatch.undo()
    return waits.seen


def test_a_step_of_a_stack_never_waits_for_the_device(backbone, monkeypatch):
    """What looks at results does so before the first step or after the last: equally often for any number."""
    few, many = (count_waits(backbone, monkeypatch, steps) for steps in (2, 9))
    assert few, "nothing was seen at all"
    assert sorted(few) == sorted(many)
