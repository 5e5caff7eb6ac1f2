"""The accelerator check without an accelerator: what it imports, how it judges, what it compares with."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from harness_corpus import make_corpus, make_log

from benchmark.harness.decoder.pretrain import pretrain
from tests.perf.gpu_check import Report, timed
from tests.perf.gpu_check_loops import PLAIN, make_fit, pair_by_outcome

LISTED = """
import sys
import tests.perf.gpu_check, tests.perf.gpu_check_loops
import benchmark.harness, benchmark.runs.execute, benchmark.tasks.suite
import benchmark; benchmark.run_suite
import methods; methods.list_methods()
print(*sorted({"datasets", "trl", "peft", "accelerate"} & set(sys.modules)))
"""


def test_neither_datasets_nor_trl_is_imported():
    told = subprocess.run([sys.executable, "-c", LISTED], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []


@pytest.mark.parametrize(
    ("value", "bounds", "passed"),
    [(1.0, {}, True), (1.0, {"most": 1.0}, True), (1.1, {"most": 1.0}, False),
     (2.0, {"least": 2.0}, True), (1.9, {"least": 2.0}, False), (np.nan, {"most": 1.0}, False)],
)  # fmt: skip
def test_a_figure_outside_its_bound_fails_the_check(value, bounds, passed):
    report = Report("cpu")
    report.add("part", "fine", 0.0, most=1.0)
    report.add("part", "what", value, "s", **bounds)
    assert report.passed is passed
    assert report.table().row_count == 2


def test_warm_rounds_are_not_counted():
    calls = []
    timed(lambda: calls.append(1), "cpu", rounds=2)
    assert len(calls) == 3
    timed(lambda: calls.append(1), "cpu", rounds=2, warm=False)
    assert len(calls) == 5


def test_the_plain_loop_prefers_the_better_half():
    corpus, log = make_corpus(1000), make_log(120, 0)
    backbone = pretrain(corpus.prompts, corpus.texts, corpus.vocabulary, steps=5, batch_size=32)
    pairs = pair_by_outcome(log)
    outcome = dict(zip(log.texts, log.outcomes, strict=True))
    better, worse = ([outcome[text] for text in side] for side in (pairs.chosen, pairs.rejected))
    assert min(better) >= max(worse)
    make_fit(PLAIN, backbone, pairs, 2, "cpu")()
