"""An insider who knows how worlds are drawn gains nothing by it where nothing identifies the effects.

Worlds have seasons that nobody published. Regret is that of same-prompt pairs, 0 perfect, .5 a coin. Rewards
are fitted on the attributes themselves, which is more than any method is given.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from attribute_worlds import regrets
from learned_insider import examine
from scipy import stats

from benchmark.contract import Streams
from simulators import build

SEEDS, ROWS = range(10), 4000
HONEST = ("naive", "covariate-regression", "residual-partial-out")
INSIDERS = ("insider-responses", "insider-extrapolated")
UNIDENTIFIED = {
    "hidden": {},
    "hidden, twice as strong": {"strength": 2.0},
    "overlap": {"correlation": 1.0},
    "overlap, twice as strong": {"correlation": 1.0, "strength": 2.0},
    "impossible": {},
}


def regrets_of(names, family, parameters):
    return regrets(names, family, parameters, SEEDS, ROWS, "an unpublished season")


@pytest.mark.parametrize("setting", UNIDENTIFIED)
def test_an_insider_does_not_beat_the_best_honest_method(setting):
    """By more than ten seeds resolve: two standard errors of the paired difference."""
    found = regrets_of((*HONEST, *INSIDERS), setting.partition(",")[0], UNIDENTIFIED[setting])
    best = min(HONEST, key=lambda name: found[name].mean())
    for insider in INSIDERS:
        gain = found[best] - found[insider]
        assert gain.mean() < 2 * gain.std(ddof=1) / np.sqrt(len(gain)) + 1e-9


def test_the_insider_is_no_straw_man():
    """Where confounders are recorded, texts tell the direction of the bias, and it is found."""
    found = regrets_of(("naive", "insider-responses"), "observed", {})
    gain = found["naive"] - found["insider-responses"]
    assert gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain))


def correlate_with_columns(world):
    """Size of the correlation of every attribute with every recorded column, shape (K, columns), exact."""
    weights, chance = world.law.weights.sum(axis=1), world.law.probabilities
    people = SimpleNamespace(people=world.law.people)
    columns = np.column_stack([column.value(people) for column in world.recording.columns])
    columns = columns - weights @ columns
    share = weights @ chance
    covariance = (weights[:, None] * (chance - share)).T @ columns
    spread = np.sqrt(share * (1 - share))[:, None] * np.sqrt(weights @ columns**2)
    return np.abs(covariance / spread)


def test_columns_do_not_tell_which_attributes_are_confounded():
    """In hidden, attributes with and without an unrecorded urge go with the columns by one law."""
    confounded, free = [], []
    for seed in range(30):
        world = build("hidden", {}, Streams("an unpublished season", "hidden", seed))
        sizes, responds = correlate_with_columns(world), world.roles.directions != 0
        confounded.append(sizes[responds].ravel())
        free.append(sizes[~responds].ravel())
    confounded, free = np.concatenate(confounded), np.concatenate(free)
    assert stats.ks_2samp(confounded, free).pvalue > 0.01
    assert free.mean() == pytest.approx(confounded.mean(), rel=0.15)


@pytest.mark.slow
def test_an_insider_who_learned_the_prior_gains_nothing_on_hidden_worlds():
    """By more than ten worlds resolve: two standard errors of the paired difference."""
    found = examine("hidden", taught=60, asked=10)
    best = min(HONEST, key=lambda name: found[name].mean())
    gain = found[best] - found["insider"]
    assert gain.mean() < 2 * gain.std(ddof=1) / np.sqrt(len(gain))
