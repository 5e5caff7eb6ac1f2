"""Rows a second of writing and reading; run with ``--benchmark-enable`` for the figures.

The floors are held by processor time, best of five, so that a busy machine does not fail them.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from benchmark.contract.seeding import make_rng
from simulators.text import list_domains, load_domain

ROWS = 32_768
# rows a second of one core, written (strings and word ids) and read; letters are picked from listed vectors
WRITTEN, READ = {"letters": 100_000}, 100_000
OTHERS_WRITTEN = 300_000


def draw_rows(name: str):  # type: ignore[no-untyped-def]
    domain, rng = load_domain(name), make_rng("perf", name)
    if domain.support is None:
        attributes = rng.integers(0, 2, size=(ROWS, len(domain.attributes)), dtype=np.int8)
    else:
        attributes = np.array(domain.support, dtype=np.int8)[rng.integers(len(domain.support), size=ROWS)]
    return domain, attributes, rng.integers(len(domain.prompts), size=ROWS), domain.draw_choices(ROWS, rng)


def rate(work) -> float:  # type: ignore[no-untyped-def]
    """Rows a second of processor time, the best of five."""
    seconds = []
    for _ in range(5):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return ROWS / min(seconds)


@pytest.mark.parametrize("name", list_domains())
def test_every_domain_keeps_its_floors(name: str) -> None:
    domain, attributes, prompt_ids, uniforms = draw_rows(name)
    texts = domain.write(attributes, prompt_ids, uniforms)
    written = rate(lambda: domain.write(attributes, prompt_ids, uniforms))
    assert written > WRITTEN.get(name, OTHERS_WRITTEN)
    assert rate(lambda: domain.detect(texts)) > READ


@pytest.mark.parametrize("name", list_domains())
def test_writing(benchmark, name: str) -> None:  # type: ignore[no-untyped-def]
    domain, attributes, prompt_ids, uniforms = draw_rows(name)
    benchmark.extra_info["rows"] = ROWS
    realised = benchmark(domain.write, attributes, prompt_ids, uniforms)
    assert len(realised) == ROWS


@pytest.mark.parametrize("name", list_domains())
def test_reading(benchmark, name: str) -> None:  # type: ignore[no-untyped-def]
    domain, attributes, prompt_ids, uniforms = draw_rows(name)
    texts = domain.write(attributes, prompt_ids, uniforms)
    benchmark.extra_info["rows"] = ROWS
    read = benchmark(domain.detect, texts)
    np.testing.assert_array_equal(read.attributes, attributes)


def test_reading_texts_off_the_grammar(benchmark) -> None:  # type: ignore[no-untyped-def]
    domain, attributes, prompt_ids, uniforms = draw_rows("headlines")
    texts = [text + " Extra." for text in domain.write(attributes, prompt_ids, uniforms).to_pylist()]
    benchmark.extra_info["rows"] = ROWS
    read = benchmark(domain.detect, texts)
    assert not read.on_grammar.any()
    np.testing.assert_array_equal(read.attributes, attributes)


@pytest.mark.parametrize("name", ["answers", "headlines", "replies"])
def test_briefs_cost_no_more_than_the_texts_written_for_them(name: str) -> None:
    """A log with unique briefs writes two strings a row in the place of one."""
    domain, rng = load_domain(f"{name}-unique"), make_rng("perf", name)
    prompt_ids = rng.integers(len(domain.prompts), size=ROWS)
    attributes = rng.integers(0, 2, size=(ROWS, len(domain.attributes)), dtype=np.int8)
    uniforms = domain.draw_choices(ROWS, rng)
    texts = rate(lambda: domain.write(attributes, prompt_ids, uniforms))
    prompts = rate(
        lambda: domain.prompt_writer.write(prompt_ids, domain.prompt_writer.draw_choices(ROWS, rng))
    )
    assert prompts > 0.5 * texts
    assert prompts > OTHERS_WRITTEN


@pytest.mark.parametrize("name", list_domains(briefs=True))
def test_phrases_and_prompts_are_read_fast_enough(name: str) -> None:
    domain, rng = load_domain(name), make_rng("perf", name)
    vectors = np.array(domain.support or [[0] * len(domain.attributes)], dtype=np.int8)
    prompt_ids = rng.integers(len(domain.prompts), size=ROWS)
    texts = domain.realise(vectors[rng.integers(len(vectors), size=ROWS)], prompt_ids, rng)
    prompts = domain.prompt_writer.write(prompt_ids, domain.prompt_writer.draw_choices(ROWS, rng))
    assert rate(lambda: domain.read_phrases(texts)) > READ
    assert rate(lambda: domain.prompt_writer.read(prompts)) > READ
