"""Pairs from people who disagree: the Bradley-Terry projection, the Borda count, and what pairs hide."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from worlds import make_world

from benchmark.contract import UsageError
from simulators.law.codes import encode
from simulators.law.comparison import project_pairs

SHARES = np.array([0.6, 0.4])


@pytest.fixture
def mixture():
    """Two kinds of people, eight texts, each kind shown its own law of texts."""
    rng = np.random.default_rng(5)
    utilities, texts = 2 * rng.normal(size=(2, 8)), rng.dirichlet(np.ones(8), size=2)
    return utilities, texts


def test_the_projection_minimises_the_expected_loss(mixture):
    """Against a general-purpose optimiser of the same expectation."""
    utilities, texts = mixture
    met = np.einsum("g,ga,gb->gab", SHARES, texts, texts)
    prefers = expit(utilities[:, :, None] - utilities[:, None])

    def loss(reward):
        return -2 * (met * prefers * np.log(expit(reward[:, None] - reward))).sum()

    found = minimize(loss, np.zeros(8), tol=1e-14).x
    assert project_pairs(utilities, texts, SHARES) == pytest.approx(found - found.mean(), abs=2e-4)


def test_one_kind_of_people_is_recovered(mixture):
    utilities, texts = mixture
    found = project_pairs(utilities[:1], texts[:1], np.ones(1))
    assert found == pytest.approx(utilities[0] - utilities[0].mean(), abs=1e-9)


def test_its_order_is_that_of_the_borda_count(mixture):
    """Texts of a pair independent of the kind: E_b sigmoid(r(a) - r(b)) = P(a beats b) increases in r(a)."""
    utilities, texts = mixture
    found = project_pairs(utilities, np.stack([texts[0]] * 2), SHARES)
    prefers = expit(utilities[:, :, None] - utilities[:, None])
    borda = SHARES @ (prefers @ texts[0])
    assert (expit(found[:, None] - found) @ texts[0]) == pytest.approx(borda, abs=1e-9)
    assert np.array_equal(np.argsort(found), np.argsort(borda))


def test_borda_parts_from_mean_utility_by_hand():
    """One loud kind, two mild ones: text a is worth 6, 0, 0 and text b 0, 1, 1.

    Means 2 and 2/3, but b beats a with (s(-6) + 2 s(1)) / 3 = .488 among the three and .731 without
    the loud one; with shares .2, .4, .4 a's mean is 1.2 > .8 and b wins .2 s(-6) + .8 s(1) = .585.
    """
    utilities = np.array([[6.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    shares = np.array([0.2, 0.4, 0.4])
    found = project_pairs(utilities, np.full((3, 2), 0.5), shares)
    assert shares @ utilities == pytest.approx([1.2, 0.8])
    assert expit(found[1] - found[0]) == pytest.approx(0.2 * expit(-6) + 0.8 * expit(1))


def test_the_card_shows_where_borda_disagrees():
    assert make_world("observed").card()["borda_regret"] is None
    assert make_world("prefix").card()["borda_regret"] == 0
    assert make_world("heterogeneous", disagreement=0).card()["borda_regret"] == 0
    mild, wild = (make_world("heterogeneous", disagreement=d).card()["borda_regret"] for d in (1.0, 4.0))
    assert 0 < mild < wild < 0.5


def test_the_prefix_is_worth_log_sixteen():
    """.8 before the chosen, .2 before the rejected: logit .8 - logit .2 = log 16; nothing else is moved."""
    world = make_world("prefix")
    truth, k = world.truth, int(np.flatnonzero(world.roles.directions)[0])
    bias = truth.naive_effects - truth.effects
    assert bias[k] == pytest.approx(np.log(16))
    assert np.delete(bias, k) == pytest.approx(0)
    rows = world.draw_rows(0, 100_000)
    won = rows.outcomes.argmax(axis=0)
    shown = rows.attributes[..., k]
    at = np.arange(len(rows))
    error = 4 * 0.4 / np.sqrt(len(rows))
    assert shown[won, at].mean() == pytest.approx(0.8, abs=error)
    assert shown[1 - won, at].mean() == pytest.approx(0.2, abs=error)
    twin = world.draw_rows(0, 100_000, "twin").attributes[..., k]
    assert twin.mean(axis=1) == pytest.approx(0.3, abs=error)
    assert world.domain.attributes[k] == "greeting"


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.9])
def test_features_correlate_as_the_parameter_says(correlation):
    world = make_world("correlated", correlation=correlation)
    members = world.query_law.pair_weights.counts
    rows = world.draw_rows(0, 50_000)
    levels = rows.attributes @ members.T
    apart = levels[0] - levels[1]
    found = np.corrcoef(apart.T)[0, 1]
    assert found == pytest.approx(correlation, abs=4 / np.sqrt(len(rows)))
    assert world.marginals[0][members.any(axis=0)] == pytest.approx(0.5)
    # r = 1/4 z_1 + 3/4 z_2
    effects = world.truth.effects
    assert effects[members[1] == 1] == pytest.approx(3 * effects[members[0] == 1])


def test_opposed_pairs_grow_rare_and_are_what_is_asked():
    """The more the features go together, the fewer pairs of a log trade one for the other."""
    shares = []
    for correlation in (0.0, 0.3, 0.6, 0.9):
        world = make_world("correlated", correlation=correlation)
        shown = encode(world.draw_rows(0, 20_000).attributes)
        shares.append(world.query_law.pair_weights(*shown).mean())
        queries = world.queries()
        codes = encode(world.domain.detect(queries.texts).attributes)
        assert world.query_law.pair_weights(*codes[queries.pairs].T).all()
    assert (np.diff(shares) < 0).all()
    logged = make_world("correlated", correlation=0.9, pairs="logged")
    members = make_world("correlated", correlation=0.9).query_law.pair_weights.counts
    read = logged.domain.detect(logged.queries().texts).attributes
    assert np.corrcoef((read @ members.T).T)[0, 1] > 0.8


def test_erasing_the_type_hurts_where_it_is_causal_alone():
    """The best reward that knows the objective but not the type of prompt, on prompts of the other type.

    A type-blind reward gives every prompt the mean over types of the utilities of its objective. Its
    regret is 0 where types do not matter and well above 0 where they do, whatever rho.
    """
    for causal in (False, True):
        regrets = []
        for seed in range(8):
            world = make_world("objective", seed=seed, causal_type=causal)
            base, classes = world.outcome.base, world.prompt_law.classes
            centred = base - base[..., :1]
            law, lost, at_stake = world.text_law[0], 0.0, 0.0
            for v in range(2):
                blind = np.mean([centred[v, np.flatnonzero(classes == c)[0]] for c in range(2)], axis=0)
                truth = centred[v, np.flatnonzero(world.query_law.asked[v])[0]]
                weight = np.outer(law, law) * np.abs(truth[:, None] - truth)
                wrong = (truth[:, None] - truth) * (blind[:, None] - blind) < -1e-12
                lost, at_stake = lost + (weight * wrong).sum(), at_stake + weight.sum()
            regrets.append(lost / at_stake)
        assert (min(regrets) > 0.03) if causal else (max(regrets) == 0)


def test_objective_leaves_no_overlap_at_one():
    """rho = P(type = objective): at .5 the pooled log is unconfounded, at 1 types show one objective."""
    for rho in (0.5, 0.8, 1.0):
        world = make_world("objective", agreement=rho)
        shares = world.law.weights / world.law.weights.sum(axis=0)
        wants = np.asarray(world.law.people["objective"])
        assert shares[wants == 0, 0] == pytest.approx(rho)
        assert shares[wants == 1, 1] == pytest.approx(rho)
    own = world.outcome.base - world.outcome.base[..., :1]
    naive = world.truth.naive_rewards - world.truth.naive_rewards[..., :1]
    for p, c in enumerate(world.prompt_law.classes):
        assert naive[0, p] == pytest.approx(own[c, p], abs=1e-8)


@pytest.mark.parametrize(("flips", "ties"), [(0.2, 0.0), (0.0, 1.0), (0.1, 0.7)])
def test_flips_and_ties_come_at_their_rates(flips, ties):
    """P(tie) = sigmoid(d + t) - sigmoid(d - t) at utility difference d; flips reverse the rest."""
    world = make_world("heterogeneous", feedback="preference", flips=flips, ties=ties)
    clean = make_world("heterogeneous", feedback="preference")
    rows, felt = world.draw_rows(0, 60_000), clean.draw_rows(0, 60_000)
    gap = felt.index[0] - felt.index[1]
    error = 4 * 0.5 / np.sqrt(len(rows))
    tied = world.feedback.tied(rows.outcomes)
    assert tied.mean() == pytest.approx((expit(gap + ties) - expit(gap - ties)).mean(), abs=error)
    swapped = rows.outcomes[0] == felt.outcomes[1]
    assert swapped[~tied].mean() == pytest.approx(flips, abs=error)
    assert not ties or abs(swapped[tied].mean() - 0.5) < 4 * 0.5 / np.sqrt(tied.sum())
    log = world.draw(2000).log
    assert log.has("tie") == (ties > 0)
    if ties:
        assert np.array_equal(log.numbers("tie"), tied[:2000])
    # the pooled limit: score equations hold at the naive rewards
    worth = world.truth.naive_rewards[0][rows.prompt_ids, encode(rows.attributes)]
    missed = (rows.outcomes[0] > rows.outcomes[1]) - expit(worth[0] - worth[1])
    moved = missed[:, None] * (rows.attributes[0].astype(float) - rows.attributes[1])
    assert np.abs(moved.mean(axis=0) / moved.std(axis=0)).max() < 4.5 / np.sqrt(len(rows))
    with pytest.raises(UsageError, match="rankings"):
        make_world("heterogeneous", flips=0.1)
