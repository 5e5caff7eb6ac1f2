"""Losses and gradients against TRL, in double precision.

TRL computes its losses inside trainers, so a bare object takes the trainer's place and a stand-in
model hands out log-probabilities of ours. Where a version of TRL lacks a loss the test says so.
"""

from __future__ import annotations

import importlib
import inspect
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("trl", reason="parity is checked where TRL is installed (the parity extra)")

from methods.objectives.pairwise import DPO, IPO, ORPO, BradleyTerry, Hinge, RobustDPO, SimPO
from methods.objectives.unpaired import BCO, KTO

ROWS, TOKENS = 5, 6
DOUBLE = torch.float64


def find(*places):
    """The first class that this version of TRL has, of ``"module:Name"`` places."""
    for place in places:
        module, name = place.split(":")
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    pytest.skip(f"this version of TRL has none of {', '.join(places)}")


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
    """Values and gradients agree."""
    assert ours.item() == pytest.approx(theirs.item(), abs=tolerance)
    found = torch.autograd.grad(ours, inputs, retain_graph=True)
    wanted = torch.autograd.grad(theirs, inputs)
    for one, other in zip(found, wanted, strict=True):
        assert one.abs().max() > 0
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


DPO_CASES = [
    ("sigmoid", DPO(0.3), 0.0), ("sigmoid", DPO(0.3, 0.1), 0.1), ("robust", RobustDPO(0.3, 0.2), 0.2),
    ("ipo", IPO(0.3), 0.0), ("hinge", Hinge(0.3), 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "loss", "smoothing"), DPO_CASES, ids=lambda x: str(x))
def test_pair_losses_with_a_reference(kind, loss, smoothing):
    dpo = find("trl:DPOTrainer")
    (chosen, chosen_mask), (rejected, rejected_mask) = draw(1), draw(2)
    chosen_reference, rejected_reference = draw(3)[0], draw(4)[0]
    chosen.requires_grad_()
    rejected.requires_grad_()
    scores = {
        "chosen": seen(chosen, chosen_mask, chosen_reference),
        "rejected": seen(rejected, rejected_mask, rejected_reference),
    }
    if hasattr(dpo, "dpo_loss"):
        theirs = old_dpo_loss(dpo, kind, loss.beta, smoothing, scores)
    elif kind == "sigmoid" and smoothing:
        pytest.skip("this version of TRL no longer smooths labels under sigmoid (cDPO is gone)")
    else:
        tokens, mask = torch.cat([chosen, rejected]), torch.cat([chosen_mask, rejected_mask])
        bare = trainer(beta=loss.beta, loss_types=[kind], loss_weights=[1.0])
        bare.label_smoothing = smoothing
        inputs = {
            "input_ids": torch.zeros(2 * ROWS, TOKENS + 1, dtype=torch.long),
            "attention_mask": torch.ones(2 * ROWS, TOKENS + 1, dtype=torch.long),
            "completion_mask": with_prompt(mask),
            "ref_chosen_logps": scores["chosen"].reference[0],
            "ref_rejected_logps": scores["rejected"].reference[0],
        }
        theirs = dpo._compute_loss(bare, stand_in(tokens, mask), inputs, False)
    compare(loss(scores, {}).mean(), theirs, [chosen, rejected])


def old_dpo_loss(dpo, kind, beta, smoothing, scores):
    """TRL up to 0.28 has a method of log-probabilities; its ipo leaves averaging to the caller."""
    bare = trainer(beta=beta, loss_type=[kind], reference_free=False, f_divergence_params=None)
    bare.label_smoothing = smoothing
    names = {"chosen_logps": "chosen", "rejected_logps": "rejected"}
    values = {key: scores[name].value[0] for key, name in names.items()}
    values |= {f"ref_{key}": scores[name].reference[0] for key, name in names.items()}
    if kind == "ipo":
        values = {key: v / scores[names[key.removeprefix("ref_")]].length[0] for key, v in values.items()}
    needed = inspect.signature(dpo.dpo_loss).parameters
    more = {"loss_type": kind} if "loss_type" in needed else {}
    if "model_output" in needed:
        more["model_output"] = None
    return dpo.dpo_loss(bare, **values, **more)[0].mean()


def test_simpo():
    cpo = find("trl.experimental.cpo:CPOTrainer", "trl:CPOTrainer")
    (chosen, chosen_mask), (rejected, rejected_mask) = draw(1), draw(2)
    chosen.requires_grad_()
    rejected.requires_grad_()
    bare = trainer(beta=2.5, simpo_gamma=1.375, loss_type="simpo", alpha=0.0)
    scores = {"chosen": seen(chosen, chosen_mask), "rejected": seen(rejected, rejected_mask)}
    means = [score.value[0] / score.length[0] for score in scores.values()]
    compare(SimPO()(scores, {}).mean(), cpo.cpo_loss(bare, *means)[0].mean(), [chosen, rejected])


def test_orpo_odds_ratio():
    # The likelihood term differs by design (TRL's covers the prompt), so the odds ratio is compared.
    orpo = find("trl.experimental.orpo:ORPOTrainer", "trl:ORPOTrainer")
    (chosen, chosen_mask), (rejected, rejected_mask) = draw(1), draw(2)
    chosen.requires_grad_()
    rejected.requires_grad_()
    bare = trainer(beta=0.2)
    scores = {"chosen": seen(chosen, chosen_mask), "rejected": seen(rejected, rejected_mask)}
    means = [score.value[0] / score.length[0] for score in scores.values()]
    ours = (ORPO(0.2)(scores, {}) - ORPO(0.0)(scores, {})).mean()
    compare(ours, -orpo.odds_ratio_loss(bare, *means)[0].mean(), [chosen, rejected])


@pytest.mark.parametrize("drift", [0.5, -0.5], ids=["reference point above 0", "clamped at 0"])
def test_kto(drift):
    kto = find("trl:KTOTrainer")
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
    ours = loss(scores, {"desirable": desirable[None].to(DOUBLE)}).mean()
    if hasattr(kto, "kto_loss"):
        good, bad = desirable == 1, desirable == 0
        value, known = scores["text"].value[0], scores["text"].reference[0]
        losses = kto.kto_loss(
            trainer(**settings), value[good], value[bad], scores["mismatched"].value[0],
            known[good], known[bad], scores["mismatched"].reference[0],
        )[0]  # fmt: skip
        compare(ours, losses.mean(), [tokens])
        return
    bare = trainer(**settings)
    bare._compute_kl_logps = lambda model, batch: scores["mismatched"].value[0]
    inputs = {
        "input_ids": torch.zeros(ROWS, TOKENS + 1, dtype=torch.long),
        "attention_mask": torch.ones(ROWS, TOKENS + 1, dtype=torch.long),
        "completion_mask": with_prompt(mask),
        "label": desirable.bool(),
        "ref_logps": scores["text"].reference[0],
        "ref_KL_logps": scores["mismatched"].reference[0],
    }
    compare(ours, kto._compute_loss(bare, stand_in(tokens, mask), inputs, False), [tokens])


def test_bco():
    bco = find("trl.experimental.bco:BCOTrainer", "trl:BCOTrainer")
    moments = find(
        "trl.experimental.bco.bco_trainer:RunningMoments", "trl.trainer.bco_trainer:RunningMoments"
    )
    tokens, mask = draw(1)
    scores = {"text": seen(tokens.requires_grad_(), mask, draw(3)[0])}
    desirable = torch.tensor([1, 0, 0, 1, 1])
    running = moments(SimpleNamespace(use_distributed=False))
    bare = trainer(beta=0.3, match_underlying_distribution=False, running=running)
    value, known, good, bad = (
        scores["text"].value[0],
        scores["text"].reference[0],
        desirable == 1,
        desirable == 0,
    )
    # On the first batch the running mean is the batch's mean, which is our delta.
    losses = bco.bco_loss(bare, value[good], value[bad], known[good], known[bad], None, None)[0]
    compare(BCO(0.3)(scores, {"desirable": desirable[None].to(DOUBLE)}).mean(), losses.mean(), [tokens])


def test_reward_model():
    reward = find("trl:RewardTrainer")
    rewards = torch.randn(
        2 * ROWS, 1, generator=torch.Generator().manual_seed(1), dtype=DOUBLE
    ).requires_grad_()
    bare = trainer(args=SimpleNamespace(center_rewards_coefficient=0.05), state=None)
    names = ("input_ids", "attention_mask", "input_ids_chosen", "attention_mask_chosen", "input_ids_rejected",
             "attention_mask_rejected")  # fmt: skip
    inputs = {name: torch.ones(2 * ROWS, 1, dtype=torch.long) for name in names}

    def forward(**given):
        return SimpleNamespace(logits=rewards) if "logits" not in given else None

    chosen, rejected = rewards[:ROWS, 0], rewards[ROWS:, 0]
    scores = {
        "chosen": SimpleNamespace(value=chosen[None]),
        "rejected": SimpleNamespace(value=rejected[None]),
    }
    margin = torch.linspace(0, 1, ROWS, dtype=DOUBLE)
    theirs = reward.compute_loss(bare, forward, inputs | {"margin": margin})
    compare(BradleyTerry(0.05)(scores, {"margin": margin[None]}).mean(), theirs, [rewards])
