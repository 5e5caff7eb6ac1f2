"""Preference training here against TRL's: same weights, same pairs, same batch size, processor time.

Processor seconds of the process are compared, so that other load on the machine counts
little. TRL is no dependency; install ``trl`` and ``accelerate`` to run this file.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
import torch
import torch.nn.functional as F

from benchmark.contract import Budget, Log, Tags, Texts, Train, make_rng
from benchmark.harness import Backbone, Harness, drive, pretrain, to_llama
from benchmark.harness.tokenizer import BEGIN, END, PAD, SPECIAL, UNKNOWN
from simulators.text import load_domain

pytest.importorskip("trl", reason="a comparison with TRL needs trl and accelerate")

PAIRS, SIZE, RATE = 1000, 32, 1e-3
FITS, STEPS = 16, 60
TAGS = Tags()


def draw_pairs(part):
    """Prompts, chosen and rejected texts of random headlines."""
    domain, rng = load_domain("headlines"), make_rng("perf", "trl", part)
    topics = rng.integers(0, len(domain.prompts), PAIRS)
    sides = [
        domain.realise(rng.integers(0, 2, (PAIRS, len(domain.attributes))), topics, rng).texts
        for _ in range(2)
    ]
    prompts = np.array(domain.prompts, dtype=object)[topics]
    return prompts, *(side.to_numpy(zero_copy_only=False) for side in sides)


@pytest.fixture(scope="module")
def backbone():
    torch.set_num_threads(1)
    domain = load_domain("headlines")
    prompts, chosen, rejected = draw_pairs("corpus")
    texts = np.concatenate([chosen, rejected])
    return pretrain(np.tile(prompts, 2), texts, domain.vocabulary, steps=40, batch_size=64)


# -- both sides ------------------------------------------------------------------
@dataclass(frozen=True)
class Preference:
    beta: float = 0.1

    def __call__(self, scores, batch):
        good, bad = scores["chosen"], scores["rejected"]
        return -F.logsigmoid(self.beta * (good.value - good.reference - bad.value + bad.reference))


@dataclass(frozen=True, eq=False)
class Ours:
    pairs: tuple
    name: str = "ours"
    tags: Tags = TAGS

    def fit(self, log, harness):
        prompts, chosen, rejected = self.pairs
        fields = {"chosen": Texts(prompts, chosen), "rejected": Texts(prompts, rejected)}
        model = yield Train(harness.policy(), fields, {}, Preference(), learning_rate=RATE)
        return harness.fitted_policy(model)


def fit_ours(backbone, pairs, steps, cache=None):
    log = Log(pa.table({"prompt": pairs[0], "text": pairs[1], "outcome": np.zeros(PAIRS)}))
    harness = Harness(backbone, Budget(steps=steps, batch_size=SIZE), cache=cache)
    (fitted,) = drive(Ours(pairs), [(log, harness)])
    return fitted.model


def make_tokenizer(backbone):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    words = (*SPECIAL, *backbone.tokenizer.words)
    made = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token=words[UNKNOWN]))
    made.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=words[PAD], bos_token=words[BEGIN], eos_token=words[END], unk_token=words[UNKNOWN],
    )  # fmt: skip


def make_trainer(backbone, pairs, steps, folder, precompute=False):
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    prompts, chosen, rejected = pairs
    # TRL joins prompt and completion as they are.
    sides = {"chosen": [f" {text}" for text in chosen], "rejected": [f" {text}" for text in rejected]}
    data = Dataset.from_dict({"prompt": list(prompts), **sides})
    settings = DPOConfig(
        output_dir=str(folder), per_device_train_batch_size=SIZE, max_steps=steps, learning_rate=RATE,
        beta=0.1,
        bf16=False, use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True, logging_steps=1000,
        gradient_checkpointing=False, precompute_ref_log_probs=precompute,
    )  # fmt: skip
    return DPOTrainer(
        model=to_llama(backbone).train(), ref_model=None if precompute else to_llama(backbone),
        args=settings, train_dataset=data, processing_class=make_tokenizer(backbone),
    )  # fmt: skip


def processor_seconds(action):
    begun = time.process_time()
    action()
    return time.process_time() - begun


# -- comparisons -----------------------------------------------------------------
@pytest.mark.slow
def test_a_preference_step_against_trl(backbone, tmp_path, record_property):
    """A step is the difference of a long and a short training, so that set-up does not count."""
    pairs = draw_pairs("steps")
    short, long = 5, 45

    def ours(cached):
        from benchmark.harness import Cache

        cache = Cache()
        if cached:
            known = Harness(backbone, cache=cache)
            for side in pairs[1:]:
                known.reference(pairs[0], side)
        return lambda steps: fit_ours(backbone, pairs, steps, cache)

    def theirs(precompute):
        def fit(steps):
            trainer = make_trainer(backbone, pairs, steps, tmp_path, precompute)
            trainer.get_train_dataloader()  # precomputing happens here, outside the time of a step
            begun = time.process_time()
            trainer.train()
            return time.process_time() - begun

        return fit

    def own_step(cached):
        return min(
            processor_seconds(lambda: ours(cached)(long)) - processor_seconds(lambda: ours(cached)(short))
            for _ in range(3)
        ) / (long - short)

    def their_step(precompute):
        fit = theirs(precompute)
        return min(fit(long) - fit(short) for _ in range(2)) / (long - short)

    ratio = their_step(False) / own_step(False)
    precomputed = their_step(True) / own_step(True)
    record_property("as a user gets it", ratio)
    record_property("reference precomputed", precomputed)
    sys.stderr.write(f"\nstep: {ratio:.2f}x as a user gets it, {precomputed:.2f}x precomputed\n")
    assert ratio >= 2.5
    assert precomputed >= 1.6


@pytest.mark.slow
def test_sampling_against_generate(backbone, record_property):
    prompts = np.array(load_domain("headlines").prompts, dtype=object)
    llama, tokenizer = to_llama(backbone), make_tokenizer(backbone)
    batch = [f"{SPECIAL[BEGIN]} {prompt}" for prompt in np.repeat(prompts, 64)]
    encoded = tokenizer(
        batch, return_tensors="pt", padding=True, padding_side="left", return_token_type_ids=False
    )
    harness = Harness(backbone)

    def theirs():
        llama.generate(**encoded, do_sample=True, max_new_tokens=backbone.longest + 1, top_k=0)

    def ours():
        from benchmark.harness import Cache

        Harness(backbone, cache=Cache()).sample(harness.policy(), prompts, 64)

    ours(), theirs()
    ratio = min(processor_seconds(theirs) for _ in range(3)) / min(processor_seconds(ours) for _ in range(3))
    record_property("sampling", ratio)
    sys.stderr.write(f"\nsampling: {ratio:.2f}x\n")
    assert ratio > 1


def children_seconds(*arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, __file__, *map(str, arguments)], check=True, env={**os.environ, **threads}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.slow
def test_whole_fits_against_trl(backbone, tmp_path, record_property):
    """Imports, set-up and training of many fits, in a process of their own."""
    backbone.save(tmp_path / "backbone")
    ratio = children_seconds("trl", tmp_path) / children_seconds("ours", tmp_path)
    record_property("16 whole fits", ratio)
    sys.stderr.write(f"\n{FITS} whole fits: {ratio:.2f}x\n")
    assert ratio > 2


def main(side, folder):
    torch.set_num_threads(1)
    found = Backbone.load(f"{folder}/backbone")
    for k in range(FITS):
        if side == "ours":
            fit_ours(found, draw_pairs(k), STEPS)
        else:
            make_trainer(found, draw_pairs(k), STEPS, folder).train()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
