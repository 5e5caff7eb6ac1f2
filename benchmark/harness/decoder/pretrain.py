"""Pretraining the tiny decoder on a domain's texts."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from benchmark.contract import UsageError, make_rng
from benchmark.harness.decoder.backbone import Backbone
from benchmark.harness.decoder.network import DecoderShape, initial_weights
from benchmark.harness.decoder.policy import DecoderPolicy
from benchmark.harness.encoders.words import TextEncoder
from benchmark.harness.tokenizer import Tokenizer, count_words
from benchmark.harness.training.optimise import minimise

HELD_OUT = 512
SPARE_WORDS = 4


def pretrain(
    prompts: np.ndarray,
    texts: np.ndarray,
    vocabulary: Iterable[str] = (),
    *,
    epochs: float = 1.0,
    steps: int | None = None,
    batch_size: int = 128,
    learning_rate: float = 2e-2,
    seed: int = 0,
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    inner: int = 128,
    device: str = "cpu",
) -> Backbone:
    """Train a decoder by maximum likelihood of texts given prompts, and fit the text encoder.

    Float32 and deterministic: the same arguments on the same machine give the same bits.

    Args:
        prompts: Shape (n,).
        texts: Shape (n,).
        vocabulary: Words of the domain, in a fixed order; words of the corpus that are not
            among them are added.
        epochs: Passes over the corpus where ``steps`` is not given.
        steps: Optimiser steps.
        batch_size: Texts a step.
        learning_rate: Peak step size.
        seed: Seed of the initial weights and the order of the texts.
        width: Size of the hidden state.
        layers: Number of blocks.
        heads: Attention heads.
        inner: Size inside the SwiGLU.
        device: Where to train.

    Raises:
        UsageError: If the corpus is empty or its columns differ in length.
    """
    prompts, texts = np.asarray(prompts, dtype=object), np.asarray(texts, dtype=object)
    if not len(texts) or len(prompts) != len(texts):
        raise UsageError(
            "pretraining needs a prompt for every text",
            expected="two columns of one length above 0",
            found=f"{len(prompts)} prompts, {len(texts)} texts",
        )
    tokenizer = Tokenizer.of(vocabulary, prompts, texts)
    encoder = TextEncoder.fit(tokenizer, prompts, texts)
    longest = int(count_words(texts).max()) + SPARE_WORDS
    shape = DecoderShape(len(tokenizer), width, layers, heads, inner)
    policy = DecoderPolicy(tokenizer, shape, longest, device)
    rng = make_rng("pretrain", seed)
    shuffled = rng.permutation(len(texts))
    held, train = np.split(shuffled, [min(HELD_OUT, len(texts) // 10)])
    inputs = policy.prepare(prompts[train], texts[train])
    count = steps if steps is not None else math.ceil(epochs * len(train) / batch_size)
    passes = math.ceil(count * batch_size / len(train))
    order = torch.from_numpy(np.concatenate([rng.permutation(len(train)) for _ in range(passes)])).to(device)

    def loss_at(weights: Tensor, step: int) -> Tensor:
        rows = order[step * batch_size : (step + 1) * batch_size]
        batch = {name: tensor[rows][None] for name, tensor in inputs.items()}
        return -policy.forward(weights, batch).value.sum(1) / batch["length"].sum(1)

    weights = minimise(
        initial_weights(shape, rng).to(device), loss_at, count, learning_rate, weight_decay=0.01
    )
    sample = held if len(held) else train[:HELD_OUT]
    features = policy.features(weights, prompts[sample], texts[sample])
    report = {
        "steps": float(count),
        "held_out_nats": float(-policy.score(weights, prompts[sample], texts[sample]).mean()),
    }
    frozen = weights[0].cpu().numpy()
    frozen.flags.writeable = False
    spread = max(float(np.sqrt(features.var(axis=0).sum())), 1e-3)
    return Backbone(tokenizer, shape, frozen, encoder, longest, features.mean(axis=0), spread, report)
