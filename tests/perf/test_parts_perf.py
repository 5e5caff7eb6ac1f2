"""The parts of a cell beside training: writing, reading, scoring and ranking, against the plain way.

The plain way does one row, one method or one pair at a time; both sides run interleaved in one test.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import pytest

from benchmark.contract import Predictions, make_rng
from benchmark.scoring.score import score, score_with_key
from benchmark.tasks.prepare import make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import load_suite
from leaderboard.intervals import Clusters, Estimate, estimate
from leaderboard.ranks import simultaneous_level
from simulators.text import load_domain

ROWS = 2_000


@pytest.fixture(scope="module")
def rows():
    domain, rng = load_domain("headlines"), make_rng("perf", "parts")
    attributes = rng.integers(0, 2, (ROWS, len(domain.attributes)), dtype=np.int8)
    return domain, attributes, rng.integers(0, len(domain.prompts), ROWS), domain.draw_choices(ROWS, rng)


def test_writing_texts_together_beats_one_at_a_time(figures, rows):
    domain, attributes, prompts, uniforms = rows

    def loop():
        for k in range(ROWS):
            domain.write(attributes[k : k + 1], prompts[k : k + 1], uniforms[k : k + 1])

    together = lambda: domain.write(attributes, prompts, uniforms)  # noqa: E731
    assert figures.race("write texts, against one at a time", together, loop, 3) > 10


def test_reading_texts_together_beats_one_at_a_time(figures, rows):
    domain, *choices = rows
    texts = domain.write(*choices).to_pylist()

    def loop():
        for text in texts:
            domain.detect([text])

    assert figures.race("read texts, against one at a time", lambda: domain.detect(texts), loop, 3) > 10


def test_methods_share_an_answer_key(figures):
    task = make_task(Scenario.parse("observed[n=400]"), 0, load_suite("quick"))
    rewards = make_rng("perf", "score").normal(size=(5, len(task.queries.texts)))
    answers = [Predictions(reward=reward) for reward in rewards]

    def anew():
        for answer in answers:
            score(answer, task.queries, task.truth)

    def shared():
        for answer in answers:
            score_with_key(answer, task.key)

    assert figures.race("score a method, against a key of its own", shared, anew, 3) > 2


def make_estimates(methods: int) -> Estimate:
    family, seed = np.repeat(np.arange(6), 5), np.tile(np.arange(5), 6)
    values = make_rng("perf", methods).normal(size=(methods, 30))
    return estimate(values, Clusters.of(family.astype(str), seed))


def test_all_pairs_at_once_beat_pair_after_pair(figures):
    estimates = make_estimates(20)

    def pairs():
        for first, second in zip(*np.triu_indices(20, 1), strict=True):
            both = [first, second]
            pair = Estimate(estimates.mean[both], estimates.influence[both], estimates.clusters)
            simultaneous_level(pair, make_rng("perf"), draws=500)

    together = lambda: simultaneous_level(estimates, make_rng("perf"), draws=500)  # noqa: E731
    assert figures.race("resample 190 pairs for a board, against one at a time", together, pairs, 2) > 1


def seconds_of(*command: str) -> float:
    """Processor seconds of a child process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_is_shown_at_once(figures):
    """Nothing heavy is imported before it is needed: processor time, which other load does not add to."""
    least = min(seconds_of(sys.executable, "-m", "benchmark.cli.main", "--help") for _ in range(4))
    heavy = seconds_of(sys.executable, "-c", "import torch")
    figures.note("confoundbench --help (below 0.5)", least, "s")
    figures.note("confoundbench --help, against importing torch", heavy / least, "x")
    figures.show(seconds_of, sys.executable, "-m", "benchmark.cli.main", "--help")
    assert least < 0.5
