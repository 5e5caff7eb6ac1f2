"""wide: which answers act is drawn, all look alike, and sums over answers are exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from worlds import make_world, randomised_contrasts

from simulators.families.wide import ANSWERS, ECHOED
from simulators.identification import find_strategies
from simulators.law.codes import encode
from simulators.law.population import Factor, Population
from simulators.standard import change_rule

N = 100_000


def confounders(world):
    return {f"covariate.{name}" for name in world.outcome.features.names}


@pytest.mark.parametrize(("covariates", "count"), [(12, 1), (50, 4), (80, 6)])
def test_as_many_answers_are_recorded_and_confound_as_asked_for(covariates, count):
    world = make_world("wide", covariates=covariates, confounders=count)
    log = world.draw(10).log
    assert log.covariates.shape == (10, covariates)
    assert set(np.unique(log.covariates)) <= {-1.5, -0.5, 0.5, 1.5}
    assert len(confounders(world)) == count


def test_the_smallest_back_door_set_is_the_confounders():
    world = make_world("wide")
    back_door = find_strategies(world.graph())[0]
    assert back_door.name == "back-door"
    assert set(back_door.columns) == confounders(world)


def test_which_answers_confound_is_drawn():
    found = [frozenset(confounders(make_world("wide", seed=seed))) for seed in range(8)]
    assert len(set(found)) == 8
    assert len(frozenset.union(*found)) > 16


def test_no_distribution_of_answers_tells_what_acts():
    """Every answer has the published distribution: chi-squared with 3 degrees of freedom, 50 answers."""
    log = make_world("wide", seed=2).draw(N).log
    counts = np.stack([(log.covariates == value).sum(axis=0) for value in (-1.5, -0.5, 0.5, 1.5)])
    expected = N * ANSWERS[:, None]
    assert ((counts - expected) ** 2 / expected).sum(axis=0).max() < 28  # P(chi2_3 > 28) < 4e-6


def test_echoes_are_correlated_with_what_they_echo():
    """A copy in four of ten rows correlates .4; two echoes of one answer .16."""
    world = make_world("wide", seed=2)
    log = world.draw(N).log
    found = np.abs(np.corrcoef(log.covariates.T) - np.eye(50)).max(axis=1)
    acting = {*confounders(world), *(f"covariate.{name}" for name in world.outcome.prognostic.names)}
    acting |= {f"covariate.{name}" for name in world.rule.features.names}
    idle = [i for i, name in enumerate(log.names("covariate")) if f"covariate.{name}" not in acting]
    assert found[idle] == pytest.approx(ECHOED, abs=0.02)


@pytest.mark.parametrize(("count", "strength", "overlap"), [(6, 1.6, 0.2), (2, 0.4, 0.5)])
def test_truth_and_naive_limit_match_brute_force(count, strength, overlap):
    world = make_world("wide", seed=9, confounders=count, strength=strength, overlap=overlap, covariates=20)
    decoys = world.roles.effects == 0
    worst = world.truth.naive_effects[decoys].max()
    assert worst == pytest.approx(strength * world.roles.largest_effect, rel=0.02)
    rows = world.draw_rows(0, 2 * N, "twin")
    estimates, errors = randomised_contrasts(rows.attributes[0], rows.outcomes[0])
    assert np.abs((estimates - world.truth.effects) / errors).max() < 4
    rows = world.draw_rows(0, 2 * N)
    rest = rows.outcomes[0] - world.truth.naive_rewards[0, rows.prompt_ids, encode(rows.attributes[0])]
    for column in rows.attributes[0].T:
        for value in (0, 1):
            chosen = rest[column == value]
            assert abs(chosen.mean()) < 4 * chosen.std() / np.sqrt(len(chosen))


def test_the_naive_limit_of_one_question_is_bayes_rule():
    """One answer c in {-1.5, ..., 1.5} with law q, standardised to z; P(a_0 = 1 | c) = s(gamma z), g = z.

    P(a_0 = 1) = 1/2 by symmetry, so L_0 - tau_0 = 2 delta sum_c q(c) z(c) (2 s(gamma z(c)) - 1).
    """
    world = make_world("wide", confounders=1, covariates=12)
    pulls = np.zeros_like(world.rule.weights)
    pulls[0, 0] = 1.0
    world = change_rule(world, weights=pulls, intercepts=np.zeros(len(pulls)), gamma=1.3)
    world = replace(world, outcome=replace(world.outcome, coefficients=np.ones(1), delta=0.6))
    values = np.arange(4) - 1.5
    z = values / np.sqrt(ANSWERS @ values**2)
    expected = 2 * 0.6 * (ANSWERS * z) @ (2 * expit(1.3 * z) - 1)
    bias = world.truth.naive_effects - world.truth.effects
    assert bias[0] == pytest.approx(expected, abs=1e-9)
    assert np.abs(bias[1:]).max() < 1e-9


def test_one_node_of_any_factor_is_its_mean():
    factors = (Factor("coin", "bernoulli", (0.3,)), Factor("die", "categorical", (0.5, 0.5, 1.0), nodes=1))
    people, weights = Population(factors).grid()
    assert people["coin"].tolist() == [0.0, 1.0]
    assert people["die"] == pytest.approx([1.25, 1.25])
    assert weights == pytest.approx([0.7, 0.3])
