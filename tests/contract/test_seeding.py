"""Streams are addressed by path, unambiguous, and longer draws start with shorter ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmark.contract import BLOCK, Streams, make_rng
from benchmark.contract.seeding import digest_path


def normals(streams: Streams, start: int, stop: int) -> np.ndarray:
    return streams.draw_rows("noise", start, stop, lambda rng, n: rng.standard_normal((n, 2)))


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_different_paths_have_different_digests(left, right):
    assert (digest_path(tuple(left)) == digest_path(tuple(right))) == (left == right)


def test_rows_do_not_depend_on_where_a_draw_starts_or_stops():
    streams = Streams("s", "observed", 3)
    whole = normals(streams, 0, 3 * BLOCK + 7)
    for start, stop in [(0, 10), (BLOCK - 1, BLOCK + 1), (BLOCK, 2 * BLOCK), (5, 3 * BLOCK + 7)]:
        np.testing.assert_array_equal(normals(streams, start, stop), whole[start:stop])


def test_a_secret_changes_every_stream():
    public = Streams("s", "observed", 0).rng("noise").standard_normal(4)
    secret = Streams("s", "observed", 0, secret=b"key").rng("noise").standard_normal(4)
    assert not np.isclose(public, secret).any()


def test_a_path_always_gives_the_same_stream():
    assert make_rng("a", 1).integers(1 << 62) == make_rng("a", 1).integers(1 << 62)
