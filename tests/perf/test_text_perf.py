"""Rows a second of writing and reading; run with ``--benchmark-enable``.

Floors on one idle core: 300,000 rows/s written (strings and ids), 100,000 rows/s read, on headlines.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.contract.seeding import make_rng
from simulators.text import list_domains, load_domain

ROWS = 32_768


def draw_rows(name: str):  # type: ignore[no-untyped-def]
    domain, rng = load_domain(name), make_rng("perf", name)
    if domain.support is None:
        attributes = rng.integers(0, 2, size=(ROWS, len(domain.attributes)), dtype=np.int8)
    else:
        attributes = np.array(domain.support, dtype=np.int8)[rng.integers(len(domain.support), size=ROWS)]
    return domain, attributes, rng.integers(len(domain.prompts), size=ROWS), domain.draw_choices(ROWS, rng)


@pytest.mark.parametrize("name", list_domains())
def test_writing(benchmark, name: str) -> None:  # type: ignore[no-untyped-def]
    domain, attributes, prompt_ids, uniforms = draw_rows(name)
    benchmark.extra_info["rows"] = ROWS
    realised = benchmark(domain.realise_choices, attributes, prompt_ids, uniforms)
    assert len(realised.texts) == ROWS


@pytest.mark.parametrize("name", list_domains())
def test_reading(benchmark, name: str) -> None:  # type: ignore[no-untyped-def]
    domain, attributes, prompt_ids, uniforms = draw_rows(name)
    texts = domain.realise_choices(attributes, prompt_ids, uniforms).texts
    benchmark.extra_info["rows"] = ROWS
    read = benchmark(domain.detect, texts)
    np.testing.assert_array_equal(read.attributes, attributes)


def test_reading_texts_off_the_grammar(benchmark) -> None:  # type: ignore[no-untyped-def]
    domain, attributes, prompt_ids, uniforms = draw_rows("headlines")
    texts = [
        text + " Extra."
        for text in domain.realise_choices(attributes, prompt_ids, uniforms).texts.to_pylist()
    ]
    benchmark.extra_info["rows"] = ROWS
    read = benchmark(domain.detect, texts)
    assert not read.on_grammar.any()
    np.testing.assert_array_equal(read.attributes, attributes)
