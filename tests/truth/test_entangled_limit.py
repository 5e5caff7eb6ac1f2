"""The entangled world in the linear-Gaussian limit gives the reference's toy table, first two columns.

A feature of a text is the standardised sum of many attributes, each answering reputation a little by the
world's own logging rule: by the central limit theorem a Gaussian feature of chosen correlation with
reputation. A (causal, correlation rho) and D (causal, none) are worth 1, B (correlation .6) nothing;
popularity and placement, the outcome's dependence on them and the moments of people are the world's own,
by its own quadrature. Least squares depends on second moments alone, so they are all that is computed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds import make_world

COPIES = 10**6
EFFECTS = np.array([1.0, 0.0, 1.0])
# reward estimate: value of the unit vector along it, at rho = 0 and rho = .7 (printed from 200,000 rows)
PRINTED = {
    "naive": (1.213, 1.320),
    "joint": (1.414, 1.414),
    "marginal subtraction": (1.414, 1.400),
    "instrument subtraction": (1.414, 1.414),
    "invariance": (1.414, 1.190),
}


def entangled_moments(rho):
    """Covariance of the texts (3, 3), of texts and popularity (3,), of texts and placement (3,), and of
    popularity with itself and with placement, by the world's quadrature."""
    world = make_world("entangled", error=0.0)
    people, weights = world.population.grid()
    # a writer's answer to people: the direction is the world's, its size sets the correlation
    answers = world.rule.weights[np.flatnonzero(world.roles.directions)[0]]
    wanted = np.array([rho, 0.6, 0.0])
    slopes = 2 * wanted / np.sqrt(1 - wanted**2) / np.sqrt(COPIES)
    rule = replace(world.rule, intercepts=np.zeros(3), weights=slopes[:, None] * np.abs(answers), gamma=1.0)
    chances = rule.probabilities(people)
    centred = chances - weights @ chances
    own = COPIES * (weights @ (chances * (1 - chances)))
    texts = COPIES**2 * (centred * weights[:, None]).T @ centred + np.diag(own)
    scale = np.sqrt(np.diag(texts))
    popularity, placement = world.outcome.confounding(people), people["placement"]
    moved = [COPIES * (weights * h) @ centred / scale for h in (popularity, placement)]
    return texts / np.outer(scale, scale), *moved, weights @ popularity**2, (weights * popularity) @ placement


def estimate_rewards(rho):
    """Rewards of A, B and D in the limit of many rows, by estimator; Y = A + D + 2 C + noise."""
    texts, with_popularity, with_placement, spread, first_stage = entangled_moments(rho)
    cross = texts @ EFFECTS + 2 * with_popularity

    def subtracting(slope):
        return np.linalg.solve(texts, cross - slope * with_popularity)

    on_popularity = with_popularity @ EFFECTS + 2 * spread
    everything = np.block([[texts, with_popularity[:, None]], [with_popularity[None], np.array([[spread]])]])
    naive, pull = np.linalg.solve(texts, cross), np.linalg.solve(texts, with_popularity)
    return {
        "naive": naive,
        "joint": np.linalg.solve(everything, np.append(cross, on_popularity))[:3],
        "marginal subtraction": subtracting(on_popularity / spread),
        "instrument subtraction": subtracting((with_placement @ EFFECTS + 2 * first_stage) / first_stage),
        # least squares subject to no covariance of the reward with popularity
        "invariance": naive - pull * (with_popularity @ naive) / (with_popularity @ pull),
    }


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize(("column", "rho"), [(0, 0.0), (1, 0.7)])
def test_the_world_reaches_the_printed_table(name, column, rho):
    reward = estimate_rewards(rho)[name]
    value = reward @ EFFECTS / np.linalg.norm(reward)
    assert value == pytest.approx(PRINTED[name][column], abs=0.003)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_the_limit_has_the_correlations_of_the_table(rho):
    texts, with_popularity, with_placement, spread, first_stage = entangled_moments(rho)
    wanted = np.array([rho, 0.6, 0.0])
    assert texts == pytest.approx(np.outer(wanted, wanted) + np.diag(1 - wanted**2), abs=1e-3)
    # C = (U + Z) / sqrt 2 with U and Z independent of variance 1
    assert with_popularity == pytest.approx(wanted / np.sqrt(2), abs=1e-3)
    assert with_placement == pytest.approx(0, abs=1e-9)
    assert spread == pytest.approx(1)
    assert first_stage == pytest.approx(1 / np.sqrt(2))


def test_popularity_and_placement_are_what_the_log_records():
    world = make_world("entangled", error=0.0)
    rows = world.draw_rows(0, 500)
    log = world.draw(500).log
    assert log.numbers("covariate.popularity") == pytest.approx(world.outcome.confounding(rows.people))
    assert log.numbers("instrument.placement") == pytest.approx(rows.people["placement"])


def reward_with_popularity(entanglement, seed):
    """Correlation of a text's true reward with popularity among logged texts, by the world's quadrature."""
    world = make_world("entangled", seed=seed, error=0.0, entanglement=entanglement)
    people, weights = world.population.grid()
    chances, effects = world.rule.probabilities(people), world.roles.effects
    centred = chances - weights @ chances
    popularity = world.outcome.confounding(people)
    popularity = popularity - weights @ popularity
    reward = centred @ effects
    spread = weights @ reward**2 + effects**2 @ (weights @ (chances * (1 - chances)))
    return (weights * popularity) @ reward / np.sqrt(spread * (weights @ popularity**2))


@pytest.mark.parametrize("seed", range(4))
def test_the_parameter_says_how_far_the_true_reward_goes_with_popularity(seed):
    """Invariance of the reward costs what of the true reward goes with popularity: nothing at 0, more
    with each step of the parameter. At 0 only attributes without an effect answer reputation: the
    correlation is 0."""
    none, half, whole = (reward_with_popularity(parameter, seed) for parameter in (0.0, 0.5, 1.0))
    assert abs(none) < 1e-9
    assert 0.05 < half < whole
