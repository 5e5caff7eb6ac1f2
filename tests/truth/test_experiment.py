"""Every family against brute force: a randomised experiment for the truth, a huge log for the naive limit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from worlds import live_again, make_world, randomised_contrasts, saturated_weights, taken_at_face_value

import simulators
from simulators.families.correlated.joint import JointRule
from simulators.law.assignment import Assignment
from simulators.law.codes import encode

N = 120_000
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
    ("correlated", {"correlation": 0.9, "pairs": "logged"}),
    ("prefix", {"chosen": 0.9, "rejected": 0.4}),
    ("badcontrol", {"labelled": False}),
    ("marker", {"rule": "deterministic"}),
    ("marker", {"greeting": "friday"}),
    ("marker", {"greeting": "monday", "rule": "deterministic"}),
    ("marker", {"balanced": True}),
]
WORLDS = [(name, {}) for name in FAMILIES] + VARIANTS
# strength 1 is the default, hence among the worlds above
WITH_STRENGTH = [
    card.name for card in simulators.list_families() if "strength" in card.defaults and card.name != "letters"
]
IDS = [name + "".join(f"-{v}" for v in parameters.values()) for name, parameters in WORLDS]


@pytest.fixture(params=WORLDS, ids=IDS, scope="module")
def world(request):
    name, parameters = request.param
    return make_world(name, seed=3, **parameters)


@pytest.fixture(scope="module")
def twin(world):
    """The randomised experiment: N people, texts drawn from the interventional law."""
    return world.draw_rows(0, N, "twin")


def test_effects_and_value_match_a_randomised_experiment(world, twin):
    rows, truth, read = twin, world.truth, world.domain.detect(twin.texts[0])
    assert read.on_grammar.all()
    assert (read.topics == world.domain.topic_ids[rows.prompt_ids]).all()
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
    rows = world.draw_rows(0, N)
    if world.feedback.slots > 1:
        check_pooled_pairs(world, rows)
        return
    if world.law.effective_share < 0.02:
        pytest.skip("the log does not show every attribute vector")
    estimates, errors = face_value_contrasts(world, rows)
    # the contrast estimator also averages over sampled weights: allow for it with 4.5 errors
    assert np.abs((estimates - world.truth.naive_effects) / errors).max() < 4.5


def face_value_contrasts(world, rows):
    """What somebody who takes the log at face value finds, and its standard errors."""
    values, seen = taken_at_face_value(world, rows)
    shown, prompts = rows.attributes[0][seen], world.domain.topic_ids[rows.prompt_ids[seen]]
    told = np.flatnonzero(world.biasable | (world.edits.recorded_mean is not None))
    weights = saturated_weights(shown[:, told], prompts, world.marginals[0, told])
    return randomised_contrasts(shown, values[seen], weights)


def check_pooled_pairs(world, rows):
    """The score equations of Bradley-Terry regression hold in the rows' pairs at the naive limit.

    At the minimum of the expected loss, ``1[a over b] - sigmoid(r(a) - r(b))`` is uncorrelated with any
    difference of a function of the text: here every attribute, every product of two, by prompt class.
    """
    naive = world.truth.naive_rewards[0]
    for c in range(world.law.weights.shape[1]):
        here = world.prompt_law.classes[rows.prompt_ids] == c
        shown, outcomes = rows.attributes[:2, here], rows.outcomes[:2, here]
        worth = naive[rows.prompt_ids[here], encode(shown)]
        missed = (outcomes[0] > outcomes[1]) - expit(worth[0] - worth[1])
        pairs = np.stack(np.triu_indices(shown.shape[2]))  # i = j is the attribute itself
        products = shown[..., pairs[0]] * shown[..., pairs[1]]
        moved = missed[:, None] * (products[0].astype(float) - products[1])
        spread = moved.std(axis=0)
        held = spread > 0
        z = moved.mean(axis=0)[held] / spread[held] * np.sqrt(len(missed))
        assert np.abs(z).max() < 4.5


@pytest.mark.parametrize("strength", [0.5, 2.0])
@pytest.mark.parametrize("family", WITH_STRENGTH)
def test_other_strengths_match_the_same_experiment(family, strength, experiment):
    """The rows of strength 1 lived again: same people and texts, outcomes by this world's mechanism."""
    world = make_world(family, seed=3, strength=strength)
    truth = world.truth
    log, twin = (live_again(world, rows) for rows in experiment(family))
    estimates, errors = randomised_contrasts(twin.attributes[0], twin.outcomes[0])
    assert np.abs((estimates - truth.effects) / errors).max() < 4
    outcomes = twin.outcomes[0]
    assert abs(outcomes.mean() - truth.value_reference) < 4 * outcomes.std() / np.sqrt(len(outcomes))
    if world.law.effective_share >= 0.02:
        estimates, errors = face_value_contrasts(world, log)
        assert np.abs((estimates - truth.naive_effects) / errors).max() < 4.5


@pytest.fixture(scope="module")
def experiment():
    """Log and randomised rows of a family at strength 1, the last family's kept."""
    kept = {}

    def draw(family):
        if family not in kept:
            kept.clear()
            world = make_world(family, seed=3)
            kept[family] = tuple(world.draw_rows(0, N // 2, arm) for arm in ("log", "twin"))
        return kept[family]

    return draw


def test_the_best_texts_are_worth_the_optimal_value(world, twin):
    """Everybody given the best text of their prompt and context: the mean outcome is V_opt."""
    rows, truth = twin, world.truth
    best = truth.rewards.argmax(axis=2)[rows.contexts, rows.prompt_ids]
    index = world.outcome.index(rows.people, rows.contexts, rows.prompt_ids, best)
    noise = world.streams.draw_rows("noise", 0, N, lambda rng, n: rng.random(n))
    outcomes = world.feedback.draw(index, noise) - _noise_mean(world)
    prompts_alike = len(world.law.weights.T) == 1
    weights = np.ones(N) if prompts_alike else _prompt_weights(world, rows)
    # where prompts go with contexts, each context's prompts are reweighted to be uniform
    if world.context is not None:
        joint = np.bincount(rows.contexts * len(truth.rewards[0]) + rows.prompt_ids).astype(float)
        weights = (N / len(truth.rewards[0]) * truth.context_weights[rows.contexts]) / joint[
            rows.contexts * len(truth.rewards[0]) + rows.prompt_ids
        ]
    mean = np.average(outcomes, weights=weights)
    error = np.sqrt(weights**2 @ (outcomes - mean) ** 2) / weights.sum()
    assert abs(mean - truth.value_optimal) < 4 * error


def test_rewards_match_within_contexts_and_groups(world, twin):
    """Where effects vary with people: outcomes minus the group's own rewards average 0 in each group."""
    rows, truth = twin, world.truth
    codes = encode(rows.attributes[0])
    tables, labels = truth.rewards, rows.contexts
    if truth.groups is not None:
        tables, labels = truth.groups[:, 0], rows.people[world.latent].astype(int)
    elif world.context is None:
        pytest.skip("effects do not vary with anything known")
    rest = rows.outcomes[0] - _noise_mean(world) - tables[labels, rows.prompt_ids, codes]
    for group in np.unique(labels):
        for column in rows.attributes[0].T:
            chosen = rest[(labels == group) & (column == 1)]
            assert abs(chosen.mean()) < 4.5 * chosen.std() / np.sqrt(len(chosen))
    if truth.groups is not None:
        assert np.bincount(labels) / N == pytest.approx(truth.group_weights, abs=4 * np.sqrt(8 * 0.25 / N))


def test_effective_share_is_met_by_the_rows(world):
    expected = world.law.effective_share
    if expected < 0.02:
        pytest.skip("no overlap by design")
    rows = world.draw_rows(0, N // 2)
    weights = np.exp(rows.log_target[0] - rows.log_propensity[0])
    if isinstance(world.rule, JointRule):  # everybody has the same law, so weights have light tails
        assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(len(weights)))
        error = (weights**2).std() / np.sqrt(len(weights))
        assert abs((weights**2).mean() - 1 / expected) < 4 * error
        return
    target, chances = world.marginals[rows.prompt_ids], world.rule.probabilities(rows.people)

    def moment(power):
        """E[w**power | person] of the rows' people, by summing over the texts each might be shown."""
        q = power - 1
        return (target * (target / chances) ** q + (1 - target) * ((1 - target) / (1 - chances)) ** q).prod(
            axis=1
        )

    assert 1 / moment(2).mean() == pytest.approx(expected, rel=0.1)
    # the rows' own weights are heavy-tailed: compare within 4 standard errors of their second moment
    error = np.sqrt(moment(4).mean() / len(rows))
    assert abs((weights**2).mean() - 1 / expected) < 4 * error
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(len(rows)) + 1e-9)
    if "overlap" in world.parameters and world.law.responds.any() and isinstance(world.rule, Assignment):
        assert expected == pytest.approx(float(world.parameters["overlap"]), rel=1e-6)


def _noise_mean(world):
    """Preferences add standard Gumbel noise, of mean Euler's constant; truth is on the utility scale."""
    return np.euler_gamma if world.feedback.slots > 1 else 0.0


def _prompt_weights(world, rows):
    """Weights that make prompts uniform and independent of people, as the target population has them."""
    share = world.law.weights.sum(axis=0)[world.prompt_law.classes]
    sizes = np.bincount(world.prompt_law.classes)[world.prompt_law.classes]
    return 1 / (share / sizes)[rows.prompt_ids]
