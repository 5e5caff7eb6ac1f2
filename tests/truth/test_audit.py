"""What reaches a log: nothing that carries the truth."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import make_world

import simulators
from benchmark.contract.roles import role_of
from simulators.families import hidden

FAMILIES = [card.name for card in simulators.list_families()]
AFTER = {"outcome", "mediator", "judge", "observed", "observation_propensity", "tie"}
ABOUT_TEXT = {"propensity", "target_propensity", "attribute", "arm"}
N = 40_000


def before_columns(log):
    """Number columns recorded before the text was chosen."""
    skip = AFTER | ABOUT_TEXT | {"prompt", "text", "chosen", "rejected", "first", "second", "third"}
    return [name for name in log.table.column_names if role_of(name) not in skip]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_column_recorded_before_the_text_tells_its_worth(family):
    """On the randomised twin nothing known beforehand correlates with the text's own reward."""
    world = make_world(family, seed=2)
    draw = world.draw(N, "twin")
    reward = draw.truth.column("reward").to_numpy()
    rows = world.draw_rows(0, N, "twin")
    typical = world.truth.rewards.mean(axis=2)[rows.contexts, rows.prompt_ids]
    for name in before_columns(draw.log):
        if name in world.recording.after:
            continue
        values = draw.log.numbers(name)
        if values.std() > 0 and world.feedback.slots == 1:
            assert abs(np.corrcoef(values, reward - typical)[0, 1]) < 4.5 / np.sqrt(N), name


@pytest.mark.parametrize("family", FAMILIES)
def test_logs_name_no_truth(family):
    log = make_world(family).draw(100).log
    for name in log.table.column_names:
        assert not name.startswith(("hidden.", "reward", "log_propensity"))
    metadata = log.table.schema.metadata or {}
    assert not any(family.encode() in value for value in metadata.values())


def test_what_is_recorded_in_hidden_holds_at_most_its_share_of_the_drivers():
    world = make_world("hidden")
    draw = world.draw(N)
    urges = [name for name in draw.truth.column_names if name.startswith("hidden.urge")]
    drivers = np.stack([draw.truth.column(name).to_numpy() for name in urges], axis=1)
    for column in draw.log.covariates.T:
        shares = np.corrcoef(column, drivers.T)[0, 1:] ** 2
        assert 0.5 * hidden.SHARE_RANGE[0] < shares.sum() < hidden.SHARE_RANGE[1] + 4.5 / np.sqrt(N)
    assert not draw.log.has("propensity")
    # and the drivers do move the outcome
    assert np.square(np.corrcoef(draw.log.outcomes, drivers.T)[0, 1:]).sum() > 0.04


@pytest.mark.parametrize("family", FAMILIES)
def test_row_order_tells_nothing(family):
    draw = make_world(family).draw(N)
    order = np.arange(N)
    assert abs(np.corrcoef(order, draw.truth.column("reward").to_numpy())[0, 1]) < 4.5 / np.sqrt(N)


@pytest.mark.parametrize("family", FAMILIES)
def test_complete_records_hold_every_driver_and_no_stand_in(family):
    world = make_world(family)
    log = world.draw(200, "twin", complete=True).log
    drivers = {*world.outcome.features.names, *world.outcome.prognostic.names}
    assert drivers <= set(log.names("covariate"))
    assert not log.has("proxy")
    assert not log.has("instrument")
    if log.kind == "outcome":
        assert np.isfinite(log.outcomes).all()


@pytest.mark.parametrize("family", ["observed", "randomised", "null", "marker"])
def test_logged_propensities_are_those_of_the_text(family):
    world = make_world(family)
    for arm in ("log", "twin"):
        draw = world.draw(500, arm)
        assert draw.log.numbers("propensity") == pytest.approx(
            np.exp(draw.truth.column("log_propensity").to_numpy()), rel=1e-12
        )
    assert draw.log.numbers("propensity") == pytest.approx(draw.log.numbers("target_propensity"), rel=1e-12)
