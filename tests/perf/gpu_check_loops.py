"""A preference fit as other tools do it, one after the other: the yardstick of ``tests.perf.gpu_check``.

TRL's trainer where it is installed; else a hand-written loop over a transformers Llama, which
has less to do beside the arithmetic and is the faster of the two.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

BATCH, RATE, BETA = 32, 1e-3, 0.1
TRL, PLAIN = "TRL's DPOTrainer", "a transformers loop"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Preferences: prompts, chosen and rejected texts, each of shape (n,)."""

    prompts: np.ndarray
    chosen: np.ndarray
    rejected: np.ndarray


def pair_by_outcome(log: Any) -> Pairs:
    """The better half of a log's texts against the worse half."""
    half = len(log) // 2
    order = np.argsort(-log.outcomes)
    better, worse = order[:half], order[half : 2 * half]
    return Pairs(log.prompts[better], log.texts[better], log.texts[worse])


def find_tool() -> str:
    """The tool that is there."""
    return TRL if all(find_spec(name) for name in ("trl", "accelerate", "datasets")) else PLAIN


def make_fit(tool: str, backbone: Any, pairs: Pairs, steps: int, device: str) -> Callable[[], None]:
    """A whole fit of a tool, set-up included and imports not.

    Args:
        tool: ``TRL`` or ``PLAIN``.
        backbone: Where it starts.
        pairs: What it learns from.
        steps: Optimiser steps of 32 pairs.
        device: ``"cpu"`` or a CUDA device.
    """
    make = _make_trl if tool == TRL else _make_plain
    return make(backbone, pairs, steps, device)


def _make_plain(backbone: Any, pairs: Pairs, steps: int, device: str) -> Callable[[], None]:
    import torch

    from benchmark.harness import to_llama

    policy = backbone.policy("cpu")
    sides = [policy.prepare(pairs.prompts, texts) for texts in (pairs.chosen, pairs.rejected)]
    length = max(int((side["first"] + side["length"]).max()) for side in sides)

    def log_probability(model: Any, rows: Any) -> Any:
        found = []
        for side in sides:
            tokens = torch.nn.functional.pad(side["tokens"], (0, length))[rows, : length + 1].to(device)
            places = torch.arange(length, device=device)
            first = side["first"][rows, None].to(device)
            inside = (places >= first) & (places < first + side["length"][rows, None].to(device))
            logits = model(tokens[:, :-1]).logits.log_softmax(-1)
            found.append((logits.gather(2, tokens[:, 1:, None])[..., 0] * inside).sum(1))
        return found[0] - found[1]

    def fit() -> None:
        model = to_llama(backbone).to(device).train()
        reference = to_llama(backbone).to(device)
        optimiser = torch.optim.AdamW(model.parameters(), lr=RATE)
        generator = torch.Generator().manual_seed(0)
        for _ in range(steps):
            rows = torch.randint(0, len(pairs.prompts), (BATCH,), generator=generator)
            with torch.no_grad():
                base = log_probability(reference, rows)
            loss = -torch.nn.functional.logsigmoid(BETA * (log_probability(model, rows) - base)).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()

    return fit


def _make_trl(backbone: Any, pairs: Pairs, steps: int, device: str) -> Callable[[], None]:
    from datasets import Dataset, disable_progress_bars
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast
    from trl import DPOConfig, DPOTrainer

    from benchmark.harness import to_llama
    from benchmark.harness.tokenizer import BEGIN, END, PAD, SPECIAL, UNKNOWN

    disable_progress_bars()
    words = (*SPECIAL, *backbone.tokenizer.words)
    made = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token=words[UNKNOWN]))
    made.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=words[PAD], bos_token=words[BEGIN], eos_token=words[END], unk_token=words[UNKNOWN],
    )  # fmt: skip
    columns = {
        "prompt": list(pairs.prompts),
        # TRL joins prompt and completion as they are.
        "chosen": [f" {text}" for text in pairs.chosen],
        "rejected": [f" {text}" for text in pairs.rejected],
    }

    def fit() -> None:
        # The trainer prints what it logs; the check prints one table.
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
            settings = DPOConfig(
                output_dir=folder, per_device_train_batch_size=BATCH, max_steps=steps, learning_rate=RATE,
                beta=BETA, bf16=False, use_cpu=device == "cpu", report_to=[], save_strategy="no",
                disable_tqdm=True, logging_steps=1000, gradient_checkpointing=False,
            )  # fmt: skip
            DPOTrainer(
                model=to_llama(backbone).train(), ref_model=to_llama(backbone), args=settings,
                train_dataset=Dataset.from_dict(columns), processing_class=tokenizer,
            ).train()  # fmt: skip

    return fit
