"""The same preference fits by this harness and by TRL, as a user of each would write them.

``python preference_fits.py SIDE FOLDER FITS STEPS`` runs whole fits in a process of its own, imports
and set-up included: side ``ours`` on the local engine with a worker a processor, side ``trl`` in a
loop with the threads that PyTorch takes unasked. The folder holds the backbone both start from.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from benchmark.contract import Budget, Log, Tags, Texts, Train, make_rng
from benchmark.runs.engines.base import CellResult
from benchmark.runs.engines.local import run_local
from benchmark.runs.entrants import Entrant
from benchmark.runs.plan import Cell, Group
from benchmark.tasks.scenario import Scenario
from simulators.text import load_domain

PAIRS, SIZE, RATE = 1000, 32, 1e-3
TAGS = Tags()


def draw_pairs(part: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prompts, chosen and rejected texts of random headlines."""
    domain, rng = load_domain("headlines"), make_rng("perf", "trl", part)
    topics = rng.integers(0, len(domain.prompts), PAIRS)
    chosen, rejected = (
        domain.realise(rng.integers(0, 2, (PAIRS, len(domain.attributes))), topics, rng) for _ in range(2)
    )
    prompts = np.array(domain.prompts, dtype=object)[topics]
    return prompts, *(side.to_numpy(zero_copy_only=False) for side in (chosen, rejected))


# -- this harness ------------------------------------------------------------------
@dataclass(frozen=True)
class Preference:
    beta: float = 0.1

    def __call__(self, scores: Any, batch: Any) -> Any:
        from torch.nn.functional import logsigmoid

        good, bad = scores["chosen"], scores["rejected"]
        return -logsigmoid(self.beta * (good.value - good.reference - bad.value + bad.reference))


@dataclass(frozen=True, eq=False)
class Ours:
    pairs: tuple
    name: str = "ours"
    tags: Tags = TAGS

    def fit(self, log: Log, harness: Any) -> Any:
        prompts, chosen, rejected = self.pairs
        fields = {"chosen": Texts(prompts, chosen), "rejected": Texts(prompts, rejected)}
        model = yield Train(harness.policy(), fields, {}, Preference(), learning_rate=RATE)
        return harness.fitted_policy(model)


def fit_ours(backbone: Any, pairs: tuple, steps: int, cache: Any = None) -> Any:
    from benchmark.harness import Cache, Harness, drive

    log = Log(pa.table({"prompt": pairs[0], "text": pairs[1], "outcome": np.zeros(PAIRS)}))
    harness = Harness(backbone, Budget(steps=steps, batch_size=SIZE), cache=cache or Cache())
    (fitted,) = drive(Ours(pairs), [(log, harness)])
    return fitted.model


@dataclass(eq=False)
class Bench:
    """A workbench whose cells are preference fits; the seed of a cell says which pairs."""

    backbone: Any
    steps: int

    def split(self, group: Group, indices: Any) -> list[tuple[int, ...]]:
        return [(index,) for index in indices]

    def run(self, group: Group, indices: Any) -> list[CellResult]:
        for index in indices:
            fit_ours(self.backbone, draw_pairs(group.cells[index].seed), self.steps)
        return [CellResult("ok") for _ in indices]


def open_bench(folder: str, steps: int) -> Bench:
    from benchmark.harness import Backbone, set_arithmetic

    set_arithmetic(threads=1)
    return Bench(Backbone.load(f"{folder}/backbone"), steps)


def run_ours(folder: str, fits: int, steps: int) -> None:
    """All fits on the local engine, with a worker a processor."""
    scenario, entrant = Scenario.parse("observed"), Entrant("dpo", policy=True)
    groups = [Group(entrant, (Cell(scenario, k),), "tiny", k, str(k)) for k in range(fits)]
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # Found again by name in the workers, which do not know this module as __main__.
    import preference_fits

    results = list(run_local(groups, partial(preference_fits.open_bench, folder, steps), min(workers, fits)))
    assert [cell.status for _, cells in results for cell in cells] == ["ok"] * fits


# -- TRL -----------------------------------------------------------------------------
def make_tokenizer(backbone: Any) -> Any:
    """The harness's words as a ``transformers`` tokenizer."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    from benchmark.harness.tokenizer import BEGIN, END, PAD, SPECIAL, UNKNOWN

    words = (*SPECIAL, *backbone.tokenizer.words)
    made = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token=words[UNKNOWN]))
    made.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=words[PAD], bos_token=words[BEGIN], eos_token=words[END], unk_token=words[UNKNOWN],
    )  # fmt: skip


def make_trainer(backbone: Any, pairs: tuple, steps: int, folder: str, precompute: bool = False) -> Any:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    from benchmark.harness import to_llama

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


def run_trl(folder: str, fits: int, steps: int) -> None:
    """All fits one after the other, as a loop over trainers does it."""
    from benchmark.harness import Backbone

    backbone = Backbone.load(f"{folder}/backbone")
    for k in range(fits):
        make_trainer(backbone, draw_pairs(k), steps, folder).train()


if __name__ == "__main__":
    {"ours": run_ours, "trl": run_trl}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
