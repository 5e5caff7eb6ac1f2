"""Losses and gradients against TRL, in double precision.

TRL computes its losses inside trainers, so a bare object takes the trainer's place and a stand-in
model hands out log-probabilities of ours. Losses that TRL has given up are put together from those it has.
"""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from methods.objectives.pairwise import DPO, IPO, ORPO, BradleyTerry, Hinge, RobustDPO, SimPO
from methods.objectives.unpaired import BCO, KTO

trl = pytest.importorskip("trl", reason="parity is checked where TRL is installed (the parity extra)")

ROWS, TOKENS = 5, 6
DOUBLE = torch.float64


def draw(seed, rows=ROWS):
    """Token log-probabilities (rows, TOKENS) and their mask, of texts of unequal length."""
    generator = torch.Generator().manual_seed(seed)
    tokens = -3.0 * torch.rand(rows, TOKENS, generator=generator, dtype=DOUBLE) - 0.1
    lengths = torch.randint(2, TOKENS + 1, (rows,), generator=generator)
    return tokens, (torch.arange(TOKENS) < lengths[:, None])


class Accelerator:
    device = torch.device("cpu")

    def gather(self, x):
        return x

    gather_for_metrics = gather

    def unwrap_model(self, model):
        return model


def trainer(**settings):
    """An object with what a trainer's loss reads of the trainer."""
    return SimpleNamespace(
        accelerator=Accelerator(), model=SimpleNamespace(training=False), aux_loss_enabled=False,
        _metrics=defaultdict(lambda: defaultdict(list)), precompute_ref_logps=True, ld_alpha=None,
        f_divergence_type="reverse_kl", f_alpha_divergence_coef=0.5, use_weighting=False, label_smoothing=0.0,
        _total_train_tokens=0,
        **settings,
    )  # fmt: skip


def stand_in(tokens, mask):
    """A model whose token log-probabilities are the given ones."""
    logs = tokens * mask
    extra = torch.zeros_like(logs)

    def forward(**inputs):
        return SimpleNamespace(
            log_probs=logs, entropy=extra, mean_logits=extra, is_top1=mask, log_sum_sq_probs=extra
        )

    return forward


def with_prompt(mask):
    """A completion mask over a prompt of one token and the completion."""
    return torch.cat([torch.zeros(len(mask), 1, dtype=torch.long), mask.long()], 1)


def seen(tokens, mask, reference=None):
    known = None if reference is None else (reference * mask).sum(1)[None]
    return SimpleNamespace(value=(tokens * mask).sum(1)[None], reference=known, length=mask.sum(1)[None])


def compare(ours, theirs, inputs, tolerance=1e-6):
    """Losses agree one by one, and so do the gradients of each in every token's log-probability."""
    assert ours.shape == theirs.shape
    # TRL's KTO adds losses up in a single-precision zero, whatever the gradients' precision.
    torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance, check_dtype=False)
    # A hinge is flat for some examples, though not for all.
    assert all(part.abs().max() > 0 for part in torch.autograd.grad(ours.sum(), inputs, retain_graph=True))
    for mine, other in zip(ours.reshape(-1), theirs.reshape(-1), strict=True):
        found = torch.autograd.grad(mine, inputs, retain_graph=True)
        wanted = torch.autograd.grad(other, inputs, retain_graph=True)
        for one, another in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, another, rtol=0, atol=tolerance)


def per_example(theirs, rows=ROWS):
    """Losses of TRL, which hands out means alone, one example at a time; shape (rows,)."""
    return torch.stack([theirs(slice(row, row + 1)) for row in range(rows)])


def trl_pair_losses(kind, beta, smoothing, chosen, rejected):
    """TRL's losses of pairs, shape (ROWS,); a side is (tokens, mask, reference log-probability)."""

    def one(row):
        tokens, mask = (torch.cat([chosen[part][row], rejected[part][row]]) for part in (0, 1))
        bare = trainer(beta=beta, loss_types=[kind], loss_weights=[1.0])
        bare.label_smoothing = smoothing
        inputs = {
            "input_ids": torch.zeros(2, TOKENS + 1, dtype=torch.long),
            "attention_mask": torch.ones(2, TOKENS + 1, dtype=torch.long),
            "completion_mask": with_prompt(mask),
            "ref_chosen_logps": chosen[2][row],
            "ref_rejected_logps": rejected[2][row],
        }
        return trl.DPOTrainer._compute_loss(bare, stand_in(tokens, mask), inputs, False)

    return per_example(one)


def draw_pair():
    """Both sides of ROWS pairs as (tokens, mask, reference log-probability)."""
    sides = []
    for seed in (1, 2):
        tokens, mask = draw(seed)
        sides.append((tokens.requires_grad_(), mask, (draw(seed + 2)[0] * mask).sum(1)))
    return sides


def score_pair(chosen, rejected):
    return {
        name: SimpleNamespace(
            value=(tokens * mask).sum(1)[None], reference=reference[None], length=mask.sum(1)[None]
        )
        for name, (tokens, mask, reference) in (("chosen", chosen), ("rejected", rejected))
    }


DPO_CASES = [
    ("sigmoid", DPO(0.3), 0.0), ("robust", RobustDPO(0.3, 0.2), 0.2), ("ipo", IPO(0.3), 0.0),
    ("hinge", Hinge(0.3), 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "loss", "smoothing"), DPO_CASES, ids=lambda x: str(x))
def test_pair_losses_with_a_reference(kind, loss, smoothing):
    chosen, rejected = draw_pair()
    theirs = trl_pair_losses(kind, loss.beta, smoothing, chosen, rejected)
    compare(loss(score_pair(chosen, rejected), {})[0], theirs, [chosen[0], rejected[0]])


def test_conservative_dpo():
    """TRL no longer smooths labels, so its loss of the pair and of the pair turned round are mixed."""
    chosen, rejected = draw_pair()
    right = trl_pair_losses("sigmoid", 0.3, 0.0, chosen, rejected)
    flipped = trl_pair_losses("sigmoid", 0.3, 0.0, rejected, chosen)
    ours = DPO(0.3, 0.1)(score_pair(chosen, rejected), {})[0]
    compare(ours, 0.9 * right + 0.1 * flipped, [chosen[0], rejected[0]])


def test_bco():
    """TRL keeps BCO without its shift, which is a constant to the gradient: references take it in."""
    chosen, rejected = draw_pair()
    both = [torch.cat(parts) for parts in zip(chosen, rejected, strict=True)]
    score = SimpleNamespace(value=(both[0] * both[1]).sum(1)[None], reference=both[2][None])
    shift = (score.value - score.reference).mean().detach()
    desirable = torch.cat([torch.ones(ROWS), torch.zeros(ROWS)])[None].to(DOUBLE)
    ours = BCO(0.3)({"text": score}, {"desirable": desirable})[0]
    shifted = [(tokens, mask, reference + shift) for tokens, mask, reference in (chosen, rejected)]
    theirs = trl_pair_losses("bco_pair", 0.3, 0.0, *shifted)
    compare(ours[:ROWS] + ours[ROWS:], theirs, [chosen[0], rejected[0]])


def test_simpo():
    from trl.experimental.cpo import CPOTrainer

    (chosen, chosen_mask), (rejected, rejected_mask) = draw(1), draw(2)
    chosen.requires_grad_()
    rejected.requires_grad_()
    bare = trainer(beta=2.5, simpo_gamma=1.375, loss_type="simpo", alpha=0.0)
    scores = {"chosen": seen(chosen, chosen_mask), "rejected": seen(rejected, rejected_mask)}
    means = [score.value[0] / score.length[0] for score in scores.values()]
    compare(SimPO()(scores, {})[0], CPOTrainer.cpo_loss(bare, *means)[0], [chosen, rejected])


def test_orpo_odds_ratio():
    # The likelihood term differs by design (TRL's covers the prompt), so the odds ratio is compared.
    from trl.experimental.orpo import ORPOTrainer

    (chosen, chosen_mask), (rejected, rejected_mask) = draw(1), draw(2)
    chosen.requires_grad_()
    rejected.requires_grad_()
    bare = trainer(beta=0.2)
    scores = {"chosen": seen(chosen, chosen_mask), "rejected": seen(rejected, rejected_mask)}
    means = [score.value[0] / score.length[0] for score in scores.values()]
    ours = (ORPO(0.2)(scores, {}) - ORPO(0.0)(scores, {}))[0]
    compare(ours, -ORPOTrainer.odds_ratio_loss(bare, *means)[0], [chosen, rejected])


@pytest.mark.parametrize("drift", [0.5, -0.5], ids=["reference point above 0", "clamped at 0"])
def test_kto(drift):
    (tokens, mask), (other, other_mask) = draw(1), draw(2)
    reference, other_reference = draw(3)[0], other.clone() - drift
    desirable = torch.tensor([1, 0, 0, 1, 1])
    tokens.requires_grad_()
    scores = {"text": seen(tokens, mask, reference), "mismatched": seen(other, other_mask, other_reference)}
    loss = KTO(0.3, 1.5, 0.5)
    settings = {
        "beta": 0.3, "desirable_weight": 1.5, "undesirable_weight": 0.5, "loss_type": "kto",
        "calculate_KL": True,
    }  # fmt: skip
    ours = loss(scores, {"desirable": desirable[None].to(DOUBLE)})[0]
    bare = trainer(**settings)
    bare._compute_kl_logps = lambda model, batch: scores["mismatched"].value[0]

    def one(row):
        inputs = {
            "input_ids": torch.zeros(1, TOKENS + 1, dtype=torch.long),
            "attention_mask": torch.ones(1, TOKENS + 1, dtype=torch.long),
            "completion_mask": with_prompt(mask[row]),
            "label": desirable[row].bool(),
            "ref_logps": scores["text"].reference[0][row],
            "ref_KL_logps": scores["mismatched"].reference[0],
        }
        return trl.KTOTrainer._compute_loss(bare, stand_in(tokens[row], mask[row]), inputs, False)

    compare(ours, per_example(one), [tokens])


def test_reward_model():
    rewards = torch.randn(
        2 * ROWS, 1, generator=torch.Generator().manual_seed(1), dtype=DOUBLE
    ).requires_grad_()
    bare = trainer(args=SimpleNamespace(center_rewards_coefficient=0.05), state=None)
    names = ("input_ids", "attention_mask", "input_ids_chosen", "attention_mask_chosen", "input_ids_rejected",
             "attention_mask_rejected")  # fmt: skip
    margin = torch.linspace(0, 1, ROWS, dtype=DOUBLE)

    def one(row):
        pair = torch.cat([rewards[:ROWS][row], rewards[ROWS:][row]])
        inputs = {name: torch.ones(2, 1, dtype=torch.long) for name in names}
        return trl.RewardTrainer.compute_loss(
            bare, lambda **given: SimpleNamespace(logits=pair), inputs | {"margin": margin[row]}
        )

    sides = {"chosen": rewards[:ROWS, 0], "rejected": rewards[ROWS:, 0]}
    scores = {name: SimpleNamespace(value=value[None]) for name, value in sides.items()}
    ours = BradleyTerry(0.05)(scores, {"margin": margin[None]})[0]
    compare(ours, per_example(one), [rewards])
