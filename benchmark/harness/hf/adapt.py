"""Teaching a causal language model a domain's texts: what pretraining is to the tiny decoder.

Maximum likelihood of texts given prompts, on the same corpus that the tiny decoder is
pretrained on. The corpus holds every attribute in half of its texts and no outcome.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.contract import make_rng
from benchmark.harness.hf.backbone import load_network, reads_chat
from benchmark.harness.hf.packing import can_pack
from benchmark.harness.hf.policy import HFPolicy
from benchmark.harness.training.optimise import MAX_NORM, WARMUP

THREADS = 4


def adapt_model(
    source: Path,
    folder: Path,
    prompts: np.ndarray,
    texts: np.ndarray,
    *,
    steps: int,
    chat: bool | None = None,
    batch_size: int = 8,
    learning_rate: float = 5e-4,
    weight_decay: float = 0.01,
    seed: int = 0,
) -> None:
    """Train all weights of a model and write it where ``from_pretrained`` reads it.

    Args:
        source: Folder of the model, as ``save_pretrained`` writes it.
        folder: Where the result is written, in the same form.
        prompts: Shape (n,).
        texts: Shape (n,).
        steps: Optimiser steps.
        chat: Whether prompts go through the chat template; None where there is one.
        batch_size: Texts a step.
        learning_rate: Peak step size.
        weight_decay: Decoupled decay.
        seed: Seed of the order of the texts.

    Raises:
        UsageError: If the model cannot be read.
    """
    module, tokenizer = load_network(source)
    policy = HFPolicy(module, tokenizer, chat=reads_chat(tokenizer, chat, source), packs=can_pack(module))
    rng = make_rng("adapt", seed)
    wanted, passes = steps * batch_size, math.ceil(steps * batch_size / len(texts))
    order = np.concatenate([rng.permutation(len(texts)) for _ in range(passes)])[:wanted]
    inputs = policy.prepare(prompts[order], texts[order])

    def loss_at(step: int) -> Tensor:
        rows = slice(step * batch_size, (step + 1) * batch_size)
        batch = {name: tensor[rows][None] for name, tensor in inputs.items()}
        return -policy.forward(None, batch).value.sum() / batch["length"].sum()

    with using_threads(min(THREADS, count_cores())):
        train_in_place(module, loss_at, steps, learning_rate, weight_decay)
    module.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def train_in_place(
    module: Any, loss_at: Callable[[int], Tensor], steps: int, learning_rate: float, weight_decay: float
) -> None:
    """Adam with decoupled weight decay, linear warm-up and linear decay, on a network's own parameters.

    One set of weights that nobody else holds needs no copies: memory is four times the network's.

    Args:
        module: The network.
        loss_at: The loss of a step.
        steps: Number of steps.
        learning_rate: Peak step size.
        weight_decay: Decoupled decay.
    """
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=learning_rate, betas=(0.9, 0.99), weight_decay=weight_decay)
    warm = math.ceil(WARMUP * steps)
    for step in range(steps):
        rate = min((step + 1) / warm, (steps - step) / max(1, steps - warm))
        optimiser.param_groups[0]["lr"] = learning_rate * rate
        loss_at(step).backward()
        torch.nn.utils.clip_grad_norm_(trained, MAX_NORM)
        optimiser.step()
        optimiser.zero_grad()


def describe_recipe(steps: int) -> str:
    """Everything beside model and corpus that decides what ``adapt_model`` writes."""
    return f"{steps} {inspect.signature(adapt_model)}"


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def using_threads(threads: int) -> Iterator[None]:
    """So many threads for a while: one model is trained, and nothing else runs yet."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
