"""Truth and naive limits at settings that no other test names; ``brute_force`` draws many more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brute_force import compare_naive, compare_rewards, draw_settings, measure
from worlds import make_world

SETTINGS, ROWS = 12, 40_000


@pytest.mark.slow
def test_truth_and_naive_limits_are_exact_at_drawn_settings():
    """Of 12 settings: some 300 scores, of which one beyond 4 has a chance of 300 x 6e-5 = 2 %."""
    every = [(str(setting), measure(world, ROWS)) for setting, world in draw_settings(SETTINGS)]
    for name, scores in every:
        assert np.abs(scores).max() < 4, (name, scores.round(2))
    # scores of one world share rows, so their spread is not as sharp as their number says
    assert np.concatenate([scores for _, scores in every]).std() == pytest.approx(1, abs=0.15)


def test_a_wrong_effect_is_seen():
    """A tenth of the noise's standard deviation on one attribute, where 40,000 rows resolve a fortieth."""
    world = make_world("observed", surface=0.3, wording=0.2)
    moved = world.outcome.base + 0.1 * (np.arange(world.outcome.base.shape[-1]) & 1)
    wrong = replace(world, outcome=replace(world.outcome, base=moved))
    rows = world.draw_rows(0, ROWS)
    assert np.abs(compare_rewards(world, ROWS)).max() < 4
    assert np.abs(compare_naive(world, ROWS)).max() < 4
    object.__setattr__(wrong, "draw_rows", lambda start, stop, data="log": world.draw_rows(start, stop, data))
    assert len(rows) == ROWS
    assert np.abs(compare_rewards(wrong, ROWS)).max() > 4
    assert np.abs(compare_naive(wrong, ROWS)).max() > 4
