"""Every loss at a point where it can be worked out by hand; the derivation stands beside the number."""

from __future__ import annotations

from math import e, exp, log, sqrt
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmark.contract.errors import ContractError, UsageError
from benchmark.harness.training.model import Batch
from methods.objectives.adversarial import Adversarial, Multihead
from methods.objectives.exploration import SELM
from methods.objectives.pairwise import (
    DPO,
    IPO,
    ORPO,
    BradleyTerry,
    Hinge,
    RobustDPO,
    SimPO,
    SLiC,
    log_complement,
)  # fmt: skip
from methods.objectives.penalties import ODIN, Decorrelation, MaximumMeanDiscrepancy, correlation, overlap
from methods.objectives.policy_gradient import DRPO, ClippedPolicyGradient, Reinforce
from methods.objectives.policy_value import CPO, DRCPO, OORLHF, POEM, SNIPS, Divergence
from methods.objectives.references import MRPO
from methods.objectives.unpaired import BCO, KTO, SFT, OutcomeRegression

LN3 = log(3.0)
# s(ln 3) = 3/4, so that a margin of ln 3 costs ln(4/3) if the label is right and ln 4 if it is wrong.
RIGHT, WRONG = log(4 / 3), log(4.0)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64).reshape(1, -1)


def seen(value, reference=None, length=None, **more):
    """What a loss may read of a text field, and nothing else."""
    length = torch.ones_like(value) if length is None else length
    return SimpleNamespace(value=value, reference=reference, length=length, **more)


def field(value, reference=None, length=1.0):
    value = tensor(value)
    return seen(value, None if reference is None else tensor(reference), torch.full_like(value, length))


class Fields(dict):
    """Scores of text fields; ``parameters`` are the model's."""

    parameters: dict = {}  # noqa: RUF012


scores_of = Fields


def batch_of(**columns):
    return Batch({name: tensor(values) for name, values in columns.items()})


# d = (-2 + 2 + ln 3) - (-4 + 4) = ln 3.
PAIR = scores_of(chosen=field([-2.0], [-2.0 - LN3], 2.0), rejected=field([-4.0], [-4.0], 4.0))
HEADS = scores_of(chosen=field([2.0]), rejected=field([2.0 - LN3]))
HALVES = scores_of(chosen=field([2 * log(0.5)], length=2.0), rejected=field([2 * log(0.25)], length=2.0))

PAIR_CASES = {
    "DPO": (DPO(1.0), PAIR, {}, RIGHT),
    "DPO beta": (DPO(2.0), PAIR, {}, log(1 + 1 / 9)),  # e^(-2 ln 3) = 1/9
    "cDPO": (DPO(1.0, 0.1), PAIR, {}, 0.9 * RIGHT + 0.1 * WRONG),
    "tie": (DPO(1.0), PAIR, {"preference": [0.5]}, 0.5 * RIGHT + 0.5 * WRONG),
    # .8 right before the flips of cDPO: right with .8 * .9 + .2 * .1 = .74.
    "soft and smoothed": (DPO(1.0, 0.1), PAIR, {"preference": [0.8]}, 0.74 * RIGHT + 0.26 * WRONG),
    "margin": (DPO(1.0), PAIR, {"margin": [LN3]}, log(2.0)),  # margin ln 3 - ln 3 = 0
    "weight": (DPO(1.0), PAIR, {"weight": [2.5]}, 2.5 * RIGHT),
    "rDPO": (RobustDPO(1.0, 0.1), PAIR, {}, (0.9 * RIGHT - 0.1 * WRONG) / 0.8),
    "IPO sum": (IPO(0.5, per_token=False), PAIR, {}, (LN3 - 1) ** 2),  # target 1/(2 * .5) = 1
    "IPO": (IPO(0.5), PAIR, {}, (LN3 / 2 - 1) ** 2),  # ln 3 over 2 tokens, 0 over 4
    "hinge": (Hinge(0.5), PAIR, {}, 1 - LN3 / 2),
    "hinge met": (Hinge(1.0), PAIR, {}, 0.0),  # 1 - ln 3 < 0
    "SLiC": (SLiC(3.0, 0.1), PAIR, {}, 3 - (-2 + 4) + 0.1 * 2),
    "SimPO": (SimPO(2.0, 0.5), PAIR, {}, log(1 + exp(0.5))),  # -2/2 = -4/4, so the margin is -gamma
    # per-token 1/2 has odds 1, 1/4 has odds 1/3: log odds ratio ln 3; likelihood term ln 2.
    "ORPO": (ORPO(0.1), HALVES, {}, log(2.0) + 0.1 * RIGHT),
    "BradleyTerry": (BradleyTerry(), HEADS, {}, RIGHT),
    "BradleyTerry margin": (BradleyTerry(), HEADS, {"margin": [LN3]}, log(2.0)),
    "BradleyTerry centred": (BradleyTerry(0.01), HEADS, {}, RIGHT + 0.01 * (4 - LN3) ** 2),
}


@pytest.mark.parametrize("name", PAIR_CASES)
def test_pair_losses(name):
    loss, scores, columns, expected = PAIR_CASES[name]
    found = loss(scores, batch_of(**columns))
    assert found.shape == (1, 1)
    assert found.item() == pytest.approx(expected, abs=1e-12)


def test_confident_logistic_losses_neither_overflow_nor_vanish():
    # A margin of -800 costs 800; e^800 would overflow.
    scores = scores_of(chosen=field([-800.0], [0.0]), rejected=field([0.0], [0.0]))
    assert DPO(1.0)(scores, Batch()).item() == pytest.approx(800.0)


def test_complement_of_a_probability_is_accurate_at_both_ends():
    # log(1 - e^l) is log(-l) as l -> 0 and -e^l as l -> -inf.
    found = log_complement(torch.tensor([-1e-12, -50.0, log(0.25)], dtype=torch.float64))
    np.testing.assert_allclose(found, [log(1e-12), -exp(-50), log(0.75)], rtol=1e-10)


def test_likelihood():
    scores = scores_of(text=field([-6.0], length=3.0))
    assert SFT()(scores, Batch()).item() == 6.0
    assert SFT(per_token=True)(scores, batch_of(weight=[0.5])).item() == 1.0  # .5 * 6 / 3


@pytest.mark.parametrize(
    ("mismatched", "expected"),
    [
        # z = ln 3: 1 - s(ln 9 - ln 3) = 1/4 and 1 - s(ln 3 - 0) = 1/4, times 2 and 3.
        ([LN3, LN3], [2 / 4, 3 / 4]),
        # A negative mean is clamped, z = 0: 1 - s(ln 9) = 1/10 and 1 - s(0) = 1/2.
        ([-5.0, 1.0], [2 / 10, 3 / 2]),
    ],
)
def test_kto(mismatched, expected):
    scores = scores_of(text=field([log(9), 0.0], [0.0, 0.0]), mismatched=field(mismatched, [0.0, 0.0]))
    found = KTO(1.0, 2.0, 3.0)(scores, batch_of(desirable=[1.0, 0.0]))
    np.testing.assert_allclose(found[0], expected, atol=1e-12)


def test_bco():
    # delta = mean(ln 9, 0) = ln 3: both rows are ln 3 on their right side.
    scores = scores_of(text=field([log(9), 0.0], [0.0, 0.0]))
    found = BCO(1.0)(scores, batch_of(desirable=[1.0, 0.0]))
    np.testing.assert_allclose(found[0], [RIGHT, RIGHT], atol=1e-12)
    # Weights 1 and 3: delta = ln 9 / 4 = ln(3) / 2, margins 3/2 ln 3 and 1/2 ln 3.
    found = BCO(1.0)(scores, batch_of(desirable=[1.0, 0.0], weight=[1.0, 3.0]))
    np.testing.assert_allclose(found[0], [log(1 + 3**-1.5), 3 * log(1 + 3**-0.5)], atol=1e-12)


@pytest.mark.parametrize(
    ("noise", "outcome", "expected"),
    [
        ("squared", 0.5, 0.5 * (LN3 - 0.5) ** 2),
        ("huber", LN3 - 0.5, 0.125),  # inside the threshold: half the square of .5
        ("huber", LN3 + 3.0, 1.0 * (3.0 - 0.5)),  # outside: threshold * (gap - threshold / 2)
        ("bernoulli", 1.0, RIGHT),
        ("bernoulli", 0.0, WRONG),
        ("poisson", 2.0, 3.0 - 2.0 * LN3),
    ],
)
def test_outcome_regression(noise, outcome, expected):
    found = OutcomeRegression(noise)(scores_of(text=field([LN3])), batch_of(outcome=[outcome]))
    assert found.item() == pytest.approx(expected, abs=1e-12)


def test_unknown_noise_suggests_the_nearest():
    with pytest.raises(UsageError, match="poisson"):
        OutcomeRegression("poison")


# pi(text) = .6 and .1 against propensities .3 and .2: w = 2 and .5. The reference says .3 and .4.
LOGGED = scores_of(
    text=field(np.log([0.6, 0.1]), np.log([0.3, 0.4])),
    generated=field(np.log([0.4, 0.9]), np.log([0.2, 0.3])),
)
LOG_E = np.log([0.3, 0.2])
VALUE_CASES = {
    "CPO": (CPO(), {}, [-10.0, -0.5]),  # 2 * 5 and .5 * 1
    "CPO clipped": (CPO(clip=1.5), {}, [-7.5, -0.5]),
    "CPO shifted": (CPO(shift=1.0), {}, [-8.0, 0.0]),
    "SNIPS": (SNIPS(), {}, [-10 / 1.25, -0.5 / 1.25]),  # mean weight 1.25
    # u = -10, -.5: unbiased variance (9.5^2)/2, standard error 9.5/2 = 4.75.
    "POEM": (POEM(clip=None, strength=2.0), {}, [-10 + 9.5, -0.5 + 9.5]),
    "OORLHF": (OORLHF(), {}, [-2.0 * 4.0, -3.0 * 2.0]),  # ratios .4/.2 and .9/.3
    # -2 * (5 - 3) - 8 and -.5 * (1 - 2) - 6.
    "DRCPO": (DRCPO(), {}, [-12.0, -5.5]),
    "weights": (CPO(), {"weight": [3.0, 1.0]}, [-30.0, -0.5]),
    # q = 2 and 3: q ln q - q + 1.
    "Divergence": (Divergence(0.5), {}, [0.5 * (2 * log(2) - 1), 0.5 * (3 * LN3 - 2)]),
}


@pytest.mark.parametrize("name", VALUE_CASES)
def test_value_losses(name):
    loss, extra, expected = VALUE_CASES[name]
    columns = {"outcome": [5.0, 1.0], "log_propensity": LOG_E, "prediction": [3.0, 2.0]}
    found = loss(LOGGED, batch_of(**columns, generated_prediction=[4.0, 2.0], **extra))
    np.testing.assert_allclose(found[0], expected, atol=1e-9)


def test_importance_weights_fall_back_on_the_reference():
    # pi / pi_ref = .6/.3 and .1/.4.
    found = CPO()(LOGGED, batch_of(outcome=[5.0, 1.0]))
    np.testing.assert_allclose(found[0], [-10.0, -0.25])


def test_snips_ignores_a_constant_in_the_outcome_and_ips_does_not():
    columns = {"log_propensity": LOG_E}
    low, high = (batch_of(outcome=np.array([5.0, 1.0]) + c, **columns) for c in (0.0, 7.0))
    assert (SNIPS()(LOGGED, low) - SNIPS()(LOGGED, high)).mean().item() == pytest.approx(7.0)
    assert (CPO()(LOGGED, low) - CPO()(LOGGED, high)).mean().item() == pytest.approx(7.0 * 1.25)


def test_policy_gradients():
    scores = scores_of(text=field([-2.0, -1.0]))
    columns = batch_of(advantage=[3.0, -2.0])
    np.testing.assert_allclose(Reinforce()(scores, columns)[0], [6.0, -2.0])
    # Fresh samples: ratio 1.
    np.testing.assert_allclose(ClippedPolicyGradient()(scores, columns)[0], [-3.0, 2.0])
    # Ratios e and e: a gain is clipped at 1.2, a loss is not.
    old = batch_of(advantage=[3.0, -2.0], log_old=[-3.0, -2.0])
    np.testing.assert_allclose(ClippedPolicyGradient()(scores, old)[0], [-3.6, 2 * e])


def test_drpo():
    # ratio e^1 clipped to 2.5: -2.5 (1 - .6) (-1) = 1; fresh: -(.7 - .5)(-3) = .6;
    # KL: log ratio ln 3, gap -ln 3: 1/3 + ln 3 - 1.
    scores = scores_of(text=field([-1.0], [-2.0]), generated=field([-3.0], [-3.0 - LN3]))
    columns = batch_of(preferred=[1.0], prediction=[0.6], generated_prediction=[0.7])
    assert DRPO(beta=0.5)(scores, columns).item() == pytest.approx(1.6 + 0.5 * (LN3 - 2 / 3))


def test_selm():
    scores = scores_of(**PAIR, own=field([-1.0], [-3.0]))
    assert SELM(1.0, 0.1)(scores, Batch()).item() == pytest.approx(RIGHT + 0.1 * 2.0)


def test_mrpo_with_all_weight_on_one_reference_is_dpo_against_it():
    references = {"chosen_references": [-2.0 - LN3, -9.0], "rejected_references": [-4.0, -1.0]}
    for weights, expected in (
        ([1.0, 0.0], RIGHT),  # the primary reference of PAIR
        ([0.0, 1.0], log(1 + exp(-10.0))),  # margin (-2 + 9) - (-4 + 1) = 10
    ):
        columns = {k: torch.tensor(v, dtype=torch.float64).view(1, 1, 2) for k, v in references.items()}
        weights = torch.tensor(weights, dtype=torch.float64).view(1, 1, 2)
        found = MRPO(1.0)(PAIR, Batch(columns | {"reference_weights": weights}))
        assert found.item() == pytest.approx(expected, abs=1e-12)


# -- penalties and heads ------------------------------------------------------
def test_correlation_penalty():
    # Rewards (1, 2, 3, 4) against (1, 1, 2, 2): cov .5, variances 1.25 and .25.
    found = Decorrelation(strength=2.0)(
        scores_of(text=field([1.0, 2.0, 3.0, 4.0])), batch_of(spurious=[1.0, 1.0, 2.0, 2.0])
    )
    assert found.shape == (1,)
    assert found.item() == pytest.approx(2 * 0.5 / sqrt(1.25 * 0.25))


def test_correlation_with_a_constant_is_zero_and_has_a_finite_gradient():
    value = torch.ones(1, 4, dtype=torch.float64, requires_grad=True)
    found = correlation(value, torch.arange(4.0, dtype=torch.float64)[None])
    found.sum().backward()
    assert found.item() == 0.0
    assert torch.isfinite(value.grad).all()


def test_discrepancy():
    # Rewards 0, 0 in bin 0 and 2, 2 in bin 1. Squared distances: 8 zeros and 8 fours, mean 2, so the
    # kernel is 1 inside a bin and exp(-4 / (2 * 2)) across: MMD^2 = 1 + 1 - 2/e.
    scores = scores_of(text=field([0.0, 0.0, 2.0, 2.0]))
    found = MaximumMeanDiscrepancy(bins=3, strength=0.5)(scores, batch_of(spurious=[0.0, 0.0, 1.0, 1.0]))
    assert found.item() == pytest.approx(0.5 * (2 - 2 / e))
    # Bins with equal contents do not differ, and empty bins do not count.
    alike = MaximumMeanDiscrepancy(bins=3)(scores, batch_of(spurious=[0.0, 1.0, 0.0, 1.0]))
    assert alike.item() == pytest.approx(0.0, abs=1e-12)


def heads_field(heads, **extra):
    heads = torch.tensor(heads, dtype=torch.float64)[None]
    return seen(heads[..., 0], heads=heads, **extra)


def test_odin():
    # Four texts in all: rQ = (1, -1, 1, -1), rC = (1, 1, -1, -1), C = rC. Then corr(C, rC) = 1,
    # corr(C, rQ) = 0, corr(C, rQ + rC) = 2/(2 sqrt 2). Weight rows e1 and e2 of length 3, centred:
    # dot product -1/3, squared lengths 2/3, so |overlap| = 1/2. Margins: chosen sums (2, 0),
    # rejected sums (0, -2): both 2.
    scores = scores_of(
        chosen=heads_field([[1.0, 1.0], [-1.0, 1.0]]), rejected=heads_field([[1.0, -1.0], [-1.0, -1.0]])
    )
    scores.parameters = {"heads": torch.eye(3, dtype=torch.float64)[None, :, :2]}
    found = ODIN(strength=0.1)(scores, batch_of(spurious_chosen=[1.0, 1.0], spurious_rejected=[-1.0, -1.0]))
    expected = log(1 + exp(-2)) + 0.1 * (0.5 + 0.0 + 0.0 + 1 / sqrt(2))
    np.testing.assert_allclose(found[0], [expected] * 2, atol=1e-12)
    assert overlap(torch.ones(1, 3, 2)).item() == 0.0  # constant rows centre to nothing


def test_multihead_reads_the_head_of_the_context_and_the_adversary_is_added():
    # Context 0: 5 - 5 = 0; context 1: ln 3 - 0.
    logits = torch.tensor([[[LN3, 0.0], [LN3, 0.0]]], dtype=torch.float64)
    scores = scores_of(
        chosen=heads_field([[5.0, 7.0], [0.0, LN3]], adversary=logits),
        rejected=heads_field([[5.0, 1.0], [9.0, 0.0]], adversary=torch.zeros_like(logits)),
    )
    columns = batch_of(context=[0.0, 1.0])
    plain = Multihead()(scores, columns)
    np.testing.assert_allclose(plain[0], [log(2.0), RIGHT], atol=1e-12)
    # Adversary on chosen: P(0) = 3/4, so ln(4/3) where the context is 0 and ln 4 where 1; on
    # rejected ln 2; averaged.
    extra = (Adversarial(2.0)(scores, columns) - plain)[0]
    np.testing.assert_allclose(extra, [RIGHT + log(2.0), WRONG + log(2.0)], atol=1e-12)


# -- what holds for every loss ------------------------------------------------
def random_inputs(members, seed=0, rows=6):
    """Scores and columns that feed any loss; values of member k do not depend on how many there are."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape, low=-3.0, high=-0.5):
        return low + (high - low) * torch.rand(3, *shape, generator=generator, dtype=torch.float64)[:members]

    names = ("chosen", "rejected", "text", "generated", "mismatched", "own")
    values = {name: draw(rows).requires_grad_() for name in names}
    fields = {name: seen(v, draw(rows), draw(rows, low=1, high=5)) for name, v in values.items()}
    columns = {
        "outcome": draw(rows, low=-2, high=2), "advantage": draw(rows, low=-2, high=2),
        "prediction": draw(rows, low=0, high=1), "generated_prediction": draw(rows, low=0, high=1),
        "preferred": draw(rows, low=0, high=1).round(), "desirable": draw(rows, low=0, high=1).round(),
        "log_propensity": draw(rows), "spurious": draw(rows, low=0, high=2).floor(),
        "chosen_references": draw(rows, 2), "rejected_references": draw(rows, 2),
        "reference_weights": draw(rows, 2, low=0, high=1).softmax(-1),
    }  # fmt: skip
    return values, Fields(fields), Batch(columns)


PAIR_LOSSES = [
    DPO(), DPO(label_smoothing=0.1), RobustDPO(), IPO(), IPO(per_token=False), Hinge(), SLiC(), SimPO(),
    ORPO(), BradleyTerry(), BradleyTerry(0.01), SELM(), MRPO(),
]  # fmt: skip
ROW_LOSSES = [
    SFT(), KTO(), BCO(), OutcomeRegression(), OutcomeRegression("huber"), OutcomeRegression("bernoulli"),
    OutcomeRegression("poisson"), CPO(), OORLHF(), DRCPO(), SNIPS(), POEM(), Divergence(), Reinforce(),
    ClippedPolicyGradient(), DRPO(),
]  # fmt: skip
PENALTIES = [Decorrelation(), MaximumMeanDiscrepancy(bins=2)]


@pytest.mark.parametrize("loss", PAIR_LOSSES, ids=repr)
def test_pair_losses_raise_chosen_and_lower_rejected(loss):
    # beta * d stays below the hinge's and IPO's target, where even they still push.
    values, scores, batch = random_inputs(2)
    loss(scores, batch).sum().backward()
    if not isinstance(loss, RobustDPO | SLiC):  # SLiC stops pushing once its margin is met
        assert (values["rejected"].grad > 0).all()
    assert (values["chosen"].grad < 0).all()


@pytest.mark.parametrize("loss", [*PAIR_LOSSES, *ROW_LOSSES, *PENALTIES], ids=repr)
def test_members_are_independent(loss):
    _, scores, batch = random_inputs(3)
    together = loss(scores, batch)
    assert together.shape == ((3,) if loss in PENALTIES else (3, 6))
    for k in range(3):
        own = Fields(
            {
                n: seen(x.value[k : k + 1], x.reference[k : k + 1], x.length[k : k + 1])
                for n, x in scores.items()
            }
        )
        alone = loss(own, Batch({n: c[k : k + 1] for n, c in batch.items()}))
        torch.testing.assert_close(together[k : k + 1], alone, rtol=1e-12, atol=1e-12)


# KTO's reference point is of other texts, which row weights do not touch, and POEM's error is that of
# B rows, which repetition changes. SNIPS is normalised by the batch: its mean is compared below.
BATCH_STATISTICS = (KTO, SNIPS, POEM)


@pytest.mark.parametrize(
    "loss", [x for x in [*PAIR_LOSSES, *ROW_LOSSES] if not isinstance(x, BATCH_STATISTICS)], ids=repr
)
def test_a_weight_of_two_is_a_row_repeated(loss):
    check_repetition(loss, lambda losses: losses.sum())


def test_a_weight_of_two_is_a_row_repeated_in_snips():
    check_repetition(SNIPS(), lambda losses: losses.mean())


def check_repetition(loss, reduce):
    counts = torch.tensor([1, 2, 3, 1, 2, 1])
    values, scores, batch = random_inputs(1)
    weighted = reduce(loss(scores, Batch(batch | {"weight": counts[None].double()})))
    names = list(values)
    gradients = torch.autograd.grad(weighted, [values[n] for n in names], allow_unused=True)
    _, scores, batch = random_inputs(1)
    rows = torch.repeat_interleave(torch.arange(6), counts)
    again = {n: s.value.detach().requires_grad_() for n, s in scores.items()}
    repeated = Fields(
        {n: seen(again[n][:, rows], x.reference[:, rows], x.length[:, rows]) for n, x in scores.items()}
    )
    total = reduce(loss(repeated, Batch({n: c[:, rows] for n, c in batch.items()})))
    expected = torch.autograd.grad(total, [again[n] for n in names], allow_unused=True)
    torch.testing.assert_close(weighted, total, rtol=1e-12, atol=1e-12)
    for found, wanted in zip(gradients, expected, strict=True):
        assert (found is None) == (wanted is None)
        if found is not None:
            torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("loss", [*PAIR_LOSSES, *ROW_LOSSES, *PENALTIES, ODIN(), Adversarial()], ids=repr)
def test_equal_losses_compare_equal_and_others_do_not(loss):
    twin = type(loss)(**vars(loss))
    assert twin == loss
    assert hash(twin) == hash(loss)
    numbers = [name for name, value in vars(loss).items() if isinstance(value, float)]
    for name in numbers:
        assert type(loss)(**{**vars(loss), name: 0.123}) != loss


def test_reference_points_carry_no_gradient():
    values, scores, batch = random_inputs(1)
    KTO()(scores, batch).sum().backward()
    assert values["mismatched"].grad is None
    # BCO: with delta detached, the gradient of one row's loss reaches that row alone.
    values, scores, batch = random_inputs(1)
    BCO()(scores, batch)[0, 0].backward()
    assert torch.count_nonzero(values["text"].grad) == 1


def test_a_missing_column_is_named():
    with pytest.raises(ContractError, match="outcome"):
        CPO()(LOGGED, Batch(log_propensity=tensor(LOG_E)))


def test_dpo_pulls_to_the_reference_as_strongly_as_its_paper():
    """Rafailov et al. 2023, appendix B: beta .1; at a margin d of 10 nats the loss is log(1 + exp(-1))."""
    import methods

    for loss in (DPO(), methods.load("dpo-raw").objective):
        scores = scores_of(chosen=field([10.0], [0.0]), rejected=field([0.0], [0.0]))
        found = loss(scores, batch_of())
        assert found.item() == pytest.approx(log(1 + exp(-1.0)))
