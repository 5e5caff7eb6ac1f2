"""Preference training here against TRL's: same weights, same pairs, same batch size.

Steps are compared by processor time of one thread each, whole fits by wall time as a user waits
for them: both sides use the machine as they do unasked. Needs ``trl`` and ``accelerate``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import preference_fits as fits
import pytest
import torch
from conftest import least_seconds

from benchmark.harness import Cache, Harness, to_llama
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.harness.tokenizer import BEGIN, SPECIAL
from simulators.text import load_domain

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("trl") is None or find_spec("accelerate") is None,
        reason="a comparison with TRL needs trl and accelerate",
    ),
]
SHORT = 4


@pytest.fixture(scope="module")
def backbone():
    torch.set_num_threads(1)
    domain = load_domain("headlines")
    prompts, chosen, rejected = fits.draw_pairs("corpus")
    texts = np.concatenate([chosen, rejected])
    return pretrain(np.tile(prompts, 2), texts, domain.vocabulary, steps=40, batch_size=64)


@pytest.mark.parametrize(
    ("reference", "target"), [("as a user gets it", 2.5), ("its reference precomputed", 1.6)]
)
def test_a_preference_step_against_trl(figures, backbone, tmp_path, reference, target):
    """A step is the difference of a long and a short training, so that set-up does not count."""
    pairs, precompute = fits.draw_pairs("steps"), target < 2
    long = SHORT + (16 if figures.brief else 40)
    cache = Cache()
    if precompute:
        known = Harness(backbone, cache=cache)
        for side in pairs[1:]:
            known.reference(pairs[0], side)

    def ours(steps):
        # Trainings are kept by content, which would make a second round free.
        own = Cache(_numbers=cache._numbers) if precompute else Cache()
        fits.fit_ours(backbone, pairs, steps, own)

    def theirs(steps):
        trainer = fits.make_trainer(backbone, pairs, steps, tmp_path, precompute)
        trainer.get_train_dataloader()  # precomputing happens here, outside the time of a step
        begun = time.process_time()
        trainer.train()
        return time.process_time() - begun

    rounds = 1 if figures.brief else 3
    own, other = [], []
    for _ in range(rounds):
        few, many = least_seconds(lambda: ours(SHORT), lambda: ours(long), rounds=1)
        own.append(many - few)
        other.append(theirs(long) - theirs(SHORT))
    figures.show(ours, SHORT)
    ratio = figures.note(f"a DPO step, against TRL {reference}", min(other) / min(own), "x", target)
    # Half of the target would be an alarm; the figure itself is the benchmark's.
    assert ratio >= target / 2


def test_sampling_against_generate(figures, backbone):
    prompts = np.array(load_domain("headlines").prompts, dtype=object)
    llama, tokenizer = to_llama(backbone), fits.make_tokenizer(backbone)
    batch = [f"{SPECIAL[BEGIN]} {prompt}" for prompt in np.repeat(prompts, 64)]
    encoded = tokenizer(
        batch, return_tensors="pt", padding=True, padding_side="left", return_token_type_ids=False
    )
    harness = Harness(backbone)

    def theirs():
        llama.generate(**encoded, do_sample=True, max_new_tokens=backbone.longest + 1, top_k=0)

    def ours():
        Harness(backbone, cache=Cache()).sample(harness.policy(), prompts, 64)

    rounds = 1 if figures.brief else 3
    assert figures.race("sampling, against transformers.generate", ours, theirs, rounds, 1.5) > 1


def wall_seconds(side: str, folder: Path, count: int, steps: int) -> float:
    """Wall time of whole fits in a process of their own, with no setting of threads."""
    command = [sys.executable, fits.__file__, side, str(folder), str(count), str(steps)]
    settings = {name: value for name, value in os.environ.items() if not name.endswith("NUM_THREADS")}
    begun = time.perf_counter()
    subprocess.run(command, check=True, env=settings, capture_output=True)
    return time.perf_counter() - begun


def test_whole_fits_against_trl(figures, backbone, tmp_path):
    """Imports, set-up and training of many fits, each side as its users run it."""
    backbone.save(tmp_path / "backbone")
    count, steps, rounds = (2, 4, 1) if figures.brief else (16, 60, 2)
    own, other = [], []
    for _ in range(rounds):
        own.append(wall_seconds("ours", tmp_path, count, steps))
        other.append(wall_seconds("trl", tmp_path, count, steps))
    figures.show(wall_seconds, "ours", tmp_path, 2, 4)
    ratio = figures.note(f"{count} whole DPO fits, against TRL in a loop", min(other) / min(own), "x", 4)
    assert ratio > (0.5 if figures.brief else 2)
