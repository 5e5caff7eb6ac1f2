"""CPO as coded differs from CPO as written where its docstring says, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import methods
from benchmark.contract import Sample, Score, Train, make_rng
from methods.adjust.partial import Raw
from methods.catalogue.causal_preference_code import ReleasedValue
from methods.checks.harness import tiny_harness
from methods.checks.toy import draw_toy
from methods.objectives.policy_value import CPO, SNIPS

ROWS = 8


def draw_batch():
    rng = make_rng("released")
    ratio, outcome, start = (torch.as_tensor(rng.standard_normal((1, ROWS))) for _ in range(3))
    value = (start + ratio).requires_grad_()
    return value, {"outcome": outcome, "start": start, "log_propensity": start}


def loss_and_gradient(loss, value, batch):
    """Summed over minibatches of four."""
    total = sum(
        loss({"text": SimpleNamespace(value=value[:, rows])}, {n: c[:, rows] for n, c in batch.items()}).sum()
        for rows in (slice(0, 4), slice(4, 8))
    )
    return total.detach(), torch.autograd.grad(total, value)[0]


def test_coded_weights_are_those_of_cpo_self_normalised_over_four_rows():
    """``sum_i w_i y_i / sum_i w_i`` of four rows; SNIPS's loss of a row is four times its share of that."""
    value, batch = draw_batch()
    coded, normalised = (loss_and_gradient(loss, value, batch) for loss in (ReleasedValue(), SNIPS()))
    for ours, theirs in zip(coded, normalised, strict=True):
        torch.testing.assert_close(ours, theirs / 4)
    # One batch of eight rows is two minibatches.
    whole = ReleasedValue()({"text": SimpleNamespace(value=value)}, batch).sum()
    torch.testing.assert_close(whole.detach(), coded[0])


@pytest.mark.parametrize(("loss", "moves"), [(ReleasedValue(), False), (CPO(), True)])
def test_the_outcomes_level_matters_on_paper_alone(loss, moves):
    value, batch = draw_batch()
    _, before = loss_and_gradient(loss, value, batch)
    _, after = loss_and_gradient(loss, value, {**batch, "outcome": batch["outcome"] + 10.0})
    assert (float((before - after).abs().max()) > 1e-3) == moves


def test_the_code_s_default_multiplies_by_the_start_s_own_softmax():
    value, batch = draw_batch()
    coded = ReleasedValue(uniform=True)({"text": SimpleNamespace(value=value)}, batch)
    plain = ReleasedValue()({"text": SimpleNamespace(value=value)}, batch)
    share = torch.cat([part.softmax(-1) for part in batch["start"].split(4, -1)], -1)
    torch.testing.assert_close(coded, plain * share)


def test_stabilised_losses_start_without_a_gradient_where_the_outcome_is_negative():
    """At the start every ratio is 1/4, below the cut of .8."""
    _, batch = draw_batch()
    value = batch["start"].clone().requires_grad_()
    loss = ReleasedValue(stabilise=0.2)({"text": SimpleNamespace(value=value)}, batch)
    bad = batch["outcome"][0] < 0
    assert 0 < bad.sum() < ROWS
    torch.testing.assert_close(loss[0, bad].detach(), -0.8 * batch["outcome"][0, bad])
    torch.testing.assert_close(loss[0, ~bad].detach(), -0.25 * batch["outcome"][0, ~bad])
    assert torch.autograd.grad(loss[0, bad].sum(), value)[0].abs().max() == 0


# -- what training is given ---------------------------------------------------
@dataclass(frozen=True)
class Bumped:
    """The log at face value, but for one row."""

    row: int
    by: float

    def __call__(self, log, harness):
        scored = Raw()(log, harness)
        value = scored.value.copy()
        value[self.row] += self.by
        return replace(scored, value=value)


def request_training(method, log):
    """The last training a method asks for, its other requests answered at once."""
    asked, answer = method.fit(log, tiny_harness()), None
    while True:
        request = asked.send(answer)
        if isinstance(request, Train):
            if "outcome" in request.values:
                return request
            answer = request.model
        elif isinstance(request, Score):
            answer = np.full(len(request.texts), -3.0)
        else:
            assert isinstance(request, Sample)
            answer = np.resize(log.texts, (len(request.prompts), request.n))


def test_the_paper_s_outcome_model_has_not_seen_the_row_it_predicts_and_the_code_s_has():
    log, row = draw_toy(200, 3).log(), 17

    def predicted(method, by):
        value = Raw()(log, tiny_harness()).value.copy()
        value[row] += by
        values = request_training(method(by), log).values
        return values["prediction"] * value.std() + value.mean()

    def paper(by):
        return replace(methods.load("dr-cpo"), outcome_model=Bumped(row, by))

    def once(by):
        return replace(paper(by), folds=1)

    assert predicted(paper, 50.0)[row] == pytest.approx(predicted(paper, 0.0)[row], abs=1e-9)
    assert abs(predicted(once, 50.0)[row] - predicted(once, 0.0)[row]) > 0.1
    assert predicted(lambda by: methods.load("dr-cpo-released"), 0.0) == pytest.approx(predicted(once, 0.0))


def test_generated_texts_are_compared_with_f0_on_paper_and_with_the_tuned_policy_in_code():
    log = draw_toy(120, 4).log()
    paper, code = (request_training(methods.load(name), log) for name in ("oo-rlhf", "oo-rlhf-released"))
    assert "generated_start" not in paper.values  # its loss reads the reference itself
    assert (code.values["generated_start"] == -3.0).all()
