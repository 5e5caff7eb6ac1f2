"""Every family against brute force: a randomised experiment for the truth, a huge log for the naive limit."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import make_world, randomised_contrasts, saturated_weights, taken_at_face_value

import simulators
from simulators.assignment import Assignment

N = 200_000
# the attributes of letters are not independent: test_letters_world.py has its own estimators
FAMILIES = [card.name for card in simulators.list_families() if card.name != "letters"]
VARIANTS = [
    ("observed", {"feedback": "binary", "strength": 0.5}),
    ("observed", {"feedback": "count", "strength": 0.5}),
    ("observed", {"feedback": "rating", "strength": 0.5}),
    ("selection", {"rule": "extreme", "strength": 0.7}),
    ("instrument", {"direct": 0.5, "dependent": 0.5}),
    ("entangled", {"endogeneity": 0.5, "reaction": 0.5}),
    ("heterogeneous", {"types": 3, "feedback": "preference"}),
    ("objective", {"causal_type": True}),
    ("badcontrol", {"labelled": False}),
    ("marker", {"rule": "deterministic"}),
    ("marker", {"rule": "mild"}),
    ("marker", {"balanced": True}),
]
WORLDS = [(name, {}) for name in FAMILIES] + VARIANTS
IDS = [name + "".join(f"-{v}" for v in dials.values()) for name, dials in WORLDS]


@pytest.fixture(params=WORLDS, ids=IDS, scope="module")
def world(request):
    name, dials = request.param
    return make_world(name, seed=3, **dials)


@pytest.fixture(scope="module")
def twin(world):
    """The randomised experiment: N people, texts drawn from the interventional law."""
    return world.draw_rows(0, N, "twin")


def test_effects_and_value_match_a_randomised_experiment(world, twin):
    rows, truth, read = twin, world.truth, world.domain.detect(twin.texts[0])
    assert read.on_grammar.all()
    assert (read.topics == rows.prompt_ids).all()
    outcomes = rows.outcomes[0] - _noise_mean(world)
    prompts_alike = np.allclose(world.marginals, world.marginals[0])
    weights = None if prompts_alike else _prompt_weights(world, rows)
    estimates, errors = randomised_contrasts(read.attributes, outcomes, weights)
    assert np.abs((estimates - truth.effects) / np.hypot(errors, truth.effects_mcse)).max() < 4
    if prompts_alike:
        spread = outcomes.std() / np.sqrt(N)
        assert abs(outcomes.mean() - truth.value_reference) < 4 * spread
    assert (truth.effects_mcse <= 0.01 * max(np.abs(truth.effects).max(), 1e-12)).all()


def test_rewards_match_the_mean_outcome_of_each_text(world, twin):
    """Outcomes minus rewards average 0 on the twin, overall and for every attribute value."""
    rows, truth = twin, world.truth
    prompts = np.asarray(world.domain.prompts, dtype=object)[rows.prompt_ids]
    context = None if world.context is None else {world.context: rows.contexts}
    texts = rows.texts[0].to_numpy(zero_copy_only=False)
    rest = rows.outcomes[0] - _noise_mean(world) - truth.reward(prompts, texts, context)
    for column in rows.attributes[0].T:
        for value in (0, 1):
            chosen = rest[column == value]
            assert abs(chosen.mean()) < 4.5 * chosen.std() / np.sqrt(len(chosen))


def test_naive_limit_matches_a_huge_log(world):
    if world.law.effective_share < 0.02 or len(world.law.weights.T) > 1 or world.context is not None:
        pytest.skip("the log does not show every attribute vector, or conditions on more than the text")
    rows = world.draw_rows(0, 2 * N)
    values, seen = taken_at_face_value(world, rows)
    shown, prompts = rows.attributes[0][seen], rows.prompt_ids[seen]
    told = np.flatnonzero(world.biasable | (world.face_value is not None))
    weights = saturated_weights(shown[:, told], prompts, world.marginals[0, told])
    estimates, errors = randomised_contrasts(shown, values[seen] - _noise_mean(world), weights)
    # the contrast estimator also averages over sampled weights: allow for it with 4.5 errors
    assert np.abs((estimates - world.truth.naive_effects) / errors).max() < 4.5


def test_effective_share_is_met_by_the_rows(world):
    expected = world.law.effective_share
    if expected < 0.02:
        pytest.skip("no overlap by design")
    rows = world.draw_rows(0, N)
    target, chances = world.marginals[rows.prompt_ids], world.rule.probabilities(rows.people)

    def moment(power):
        """E[w**power | person] of the rows' people, by summing over the texts each might be shown."""
        q = power - 1
        return (target * (target / chances) ** q + (1 - target) * ((1 - target) / (1 - chances)) ** q).prod(
            axis=1
        )

    assert 1 / moment(2).mean() == pytest.approx(expected, rel=0.1)
    # the rows' own weights are heavy-tailed: compare within 4 standard errors of their second moment
    weights = np.exp(rows.log_target[0] - rows.log_propensity[0])
    error = np.sqrt(moment(4).mean() / N)
    assert abs((weights**2).mean() - 1 / expected) < 4 * error
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(N) + 1e-9)
    if "overlap" in world.dials and world.law.responds.any() and isinstance(world.rule, Assignment):
        assert expected == pytest.approx(float(world.dials["overlap"]), rel=1e-6)


def _noise_mean(world):
    """Preferences add standard Gumbel noise, of mean Euler's constant; truth is on the utility scale."""
    return np.euler_gamma if world.feedback.slots > 1 else 0.0


def _prompt_weights(world, rows):
    """Weights that make prompts uniform and independent of people, as the target population has them."""
    share = world.law.weights.sum(axis=0)[world.prompt_law.classes]
    sizes = np.bincount(world.prompt_law.classes)[world.prompt_law.classes]
    return 1 / (share / sizes)[rows.prompt_ids]
