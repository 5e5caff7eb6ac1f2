"""How fast the harness is, as ratios that hold on any machine; absolute rates with --benchmark-enable.

Ratios compare the least processor time of many interleaved rounds, so that another load on
the machine slows both sides alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
import torch
import torch.nn.functional as F
from conftest import least_seconds
from preference_fits import Preference
from torch import nn

from benchmark.contract import Budget, Log, Tags, Texts, Train, make_rng
from benchmark.harness import Cache, Harness, drive, to_llama
from benchmark.harness.decoder.network import DecoderShape
from benchmark.harness.decoder.pretrain import pretrain
from simulators.text import load_domain

TAGS = Tags()


def draw_texts(domain, n, part):
    rng = make_rng("perf", part)
    prompts = rng.integers(0, len(domain.prompts), n)
    attributes = rng.integers(0, 2, (n, len(domain.attributes)))
    texts = domain.realise(attributes, prompts, rng).to_numpy(zero_copy_only=False)
    return np.array(domain.prompts, dtype=object)[prompts], texts, attributes


@pytest.fixture(scope="module")
def domain():
    torch.set_num_threads(1)
    return load_domain("headlines")


@pytest.fixture(scope="module")
def backbone(domain):
    """Speed does not depend on how well the decoder is trained, only texts that end do."""
    prompts, texts, _ = draw_texts(domain, 4000, "corpus")
    return pretrain(prompts, texts, domain.vocabulary, steps=40, batch_size=64)


@pytest.fixture(scope="module")
def log(domain):
    prompts, texts, attributes = draw_texts(domain, 1000, "log")
    return Log(pa.table({"prompt": prompts, "text": texts, "outcome": attributes[:, 0].astype(float)}))


class PlainBlock(nn.Module):
    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.norm_in, self.norm_out = (nn.RMSNorm(shape.width, eps=1e-5) for _ in range(2))
        self.attention_in = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.attention_out = nn.Linear(shape.width, shape.width, bias=False)
        self.mlp_in = nn.Linear(shape.width, 2 * shape.inner, bias=False)
        self.mlp_out = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x, cosine, sine):
        n, length, width = x.shape
        joint = self.attention_in(self.norm_in(x)).view(n, length, 3, self.heads, -1)
        query, key, value = joint.permute(2, 0, 3, 1, 4)

        def rotate(y):
            first, second = y.chunk(2, dim=-1)
            return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)

        mixed = F.scaled_dot_product_attention(rotate(query), rotate(key), value, is_causal=True)
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(n, length, width))
        gate, up = self.mlp_in(self.norm_out(x)).chunk(2, dim=-1)
        return x + self.mlp_out(F.silu(gate) * up)


class PlainDecoder(nn.Module):
    """The same architecture as anybody would write it, one model, one tensor a parameter."""

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.size = shape.width // shape.heads
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(PlainBlock(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=1e-5)

    def forward(self, tokens, first, targets, mask, length):
        rate = 10_000.0 ** (-torch.arange(0, self.size, 2) / self.size)
        angle = torch.arange(tokens.shape[1])[:, None] * rate
        cosine, sine = angle.cos(), angle.sin()
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, cosine, sine)
        index = (first[:, None] + torch.arange(targets.shape[1])).clamp(max=tokens.shape[1] - 1)
        states = self.norm(x).gather(1, index[..., None].expand(-1, -1, x.shape[2]))
        logits = states @ self.embedding.weight.T
        losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        return -(losses.view(targets.shape) * mask).sum(1)


def test_one_member_costs_no_more_than_a_plain_module(figures, backbone, log):
    policy = backbone.policy("cpu")
    inputs = policy.prepare(log.prompts[:64], log.texts[:64])
    stacked = {name: tensor[None] for name, tensor in inputs.items()}
    weights = backbone.reference_weights("cpu").requires_grad_()
    plain = PlainDecoder(backbone.shape)
    parameters = list(plain.parameters())

    def ours():
        torch.autograd.grad(policy.forward(weights, stacked).value.sum(), weights)

    def theirs():
        torch.autograd.grad(plain(**inputs).sum(), parameters)

    assert figures.race("decoder, against a plain module", ours, theirs, 20) > 1 / 1.15


@dataclass(frozen=True)
class Squares:
    def __call__(self, scores, batch):
        return (scores["text"].value - batch["y"]) ** 2


@dataclass(frozen=True)
class HeadMethod:
    steps: int
    name: str = "head"
    tags: Tags = TAGS

    def fit(self, log, harness):
        fields = {"text": Texts(log.prompts, log.texts)}
        model = yield Train(
            harness.reward_head(32), fields, {"y": log.outcomes}, Squares(), steps=self.steps, batch_size=64
        )
        return harness.fitted_head(model)


@pytest.mark.parametrize("members", [16, 64])
def test_stacked_heads_beat_a_loop(figures, backbone, log, members):
    harness = Harness(backbone)
    harness.encode(log.prompts, log.texts)
    tasks = [(log, Harness(backbone, path=(str(k),), cache=harness.cache)) for k in range(members)]
    few, many = HeadMethod(20), HeadMethod(160)
    # The difference of two lengths is the cost of the steps alone.
    loop_few, loop_many, stack_few, stack_many = least_seconds(
        lambda: drive(few, tasks, stack=1),
        lambda: drive(many, tasks, stack=1),
        lambda: drive(few, tasks, stack=members),
        lambda: drive(many, tasks, stack=members),
        rounds=2 if members > 16 else 3,
    )
    ratio = (loop_many - loop_few) / (stack_many - stack_few)
    figures.note(f"steps of {members} reward heads at once, against a loop", ratio, "x", 3)
    figures.show(drive, few, tasks, stack=members)
    assert ratio > 1 / 0.6


def test_encoding_is_not_what_a_fit_waits_for(figures, backbone, domain):
    prompts, texts, _ = draw_texts(domain, 4000, "encode")
    (seconds,) = least_seconds(lambda: backbone.encoder.encode(prompts, texts))
    figures.note("texts encoded", len(texts) / seconds, "a second")
    figures.show(backbone.encoder.encode, prompts, texts)
    assert seconds < 0.1


# -- rates: run once as a check, timed with --benchmark-enable ------------------


@dataclass(frozen=True)
class PreferenceMethod:
    name: str = "preference"
    tags: Tags = TAGS

    def fit(self, log, harness):
        half = len(log) // 2
        fields = {
            "chosen": Texts(log.prompts[:half], log.texts[:half]),
            "rejected": Texts(log.prompts[:half], log.texts[half : 2 * half]),
        }
        model = yield Train(harness.policy(), fields, {}, Preference())
        return harness.fitted_policy(model)


def test_preference_training_rate(benchmark, backbone, log):
    def fit():
        # A cache of its own: what is kept would only be looked up.
        return drive(PreferenceMethod(), [(log, Harness(backbone, Budget(steps=20), cache=Cache()))])

    assert len(benchmark(fit)) == 1


def test_scoring_rate(benchmark, backbone, log):
    policy, weights = backbone.policy("cpu"), backbone.reference_weights("cpu")
    assert benchmark(policy.score, weights, log.prompts, log.texts).shape == (1000,)


def test_sampling_rate(benchmark, backbone, domain):
    prompts = np.array(domain.prompts, dtype=object)

    def draw():
        harness = Harness(backbone, cache=Cache())
        return harness.sample(harness.policy(), prompts, 85)

    assert benchmark(draw).shape == (len(prompts), 85)


def test_transformers_llama_training_step(benchmark, backbone, log):
    """The same texts through ``transformers``, forwards and backwards, for comparison."""
    llama = to_llama(backbone).train()
    tokens = backbone.policy("cpu").prepare(log.prompts[:64], log.texts[:64])["tokens"]

    def step():
        llama.zero_grad()
        llama(tokens, labels=tokens).loss.backward()

    benchmark(step)


def test_decoder_training_step(benchmark, backbone, log):
    policy = backbone.policy("cpu")
    inputs = {k: v[None] for k, v in policy.prepare(log.prompts[:64], log.texts[:64]).items()}
    weights = backbone.reference_weights("cpu").requires_grad_()

    def step():
        torch.autograd.grad(policy.forward(weights, inputs).value.sum(), weights)

    benchmark(step)
