"""A small log, queries and backbone of made-up texts, and a sandbox or a skip that says why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmark.contract import Budget, Log, Queries, make_rng
from benchmark.sandbox.outside import Limits, Sandbox, Task, probe_bubblewrap

MIB = 1024 * 1024
WORDS = ("plain", "bright", "quick", "quiet", "early", "late", "small", "large")
LIMITS = Limits(wall_s=60, cpu_s=60, memory_bytes=1536 * MIB, answer_bytes=4 * MIB)
SUBMISSIONS = Path(__file__).parent / "submissions"


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The sandbox with its full wall."""
    probe = probe_bubblewrap()
    if not probe.works:
        pytest.skip(f"bubblewrap does not work here: {probe.problem}; {probe.fix}")
    return Sandbox(limits=LIMITS)


@pytest.fixture(scope="session")
def open_room() -> Sandbox:
    """The same runner without a wall, to prove that the attacks would otherwise work."""
    return Sandbox(isolation="none", limits=LIMITS)


@pytest.fixture(scope="session")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """A log in which a covariate and some words move the outcome."""
    from benchmark.harness.decoder.pretrain import pretrain

    rng = make_rng("adversarial", "texts")
    n, items = 300, 40
    texts = np.array([" ".join(rng.choice(WORDS, 4)) for _ in range(n + items)], dtype=object)
    prompts = np.full(n + items, "notice", dtype=object)
    backbone = tmp_path_factory.mktemp("backbone")
    pretrain(prompts, texts, WORDS, steps=3).save(backbone)
    day = rng.integers(2, size=n).astype(float)
    bright = np.array(["bright" in text for text in texts[:n]], dtype=float)
    columns = {
        "prompt": prompts[:n],
        "text": texts[:n],
        "outcome": bright + 2 * day + rng.normal(size=n),
        "covariate.day": day,
    }
    queries = Queries(
        prompts=prompts[n:],
        texts=texts[n:],
        pairs=np.arange(items).reshape(-1, 2),
        contrasts=np.array([[0, 0, 1], [1, 2, 3]]),
        pools=np.arange(items).reshape(1, -1),
        generate=np.array(["notice"], dtype=object),
        n_samples=2,
    )
    log = Log(pa.table({name: pa.array(values) for name, values in columns.items()}))
    return Task(log, queries, Budget(steps=2, batch_size=8), backbone)


@pytest.fixture
def quick(sandbox: Sandbox) -> Sandbox:
    """A sandbox with little patience."""
    return replace(sandbox, limits=replace(LIMITS, wall_s=2))
